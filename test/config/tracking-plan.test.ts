import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readTrackingPlan, type TrackingPlan } from "../../src/config/tracking-plan.ts";
import { shippedText, yaml } from "./shipped.ts";

function shippedPlan(): TrackingPlan {
  const { value, problems } = readTrackingPlan(yaml(shippedText("tracking-plan")));
  if (value === undefined) throw new Error(problems.map((p) => p.message).join("; "));
  return value;
}
const plan = shippedPlan();

const DICTIONARY =
  `page.viewed product.viewed product.clicked product.favorited product.shared product.listed
  searched cart.added cart.removed coupon.claimed coupon.used order.placed order.paid order.cancelled order.received
  order.refunded article.opened article.read video.played live.entered live.left content.liked content.commented
  content.created menu.clicked subscribed unsubscribed mp.entered mp.left group.joined group.left group.message.posted
  group.message.replied cs.started cs.ended cs.rated service.booked service.done vote.cast survey.answered contact.added
  contact.removed id.link id.unlink privacy.consent feedback.delivered feedback.exposed feedback.clicked feedback.ignored
  feedback.closed feedback.purchased feedback.rated feedback.blocked recommendation.served notice.accepted notice.rejected
  catalog.successor element.clicked cs.asked privacy.age
  privacy.request.export privacy.request.delete privacy.request.correct privacy.request.restrict
  privacy.request.optout privacy.request.tagdelete`.split(/\s+/);

test("the shipped plan has the whole event dictionary", () => {
  expect([...plan.types].sort()).toEqual([...DICTIONARY].sort());
});

describe("an event passes unchanged", () => {
  test.each([
    [
      "product.viewed",
      { sku: "s1", line: "premium", dwell_ms: 12_000, region: "east", scene: "1089" },
    ],
    [
      "order.paid",
      { order_id: "o1", lines: [{ sku: "s1", qty: 2, price_minor: 990 }], total_minor: 1980 },
    ],
    ["order.paid", { order_id: "o1", sku: "s1" }],
    ["cart.added", { sku: "s1" }],
    ["live.left", { live_id: "l1", kind: "launch", completion: 1 }],
    ["privacy.consent", { purpose: "marketing", status: "withdrawn" }],
    ["id.link", {}],
    ["survey.answered", { topic: "t", attribute: "colour", value: 3 }],
  ])("%s %j", (type, props) => {
    const result = plan.validate(type, props);
    expect(result).toEqual({ ok: true, props, stripped: 0 });
    // The very same object: nothing is copied where nothing changes, order lines aside.
    expect(result.ok && result.props === props).toBe(!("lines" in props));
  });
});

describe("an event is changed only as the plan allows", () => {
  test.each([
    ["a number for a sku becomes its text", { sku: 123 }, { sku: "123" }, 0],
    [
      "what is not declared is stripped and counted",
      { sku: "a", mobile: "1", x: {} },
      { sku: "a" },
      2,
    ],
    ["null is the same as left out", { sku: "a", line: null }, { sku: "a" }, 0],
    ["minus zero is zero", { sku: "a", dwell_ms: -0 }, { sku: "a", dwell_ms: 0 }, 0],
  ])("%s", (_why, given, props, stripped) => {
    expect(plan.validate("product.viewed", given)).toEqual({ ok: true, props, stripped });
  });

  test("of an order's lines only the known fields are kept", () => {
    const lines = [{ sku: 7, qty: 1, note: "x", price_minor: null }];
    const result = plan.validate("order.paid", { order_id: "o", lines });
    expect(result).toEqual({
      ok: true,
      props: { order_id: "o", lines: [{ sku: "7", qty: 1 }] },
      stripped: 0,
    });
  });
});

describe("an event is refused with field, reason and remedy", () => {
  test.each([
    ["product.vewed", { sku: "a" }, "type", "unknown_schema", /`product.viewed`/],
    ["constructor", {}, "type", "unknown_schema", /declare/],
    ["product.viewed", {}, "sku", "missing", /Send the property sku/],
    ["product.viewed", { sku: null }, "sku", "missing", /sku/],
    ["product.viewed", { sku: ["a"] }, "sku", "wrong_type", /text/],
    ["product.viewed", { sku: "a".repeat(129) }, "sku", "too_long", /128/],
    ["product.viewed", { sku: "\ud800" }, "sku", "bad_text", /Unicode/],
    ["product.viewed", { sku: "a", dwell_ms: "15s" }, "dwell_ms", "wrong_type", /milliseconds/],
    ["product.viewed", { sku: "a", dwell_ms: 1.5 }, "dwell_ms", "wrong_type", /whole/],
    ["product.viewed", { sku: "a", dwell_ms: -1 }, "dwell_ms", "out_of_range", /at least 0/],
    ["product.viewed", { sku: "a", price_minor: Number.NaN }, "price_minor", "wrong_type", /minor/],
    [
      "article.read",
      { content_id: "a", completion: 90 },
      "completion",
      "out_of_range",
      /between 0 and 1/,
    ],
    ["live.left", { live_id: "a", kind: "lunch" }, "kind", "not_allowed", /launch/],
    ["live.left", {}, "content_id|live_id", "missing", /one of/],
    ["order.paid", { order_id: "o", lines: [{ qty: 1 }] }, "lines", "missing", /sku of each line/],
    [
      "order.paid",
      { order_id: "o", lines: [{ sku: "a", qty: "2" }] },
      "lines",
      "wrong_type",
      /number/,
    ],
    ["order.paid", { order_id: "o", lines: "a" }, "lines", "wrong_type", /list/],
    ["feedback.clicked", {}, "rec_id", "missing", /rec_id/],
  ])("%s %j", (type, props, field, reason, remedy) => {
    const result = plan.validate(type, props as Record<string, unknown>);
    expect(result).toMatchObject({ ok: false, field, reason });
    expect(!result.ok && result.remedy).toMatch(remedy);
  });
});

test("prototype keys never come through, whatever they hold", () => {
  const given = JSON.parse('{"sku":"a","__proto__":{"line":"x"},"constructor":{"prototype":1}}');
  const result = plan.validate("product.viewed", given);
  expect(result).toEqual({ ok: true, props: { sku: "a" }, stripped: 2 });
  expect(result.ok && "line" in result.props).toBe(false);
  const inherited = Object.create({ sku: "a" }) as Record<string, unknown>;
  expect(plan.validate("product.viewed", inherited)).toMatchObject({
    ok: false,
    reason: "missing",
  });
  const half = Object.create({ line: "x" }) as Record<string, unknown>;
  half["sku"] = "a";
  const own = plan.validate("product.viewed", half);
  expect(own.ok && own.props["line"]).toBeUndefined();
});

test("law: any props give a plain answer; what passed once passes again unchanged", () => {
  const names = fc.constantFrom(...plan.words, "__proto__", "constructor", "toString", "mobile");
  const value = fc.oneof(
    fc.anything({ withBigInt: true, withDate: true, maxDepth: 3 }),
    fc.string(),
    fc.nat(),
  );
  const props = fc.array(fc.tuple(names, value), { maxLength: 8 }).map((entries) => {
    const made: Record<string, unknown> = {};
    for (const [name, v] of entries) {
      Object.defineProperty(made, name, {
        value: v,
        enumerable: true,
        configurable: true,
        writable: true,
      });
    }
    return made;
  });
  fc.assert(
    fc.property(fc.constantFrom(...plan.types), props, (type, given) => {
      const first = plan.validate(type, given);
      if (!first.ok) {
        expect(first.reason).toMatch(/^[a-z_]+$/);
        return;
      }
      for (const name of Object.keys(first.props)) expect(plan.property(type, name)).toBeDefined();
      expect(Object.keys(first.props).length + first.stripped).toBeLessThanOrEqual(
        Object.keys(given).length,
      );
      const again = plan.validate(type, first.props);
      expect(again).toEqual({ ok: true, props: first.props, stripped: 0 });
      const stored: unknown = JSON.parse(JSON.stringify(first.props));
      expect(stored).toEqual(first.props);
    }),
    { numRuns: 3000 },
  );
});

test("a touchpoint where a type may not happen is refused, an unknown one is not", () => {
  const text = shippedText("tracking-plan").replace(
    "  menu.clicked:\n",
    "  menu.clicked:\n    touchpoints: [gzh]\n",
  );
  const strict = readTrackingPlan(yaml(text)).value;
  expect(strict?.validate("menu.clicked", {}, "gzh").ok).toBe(true);
  expect(strict?.validate("menu.clicked", {}, "unknown").ok).toBe(true);
  expect(strict?.validate("menu.clicked", {}, "pos")).toMatchObject({
    ok: false,
    field: "touchpoint",
  });
});
