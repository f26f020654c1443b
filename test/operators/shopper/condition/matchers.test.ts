import fc from "fast-check";
import { expect, test } from "vitest";
import type { PropValue, ShopEvent } from "../../../../operators/event.ts";
import { Matchers } from "../../../../operators/shopper/condition/matchers.ts";
import type { Constraint, Matcher, Test } from "../../../../src/config/condition-ast.ts";
import type { Facts } from "../../../../src/flow/operator.ts";
import { shopEvent } from "../support.ts";

/** The catalog knows the line of `s` and `t`; of others the event's own word holds. */
const LINES: Readonly<Record<string, string>> = { s: "premium", t: "basic" };
const FACTS: Facts = {
  get: (kind, key) =>
    kind === "catalog" && LINES[key] !== undefined ? { line: LINES[key] } : undefined,
};

const word = fc.constantFrom("s", "t", "u", "premium", "basic", "Red", "red ink");
const one: fc.Arbitrary<Test> = fc.oneof(
  word.map((value): Test => ({ op: "eq", value })),
  fc.array(word, { minLength: 1, maxLength: 2 }).map((values): Test => ({ op: "in", values })),
  fc.constantFrom("re", "in").map((text): Test => ({ op: "any", texts: [text] })),
  fc.constantFrom("r", "R", "b").map((text): Test => ({ op: "prefix", text })),
);
const constraint: fc.Arbitrary<Constraint> = fc.oneof(
  fc.record({
    field: fc.constantFrom(
      { of: "event" as const, name: "sku" },
      { of: "event" as const, name: "tags" },
      { of: "event" as const, name: "title" },
      { of: "sku" as const, name: "line" },
    ),
    tests: fc.array(one, { minLength: 1, maxLength: 2 }),
  }),
  fc.record({
    field: fc.constant({ of: "event" as const, name: "qty" }),
    tests: fc
      .tuple(fc.constantFrom("gte", "gt", "lte", "lt"), fc.integer({ min: 0, max: 3 }))
      .map(([op, value]): Test[] => [{ op: op as "gte", value }]),
  }),
);
const matchers = fc
  .array(
    fc.record({
      events: fc.uniqueArray(fc.constantFrom("a.x", "b.y"), { minLength: 1 }),
      where: fc.array(constraint, { maxLength: 3 }),
    }),
    { maxLength: 12 },
  )
  .map((all) => all.map((m, index): Matcher => ({ ...m, index, name: undefined })));
const props = fc.record(
  {
    sku: word,
    line: word,
    title: word,
    qty: fc.integer({ min: 0, max: 3 }),
    tags: fc.array(word, { maxLength: 2 }),
    lines: fc.array(fc.record({ sku: word, qty: fc.integer({ min: 0, max: 3 }) }), {
      maxLength: 3,
    }),
  },
  { requiredKeys: [] },
);

type Props = Readonly<Record<string, PropValue>>;

/** The constraints word for word: for goods, at one line of the order. */
function slowly({ type, props: all }: ShopEvent, matcher: Matcher): boolean {
  const ofGoods = matcher.where.some(({ field }) => field.of === "sku");
  const lines = all["lines"] as readonly Props[] | undefined;
  const subjects =
    ofGoods && lines !== undefined && lines.length > 0
      ? lines.map((line) => ({ ...all, ...line }))
      : [all];
  return (
    matcher.events.includes(type) &&
    subjects.some((subject) => matcher.where.every((wanted) => holds(wanted, subject)))
  );
}
function holds({ field, tests }: Constraint, subject: Props): boolean {
  const known = field.of === "sku" ? LINES[String(subject["sku"])] : undefined;
  const value = known ?? subject[field.name];
  const values = Array.isArray(value) ? value : value === undefined ? [] : [value];
  if (value === undefined) return false;
  return tests.every((test) => values.some((member) => holdsOne(test, member as PropValue)));
}
function holdsOne(test: Test, value: PropValue): boolean {
  if (test.op === "eq") return value === test.value;
  if (test.op === "in") return test.values.includes(value as string);
  if (test.op === "any")
    return typeof value === "string" && new RegExp(test.texts.join("|"), "i").test(value);
  if (test.op === "prefix") return typeof value === "string" && value.indexOf(test.text) === 0;
  if (typeof value !== "number") return false;
  const least = { gte: value >= test.value, gt: value > test.value };
  return { ...least, lte: value <= test.value, lt: value < test.value }[test.op];
}

/** Found at random: a field of the event looked up by value, beside a constraint on goods. */
const EVENT_FIELD_OF_A_LINE: Matcher[] = [
  {
    events: ["a.x"],
    where: [
      { field: { of: "event", name: "sku" }, tests: [{ op: "eq", value: "premium" }] },
      { field: { of: "sku", name: "line" }, tests: [{ op: "in", values: ["basic"] }] },
    ],
    index: 0,
    name: undefined,
  },
];

test("law: an event meets what it meets, however many matchers are looked up by value", () => {
  fc.assert(
    fc.property(matchers, fc.constantFrom("a.x", "b.y", "c.z"), props, (all, type, given) => {
      const event = shopEvent(0, type, given as ShopEvent["props"]);
      const met = new Matchers(all).of(event, FACTS).toSorted((a, b) => a - b);
      expect(met).toEqual(all.filter((m) => slowly(event, m)).map(({ index }) => index));
    }),
    {
      numRuns: 2000,
      examples: [
        [EVENT_FIELD_OF_A_LINE, "a.x", { line: "basic", lines: [{ sku: "premium", qty: 1 }] }],
      ],
    },
  );
});
