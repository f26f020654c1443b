import fc from "fast-check";
import { expect, test } from "vitest";
import type { SegmentPartial } from "../../../operators/demand/partial.ts";
import type { ShopEvent } from "../../../operators/event.ts";
import { segmentSpec } from "../../../operators/shopper/segment.ts";
import { segmentGoalOperator } from "../../../operators/shopper/segment-goal.ts";
import { sessionSpec } from "../../../operators/shopper/session.ts";
import type { Matcher, Sum, When } from "../../../src/config/condition-ast.ts";
import type { Segment, SegmentFile } from "../../../src/config/segment-ast.ts";
import type { Hop } from "../../../src/flow/operator.ts";
import type { Output } from "../../../src/flow/output.ts";
import { days, type Millis, millis } from "../../../src/time/event-time.ts";
import { play, type ScriptLine } from "../../support/play.ts";
import { ANN, line, shopEvent, T0 } from "./support.ts";

/**
 * Random definitions over random histories in random disorder: what was told, corrections applied,
 * is what the definition says word for word of the whole history, at every millisecond.
 */

const MAX_AGE = millis(60);
const END = 300;
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
const MATCHERS = [X, Y, Z, XY, SKU_S];

interface Happened {
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
const count = fc.record({
  op: fc.constant("count" as const),
  of: matcher,
  within: length(),
  atLeast: fc.integer({ min: 1, max: 4 }),
  distinct: fc.constantFrom("event", "sku", "thing"),
  same: fc.constantFrom(null, null, "sku"),
});
const none = fc.record({ op: fc.constant("none" as const), of: matcher, within: length() });
const sumWithin = fc.record({
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
const run = fc.record({
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
const leaf: fc.Arbitrary<When> = fc.oneof(
  { arbitrary: count, weight: 4 },
  { arbitrary: none, weight: 2 },
  sumWithin,
  sumPer,
  { arbitrary: run, weight: 2 },
  decay,
  owns,
);
const definition: fc.Arbitrary<When> = fc.oneof(
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
const leave = fc.option(fc.record({ after: length(), unless: matcher }), { freq: 2 });

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
const historyOf = fc
  .array(happening, { maxLength: 40 })
  .map((all) => all.map((one, i): Happened => ({ ...one, id: `e${String(i).padStart(3, "0")}` })));

/** A level as it is at `t`, whatever else there is. */
type Slow = (t: number) => boolean;

const meets = ({ events, where }: Matcher, { type, sku }: Happened): boolean =>
  events.includes(type) && (where.length === 0 || sku === "s");

function slowly(when: When, history: readonly Happened[], members: (id: string) => Slow): Slow {
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
      return (t) => {
        const roles = history
          .filter((one) => one.at <= t && (meets(when.of, one) || meets(when.among, one)))
          .map((one) => ({ ...one, breaks: !meets(when.of, one) }))
          .sort((a, b) => a.at - b.at || Number(a.breaks) - Number(b.breaks));
        const labels: string[] = [];
        let later = t;
        for (const one of roles.reverse()) {
          if (one.breaks || (when.maxGap !== null && later - one.at > when.maxGap)) break;
          labels.push(when.distinct === "event" ? one.id : one.sku);
          later = one.at;
        }
        return new Set(labels).size >= when.atLeast;
      };
    case "decay":
      return (t) => {
        const scored = (event: Happened): number | undefined => {
          const parts = when.add.filter(({ of }) => meets(of, event));
          return parts.length === 0
            ? undefined
            : parts.reduce((a, { weight, field }) => a + weight * (field ? event.amount : 1), 0);
        };
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

const inOrder = (history: readonly Happened[]) =>
  history.toSorted((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1));
const window = (history: readonly Happened[], of: Matcher, t: number, within: number) =>
  history.filter((one) => meets(of, one) && one.at >= t - within && one.at <= t);
const grouped = (events: readonly Happened[]) =>
  [...new Set(events.map(({ sku }) => sku))].map((s) => events.filter(({ sku }) => sku === s));
function sizeOf(events: readonly Happened[], distinct: string): number {
  if (distinct === "event") return events.length;
  const values = events.map((one) => (distinct === "sku" ? one.sku : one.thing));
  return new Set(values.filter((value) => value !== undefined)).size;
}
/** What counts for the latest thing at `t`; undefined as long as there is none. */
function ofLatest(history: readonly Happened[], of: Matcher, latest: Matcher, t: number) {
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

/** Membership by `leave`: in on coming true, or on an `unless` while true; out when nothing lies within. */
function held(
  level: Slow,
  history: readonly Happened[],
  rule: NonNullable<Segment["leave"]>,
): Slow {
  const member: boolean[] = [];
  let entered = 0;
  for (let t = 0; t <= END; t += 1) {
    const active = (at: number) => window(history, rule.unless, at, rule.after).length > 0;
    const quiet = !active(t) && t > entered + rule.after;
    const was = member[t - 1] ?? false;
    const comes = level(t) && (!level(t - 1) || (active(t) && !active(t - 1)));
    if (!was && comes) entered = t;
    member.push(was ? !quiet : comes);
  }
  return (t) => member[t] ?? false;
}

function slowTurns(file: SegmentFile, history: readonly Happened[]) {
  const since = Math.min(...history.map(({ at }) => at));
  const known = new Map<string, Slow>();
  const never: Slow = () => false;
  for (const { id, when, leave: rule } of file.segments) {
    const level = slowly(when, history, (other) => known.get(other) ?? never);
    const seen: Slow = (t) => t >= since && level(t);
    known.set(id, rule === null ? seen : held(seen, history, rule));
  }
  return Object.fromEntries(
    [...known].map(([id, member]) => {
      const turns: { at: number; member: boolean }[] = [];
      for (let t = 0; t <= END; t += 1) {
        if (member(t) !== (turns.at(-1)?.member ?? false))
          turns.push({ at: T0 + t, member: member(t) });
      }
      return [id, turns];
    }),
  );
}

/** The turns that stand after corrections: one of the other direction takes back, one of the same replaces. */
function standing(outputs: readonly Output[]): { at: number; member: boolean }[] {
  let turns: { at: number; member: boolean; id: string }[] = [];
  for (const { subject, id, data } of outputs) {
    const member = subject.endsWith(".entered");
    const old = turns.find((told) => told.id === data["supersedes"]);
    if (data["supersedes"] !== undefined) {
      expect(old, "supersedes a message that stands").toBeDefined();
    }
    turns = turns.filter((told) => told !== old);
    if (old !== undefined && old.member !== member) continue;
    turns.push({ at: Date.parse(data["at"] as string), member, id });
  }
  return turns.sort((a, b) => a.at - b.at).map(({ at, member }) => ({ at, member }));
}

/** By arrival; the clock follows, a little behind what has arrived. */
function scriptOf(history: readonly Happened[], disorder: number): ScriptLine[] {
  const lines: ScriptLine[] = [];
  let newest = 0;
  for (const one of history.toSorted((a, b) => a.at + a.delay - b.at - b.delay)) {
    const { at, type, sku, thing, amount, delay, id } = one;
    newest = Math.max(newest, at + delay);
    lines.push({ watermark: T0 + newest - disorder - 1 });
    const props = { sku, amount, ...(thing === undefined ? {} : { thing }) } as ShopEvent["props"];
    // Each sku is met at a touchpoint of its own.
    lines.push(line(shopEvent(at, type, props, { clientId: id, touchpoint: sku })));
  }
  return [...lines, { watermark: T0 + END }];
}

async function told(file: SegmentFile, script: readonly ScriptLine[], maxAge: Millis = MAX_AGE) {
  const job = { timeZone: "UTC", seed: 1, maxAge, files: { segments: file } };
  return await play(
    [
      { operator: sessionSpec.make({}, job), from: ["events"] },
      { operator: segmentSpec.make({}, job), from: ["session"] },
      { operator: segmentGoalOperator(days(30), "UTC"), from: ["session", "segment"] },
    ],
    script,
  );
}

/** What the demand flow adds up of a segment: members and entries. */
function counted(hops: readonly Hop[], segment: string): readonly [number, number] {
  let members = 0;
  let entered = 0;
  for (const { key, payload } of hops) {
    if (key !== `segment:${segment}`) continue;
    const counts = payload as SegmentPartial;
    members += counts[1];
    entered += counts[3];
  }
  return [members, entered];
}

const plain = { title: undefined, goal: undefined, hash: "v1" } as const;

test("law: membership is what the definition says of the whole history", async () => {
  await fc.assert(
    fc.asyncProperty(
      definition,
      leave,
      historyOf,
      fc.integer({ min: 0, max: 20 }),
      leaf,
      async (when, rule, history, disorder, other) => {
        const segments: Segment[] = [
          { ...plain, id: "seg", when, leave: rule },
          {
            ...plain,
            id: "of_seg",
            when: { op: "all", of: [{ op: "standing", topic: "segment", value: "seg" }, other] },
            leave: null,
          },
        ];
        const file = { version: 1 as const, timeZone: "UTC", matchers: MATCHERS, segments };
        const { outputs, hops } = await told(file, scriptOf(history, disorder));
        const slow = slowTurns(file, history);
        for (const { id } of segments) {
          const mine = outputs.filter(({ data }) => data["segment"] === id);
          expect(standing(mine), id).toEqual(slow[id]);
          const last = mine.at(-1)?.subject.endsWith(".entered");
          if (last !== undefined) expect(last).toBe(slow[id]?.at(-1)?.member ?? false);
          const entries = slow[id]?.filter(({ member }) => member).length;
          const isIn = slow[id]?.at(-1)?.member ?? false;
          expect(counted(hops, id), `members and entries of ${id}`).toEqual([
            Number(isIn),
            entries,
          ]);
        }
      },
    ),
    { numRuns: 400 },
  );
});

const BOB = "p_00000000000000b0";

/** The same under two names up to a time of arrival, and under one from there on. */
function scriptOfTwo(history: readonly Happened[], bobs: ReadonlySet<string>, linkAt: number) {
  const lines: ScriptLine[] = [];
  let isLinked = false;
  for (const one of scriptOf(history, 5)) {
    const now = "watermark" in one ? one.watermark - T0 + 6 : linkAt;
    if (!isLinked && now > linkAt) {
      isLinked = true;
      lines.push({ join: BOB, key: ANN, at: T0 + linkAt });
    }
    if (!("event" in one) || isLinked) lines.push(one);
    else {
      const event = one.event as ShopEvent;
      const person = bobs.has(event.clientId) ? BOB : ANN;
      lines.push({ ...one, key: person, event: { ...event, person } });
    }
  }
  return lines;
}

test("law: of two who turn out to be one, it is what the definition says of both histories", async () => {
  await fc.assert(
    fc.asyncProperty(
      definition,
      leave,
      historyOf,
      fc.func(fc.boolean()),
      fc.integer({ min: 0, max: 130 }),
      async (when, rule, history, isBobs, linkAt) => {
        const segments: Segment[] = [{ ...plain, id: "seg", when, leave: rule }];
        const file = { version: 1 as const, timeZone: "UTC", matchers: MATCHERS, segments };
        const bobs = new Set(history.flatMap(({ id }) => (isBobs(id) ? [id] : [])));
        const script = scriptOfTwo(history, bobs, linkAt);
        const { outputs, hops, task } = await told(file, script, millis(100_000));
        const slow = slowTurns(file, history).seg ?? [];
        const anns = outputs.filter(({ data }) => data["person"] === ANN);
        expect(standing(anns)).toEqual(slow);
        expect(task.stateOf("segment", BOB)).toBeUndefined();
        expect(counted(hops, "seg")[0]).toBe(Number(slow.at(-1)?.member ?? false));
      },
    ),
    { numRuns: 400 },
  );
});

test("law: of one who did nothing that can still matter, nothing is kept", async () => {
  await fc.assert(
    fc.asyncProperty(
      count,
      historyOf,
      fc.integer({ min: 0, max: 20 }),
      async (when, history, disorder) => {
        const segments: Segment[] = [{ ...plain, id: "seg", when, leave: null }];
        const file = { version: 1 as const, timeZone: "UTC", matchers: MATCHERS, segments };
        const { task } = await told(file, scriptOf(history, disorder));
        expect(task.stateOf("segment", ANN)).toBeUndefined();
      },
    ),
    { numRuns: 100 },
  );
});
