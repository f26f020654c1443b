import { describe, expectTypeOf, test } from "vitest";
import { pattern } from "../../src/pattern/pattern.ts";
import { between } from "../../src/stream/join-bounds.ts";
import type { Results } from "../../src/stream/results.ts";
import { stream } from "../../src/stream/stream.ts";
import { count, sum } from "../../src/time/aggregate.ts";
import { millis, minutes } from "../../src/time/event-time.ts";
import type { WindowResult } from "../../src/time/open-window.ts";
import { session, tumbling } from "../../src/time/window-kind.ts";

type View = { readonly type: "view"; readonly sku: string };
type Paid = { readonly type: "paid"; readonly sku: string; readonly minor: number };
type Event = View | Paid;

const views = stream<Event>("views")
  .filter((event): event is View => event.type === "view")
  .keyBy(({ sku }) => sku);
const paid = stream<Event>("paid")
  .filter((event): event is Paid => event.type === "paid")
  .keyBy(({ sku }) => sku);

describe("types flow from the event to what is told", () => {
  test("windows", () => {
    const windows = paid.window(tumbling(minutes(1)));
    expectTypeOf(windows.aggregate(count())).toEqualTypeOf<Results<Event, WindowResult<number>>>();
    expectTypeOf(windows.aggregate(sum(), ({ minor }) => minor)).toEqualTypeOf<
      Results<Event, WindowResult<number>>
    >();
    // @ts-expect-error a payment is no number: what to add up must be said
    windows.aggregate(sum());
    paid.window(session((event) => millis(expectTypeOf(event).toEqualTypeOf<Paid>() ? 1 : 1)));
  });

  test("select and publish", () => {
    paid
      .each()
      .select(({ minor }) => (minor > 0 ? { minor } : undefined))
      .publish((out) => {
        expectTypeOf(out).toEqualTypeOf<{ minor: number }>();
        return undefined;
      });
  });

  test("joins: each side has its own type, null only where the kind says so", () => {
    views.join(paid, between(millis(0), millis(1))).select(({ left, right }) => {
      expectTypeOf(left).toEqualTypeOf<View>();
      expectTypeOf(right).toEqualTypeOf<Paid>();
      return undefined;
    });
    const near = { before: millis(0), after: millis(1) };
    views.joinWindow(paid, "inner", near).select(({ right }) => {
      expectTypeOf(right).toEqualTypeOf<Paid>();
      return undefined;
    });
    views.joinWindow(paid, "left", near).select(({ left, right }) => {
      expectTypeOf(left).toEqualTypeOf<View>();
      expectTypeOf(right).toEqualTypeOf<Paid | null>();
      return undefined;
    });
    const other = stream<{ readonly other: 1 }>("other").keyBy(() => "k");
    // @ts-expect-error the sides of a join read the same events
    views.join(other, between(millis(0), millis(1)));
  });

  test("lookups and patterns", () => {
    paid
      .lookup("catalog", ({ sku }) => sku, Number)
      .each()
      .select(({ value, fact }) => {
        expectTypeOf(value).toEqualTypeOf<Paid>();
        expectTypeOf(fact).toEqualTypeOf<number>();
        return undefined;
      });
    const bought = pattern<Paid>().begin("first").followedBy("second");
    paid.pattern(bought).select(({ events }) => {
      expectTypeOf(events.second).toEqualTypeOf<readonly Paid[]>();
      // @ts-expect-error the pattern has no such stage
      return events.third;
    });
  });
});
