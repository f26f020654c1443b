import { expect, expectTypeOf, test } from "vitest";
import { Matcher } from "../../src/pattern/matcher.ts";
import { pattern } from "../../src/pattern/pattern.ts";
import { SkipError } from "../../src/pattern/skip.ts";
import { PatternError } from "../../src/pattern/spec.ts";
import { type EventTime, eventTime, minutes, seconds } from "../../src/time/event-time.ts";

type Viewed = { readonly type: "viewed"; readonly sku: string; readonly price: number };
type Paid = { readonly type: "paid"; readonly sku: string };
type ShopEvent = Viewed | Paid;

const isViewed = (event: ShopEvent): event is Viewed => event.type === "viewed";
const isPaid = (event: ShopEvent): event is Paid => event.type === "paid";
const viewed = (sku: string, price: number): Viewed => ({ type: "viewed", sku, price });
const paid = (sku: string): Paid => ({ type: "paid", sku });

/** Looks at ever cheaper items, then pays for the last one seen. */
const bargain = pattern<ShopEvent>()
  .begin("looks")
  .where(isViewed)
  .where((event, soFar) => event.price < (soFar.taken("looks").at(-1)?.price ?? Number.MAX_VALUE))
  .timesOrMore(2)
  .followedBy("pays")
  .where(isPaid)
  .where((event, soFar) => event.sku === soFar.taken("looks").at(-1)?.sku)
  .within(minutes(30))
  .afterMatch({ strategy: "skipPastLastEvent" });

test("conditions see the events taken so far, with the types that the guards gave them", () => {
  const matcher = new Matcher(bargain);
  const state = matcher.init();
  const events = [viewed("x", 30), viewed("y", 40), viewed("z", 20), paid("x"), paid("z")];
  const outcomes = events.map((event, i) => matcher.match(state, event, eventTime(i * 1000)));
  const [match, ...more] = outcomes.flatMap(({ matches }) => matches);
  expect(more).toEqual([]);
  expect(match).toEqual({
    start: 0,
    at: 4000,
    events: { looks: [viewed("x", 30), viewed("z", 20)], pays: [paid("z")] },
  });
  if (match === undefined) throw new Error("no match");
  expectTypeOf(match.events.looks).toEqualTypeOf<readonly Viewed[]>();
  expectTypeOf(match.events.pays).toEqualTypeOf<readonly Paid[]>();
  expectTypeOf(match.events).not.toHaveProperty("nothing");
  expect(matcher.isIdle(state)).toBe(true);
});

test("the digest names the structure, not the conditions; a foreign state is refused", () => {
  const begin = () =>
    pattern<ShopEvent>()
      .begin("a")
      .where((event) => event.type === "viewed");
  const digest = (build: (p: ReturnType<typeof begin>) => ReturnType<typeof begin>) =>
    new Matcher(build(begin())).digest;
  expect(digest((p) => p.where((event) => event.sku === "x"))).toBe(digest((p) => p));
  const others = [
    digest((p) => p),
    digest((p) => p.times(2)),
    digest((p) => p.oneOrMore()),
    digest((p) => p.oneOrMore().greedy()),
    digest((p) => p.oneOrMore().consecutive()),
    digest((p) => p.oneOrMore().until((event) => event.sku === "x")),
    digest((p) => p.optional()),
    digest((p) => p.within(minutes(1))),
    digest((p) => p.withinPrevious(minutes(1))),
    digest((p) => p.afterMatch({ strategy: "skipToNext" })),
    new Matcher(begin().next("b")).digest,
    new Matcher(begin().followedBy("b")).digest,
  ];
  expect(new Set(others).size).toBe(others.length);

  const stranger = new Matcher(begin()).init();
  const matcher = new Matcher(begin().times(2));
  expect(() => matcher.match(stranger, paid("x"), eventTime(0))).toThrow(/another pattern/);
});

test("a pattern that cannot mean anything is refused when it is built", () => {
  const a = () => pattern<ShopEvent>().begin("a");
  const senseless = {
    "two stages are named": a().next("a"),
    "needs within": a().notFollowedBy("b"),
    "right after the optional": a().next("b").optional().notNext("c").next("d"),
    "need times": a().greedy(),
    "must come": a().oneOrMore().greedy().followedBy("b").optional(),
    "exclude each other": a().oneOrMore().greedy().allowCombinations(),
    "at least 1": a().times(3, 2),
    "no stage": a().afterMatch({ strategy: "skipToLast", stage: "z", throwOnMissing: false }),
    "must be positive": a().within(seconds(0)),
  };
  for (const [reason, built] of Object.entries(senseless)) {
    expect(() => new Matcher(built), reason).toThrow(new RegExp(reason));
    expect(() => new Matcher(built), reason).toThrow(PatternError);
  }
});

test("skipping to what a match does not hold, or to its own start, throws when told to", () => {
  const of = (stage: string, throwOnMissing: boolean) =>
    new Matcher(
      pattern<ShopEvent>()
        .begin("a")
        .where(isViewed)
        .next("b")
        .where(isViewed)
        .optional()
        .next("c")
        .where(isPaid)
        .afterMatch({ strategy: "skipToFirst", stage, throwOnMissing }),
    );
  const play = (matcher: ReturnType<typeof of>) => {
    const state = matcher.init();
    matcher.match(state, viewed("x", 1), eventTime(0));
    return matcher.match(state, paid("x"), eventTime(1)).matches.length;
  };
  expect(() => play(of("b", true))).toThrow(SkipError);
  expect(() => play(of("a", true))).toThrow(SkipError);
  expect(play(of("b", false))).toBe(1);
  expect(play(of("a", false))).toBe(1);
});

test("a deadline is where a timer belongs: the trailing absence comes true there", () => {
  const unpaid = new Matcher(
    pattern<ShopEvent>()
      .begin("looks")
      .where(isViewed)
      .notFollowedBy("pays")
      .where(isPaid)
      .within(minutes(5)),
  );
  const state = unpaid.init();
  unpaid.match(state, viewed("x", 1), eventTime(1000));
  const due = unpaid.deadline(state);
  expect(due).toBe(301_000);
  expect(unpaid.advance(state, 300_999 as EventTime).matches).toEqual([]);
  expect(unpaid.advance(state, 301_000 as EventTime).matches).toEqual([
    { start: 1000, at: 301_000, events: { looks: [viewed("x", 1)] } },
  ]);
  expect(unpaid.deadline(state)).toBeUndefined();
});

test("a condition that throws leaves nothing behind for the keys that come after", () => {
  type Act = { readonly type: string };
  const matcher = new Matcher(
    pattern<Act>()
      .begin("first")
      .followedBy("more")
      .where(({ type }) => {
        if (type === "broken") throw new Error("out of order");
        return type === "more";
      })
      .timesOrMore(2)
      .followedBy("last")
      .where(({ type }) => type === "last"),
  );
  const [one, other] = [matcher.init(), matcher.init()];
  for (const type of ["first", "more", "more"]) matcher.match(one, { type }, eventTime(0));
  expect(() => matcher.match(one, { type: "broken" }, eventTime(1))).toThrow("out of order");
  expect(matcher.match(other, { type: "last" }, eventTime(2)).matches).toEqual([]);
});
