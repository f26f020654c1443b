import fc from "fast-check";
import type { Decay, Matcher, Run, Sum, When } from "../../../src/config/condition-ast.ts";
import { millis } from "../../../src/time/event-time.ts";

/** Random conditions of the segment language, random histories, and the conditions word for word. */

export const END = 300;
const X: Matcher = { index: 0, name: undefined, events: ["a.x"], where: [] };
const Y: Matcher = { index: 1, name: undefined, events: ["b.y"], where: [] };
const Z: Matcher = { index: 2, name: undefined, events: ["c.z"], where: [] };
const XY: Matcher = { index: 3, name: undefined, events: ["a.x", "b.y"], where: [] };
const SKU_S: Matcher = {
  index: 4,
  name: undefined,
  events: ["a.x", "b.y", "c.z"],
  where: [{ field: { of: "event", name: "sku" }, tests: [{ op: "eq", value: "s" }] }],
};
export const MATCHERS = [X, Y, Z, XY, SKU_S];

export interface Happened {
  readonly id: string;
  readonly at: number;
  readonly type: string;
  readonly sku: string;
  readonly thing: string | undefined;
  readonly amount: number;
  readonly delay: number;
}

const length = (max = 30) => fc.integer({ min: 1, max }).map(millis);
const matcher = fc.constantFrom(...MATCHERS);
export const count = fc.record({
  op: fc.constant("count" as const),
  of: matcher,
  within: length(),
  atLeast: fc.integer({ min: 1, max: 4 }),
  distinct: fc.constantFrom("event", "sku", "thing"),
  same: fc.constantFrom(null, null, "sku"),
});
const none = fc.record({ op: fc.constant("none" as const), of: matcher, within: length() });
export const sumWithin = fc.record({
  op: fc.constant("sum" as const),
  of: matcher,
  field: fc.constant("amount"),
  bound: fc.record({
    op: fc.constantFrom("at_least" as const, "more_than" as const),
    value: fc.integer({ min: 1, max: 9 }),
  }),
  within: length(),
  per: fc.constant(null),
});
const sumPer = sumWithin.map(
  (sum): Sum => ({ ...sum, within: null, per: { latest: Z, key: "thing" } }),
);
export const run = fc.record({
  op: fc.constant("run" as const),
  of: fc.constantFrom(X, SKU_S),
  among: fc.constantFrom(XY, Y),
  atLeast: fc.integer({ min: 1, max: 3 }),
  distinct: fc.constantFrom("event", "sku"),
  maxGap: fc.option(length()),
});
const decay = fc
  .record({
    op: fc.constant("decay" as const),
    add: fc.constant([
      { of: X, weight: 1, field: null },
      { of: Y, weight: 0.5, field: "amount" },
      { of: Z, weight: -1, field: null },
    ]),
    halfLife: length(20),
    // Out of reach of what has faded to a millionth, which is forgotten.
    onAt: fc.integer({ min: 1, max: 4 }).map((n) => n + 0.3),
    sources: fc.constantFrom(1, 1, 2, 3),
  })
  .map(({ sources, ...d }) => ({
    ...d,
    offAt: d.onAt * 0.6,
    ...(sources === 1 ? {} : { sources }),
  }));
const owns = fc.record({ op: fc.constant("owns" as const), of: matcher, ageOver: length() });
export const leaf: fc.Arbitrary<When> = fc.oneof(
  { arbitrary: count, weight: 4 },
  { arbitrary: none, weight: 2 },
  sumWithin,
  sumPer,
  { arbitrary: run, weight: 2 },
  decay,
  owns,
);
export const definition: fc.Arbitrary<When> = fc.oneof(
  leaf,
  fc.record({
    op: fc.constantFrom("all" as const, "any" as const),
    of: fc.array(
      fc.oneof(
        leaf,
        leaf.map((of): When => ({ op: "not", of })),
      ),
      { minLength: 1, maxLength: 3 },
    ),
  }),
);
export const leave = fc.option(fc.record({ after: length(), unless: matcher }), { freq: 2 });

const happening = fc
  .record({
    at: fc.integer({ min: 0, max: 120 }),
    type: fc.constantFrom("a.x", "a.x", "b.y", "c.z", "d.other"),
    sku: fc.constantFrom("s", "t", "u", "v"),
    thing: fc.constantFrom(undefined, "o1", "o2"),
    amount: fc.integer({ min: 0, max: 5 }),
    delay: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 60 })),
  })
  .map((happened): Omit<Happened, "id"> => happened);
export const historyOf = fc
  .array(happening, { maxLength: 40 })
  .map((all) => all.map((one, i): Happened => ({ ...one, id: `e${String(i).padStart(3, "0")}` })));

/** What is in a row at `t`, and when its last event was. */
export function runAt(when: Run, history: readonly Happened[], t: number) {
  const roles = history
    .filter((one) => one.at <= t && (meets(when.of, one) || meets(when.among, one)))
    .map((one) => ({ ...one, breaks: !meets(when.of, one) }))
    .sort((a, b) => a.at - b.at || Number(a.breaks) - Number(b.breaks));
  const labels = new Set<string>();
  let later = t;
  let last: number | undefined;
  for (const one of roles.reverse()) {
    if (one.breaks || (when.maxGap !== null && later - one.at > when.maxGap)) break;
    labels.add(when.distinct === "event" ? one.id : one.sku);
    later = one.at;
    last ??= one.at;
  }
  return { labels, last };
}

/** What an event adds to a score; undefined where it meets none of its matchers. */
function addedTo(when: Decay, event: Happened): number | undefined {
  const parts = when.add.filter(({ of }) => meets(of, event));
  return parts.length === 0
    ? undefined
    : parts.reduce((a, { weight, field }) => a + weight * (field ? event.amount : 1), 0);
}

/** The faded sum of all that comes up to `t`. */
export const scoreAt = (when: Decay, history: readonly Happened[], t: number): number =>
  history
    .filter(({ at }) => at <= t)
    .reduce(
      (all, one) => all + (addedTo(when, one) ?? 0) * 2 ** (-(t - one.at) / (when.halfLife ?? 1)),
      0,
    );

/** A level as it is at `t`, whatever else there is. */
export type Slow = (t: number) => boolean;

const meets = ({ events, where }: Matcher, { type, sku }: Happened): boolean =>
  events.includes(type) && (where.length === 0 || sku === "s");

export function slowly(
  when: When,
  history: readonly Happened[],
  members: (id: string) => Slow,
): Slow {
  switch (when.op) {
    case "all": {
      const parts = when.of.map((part) => slowly(part, history, members));
      return (t) => parts.every((part) => part(t));
    }
    case "any": {
      const parts = when.of.map((part) => slowly(part, history, members));
      return (t) => parts.some((part) => part(t));
    }
    case "not": {
      const part = slowly(when.of, history, members);
      return (t) => !part(t);
    }
    case "count":
      return (t) => {
        const inside = window(history, when.of, t, when.within);
        const groups = when.same === null ? [inside] : grouped(inside);
        return groups.some((group) => sizeOf(group, when.distinct) >= when.atLeast);
      };
    case "none":
      return (t) => window(history, when.of, t, when.within).length === 0;
    case "sum":
      return (t) => {
        const { op, value } = when.bound;
        const counted =
          when.per === null
            ? window(history, when.of, t, when.within ?? 0)
            : ofLatest(history, when.of, when.per.latest, t);
        const sum = counted?.reduce((all, { amount }) => all + amount, 0);
        if (sum === undefined) return false;
        return op === "at_least" ? sum >= value : sum > value;
      };
    case "run":
      return (t) => runAt(when, history, t).labels.size >= when.atLeast;
    case "decay":
      return (t) => {
        const scored = (event: Happened) => addedTo(when, event);
        const score = (upTo: readonly Happened[], at: number): number =>
          upTo.reduce(
            (all, one) => all + (scored(one) ?? 0) * 2 ** (-(at - one.at) / (when.halfLife ?? 1)),
            0,
          );
        const relevant = inOrder(history).filter((one) => one.at <= t && scored(one) !== undefined);
        let on = false;
        relevant.forEach((one, i) => {
          const before = relevant.slice(0, i);
          if (on && (before.at(-1)?.at ?? 0) < one.at) on = score(before, one.at - 1) >= when.offAt;
          const upTo = relevant.slice(0, i + 1);
          const recent = upTo.filter(({ at }) => at >= one.at - 2 * (when.halfLife ?? 1));
          const isSpread = new Set(recent.map(({ sku }) => sku)).size >= (when.sources ?? 1);
          const reached = score(upTo, one.at);
          on = on ? reached >= when.offAt : reached >= when.onAt && isSpread;
        });
        return on && score(relevant, t) >= when.offAt;
      };
    case "owns":
      return (t) => history.some((one) => meets(when.of, one) && t - one.at > when.ageOver);
    case "rank":
      throw new Error("a rank is not of one person's history alone");
    case "standing":
      return members(when.value);
  }
}

export const inOrder = (history: readonly Happened[]) =>
  history.toSorted((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1));
export const window = (history: readonly Happened[], of: Matcher, t: number, within: number) =>
  history.filter((one) => meets(of, one) && one.at >= t - within && one.at <= t);
const grouped = (events: readonly Happened[]) =>
  [...new Set(events.map(({ sku }) => sku))].map((s) => events.filter(({ sku }) => sku === s));
export function sizeOf(events: readonly Happened[], distinct: string): number {
  if (distinct === "event") return events.length;
  const values = events.map((one) => (distinct === "sku" ? one.sku : one.thing));
  return new Set(values.filter((value) => value !== undefined)).size;
}
/** What counts for the latest thing at `t`; undefined as long as there is none. */
export function ofLatest(history: readonly Happened[], of: Matcher, latest: Matcher, t: number) {
  const things = inOrder(history).filter(
    (one) => meets(latest, one) && one.thing !== undefined && one.at <= t,
  );
  const last = things.at(-1);
  if (last === undefined) return undefined;
  const others = things.filter(({ thing }) => thing !== last.thing);
  const began = things.find(
    (one) =>
      one.thing === last.thing && things.indexOf(one) > things.indexOf(others.at(-1) as Happened),
  );
  return history.filter(
    (one) =>
      meets(of, one) &&
      one.at <= t &&
      one.at >= (began?.at ?? 0) &&
      (one.thing === undefined || one.thing === last.thing),
  );
}
