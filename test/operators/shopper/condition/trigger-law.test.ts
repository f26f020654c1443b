import fc from "fast-check";
import { expect, test } from "vitest";
import { compileTrigger } from "../../../../operators/shopper/condition/compile-trigger.ts";
import type { Histories } from "../../../../operators/shopper/condition/leaf.ts";
import { Listeners } from "../../../../operators/shopper/condition/listeners.ts";
import type { Matcher, Trigger, WeightLimit } from "../../../../src/config/condition-ast.ts";
import type { Facts } from "../../../../src/flow/operator.ts";
import { decodePlain, encodePlain } from "../../../../src/state/plain.ts";
import { type EventTime, millis } from "../../../../src/time/event-time.ts";
import { shopEvent, T0 } from "../support.ts";

/** What fires over random histories that arrive in any order, beside the definition told slowly. */

const END = 120;
const matcher = (index: number, type: string): Matcher => ({
  index,
  name: undefined,
  events: [type],
  where: [],
});
const ADDED = matcher(0, "cart.added");
const PAID = matcher(1, "order.paid");
const LEFT = matcher(2, "live.left");
const MATCHERS = [ADDED, PAID, LEFT];

interface Happened {
  readonly id: string;
  readonly at: number;
  readonly type: string;
  readonly sku: string;
}
const histories = fc
  .array(
    fc.record({
      at: fc.integer({ min: 0, max: 60 }),
      type: fc.constantFrom("cart.added", "cart.added", "order.paid", "live.left"),
      sku: fc.constantFrom("s", "t"),
    }),
    { maxLength: 25 },
  )
  .map((all) => all.map((one, i): Happened => ({ ...one, id: `e${String(i).padStart(3, "0")}` })));

const HOUR = 3_600_000;
const FACTS: Facts = {
  get: (kind, key) => (kind === "catalog" ? { cycle: (key === "s" ? 1 : 2) * HOUR } : undefined),
};

interface Fired {
  readonly at: number;
  readonly partition: string;
  readonly trigger: string;
}

/** Puts a history in by the order of arrival, thinning as time goes when told to. */
function fired(
  trigger: Trigger,
  arrivals: readonly Happened[],
  unit: number,
  thin: boolean,
): Fired[] {
  const compiled = compileTrigger(trigger);
  const listeners = new Listeners(MATCHERS, compiled.leaves);
  let kept: Histories = {};
  const found = new Map<string, Fired>();
  const look = (from: number) => {
    const all = compiled.firings(kept, (T0 + from) as EventTime, (T0 + END * unit) as EventTime);
    for (const [key, { at }] of found) if (at >= from) found.delete(key);
    for (const { at, partition, trigger: id } of all) {
      found.set(`${at} ${partition} ${id}`, { at: at - T0, partition, trigger: id });
    }
  };
  let horizon = 0;
  arrivals.forEach(({ id, at, type, sku }, i) => {
    const event = shopEvent(at * unit, type, { sku }, { clientId: id });
    listeners.take(kept, { kind: "step", person: event.person, event, session: null }, FACTS);
    kept = decodePlain(encodePlain(kept)) as Histories;
    look(horizon);
    const toCome = Math.min(...arrivals.slice(i + 1).map((later) => later.at)) * unit;
    if (!thin || !Number.isFinite(toCome)) return;
    horizon = toCome;
    listeners.thin(kept, (T0 + horizon) as EventTime);
  });
  return sorted([...found.values()]);
}

const sorted = (all: readonly Fired[]): Fired[] =>
  all.toSorted(
    (a, b) => a.at - b.at || byText(a.partition, b.partition) || byText(a.trigger, b.trigger),
  );

const byText = (a: string, b: string) => Number(a > b) - Number(a < b);

/** In the order of time; of one millisecond by what they are, then by id. */
const inOrder = (all: readonly Happened[], types: readonly string[]): Happened[] =>
  all
    .filter(({ type }) => types.includes(type))
    .sort(
      (a, b) =>
        a.at - b.at || types.indexOf(a.type) - types.indexOf(b.type) || (a.id < b.id ? -1 : 1),
    );

/** Millisecond by millisecond: what is open at its last moment without a payment fires. */
function slowAbsent(all: readonly Happened[], within: number, restart: string): Fired[] {
  return sorted(
    ["s", "t"].flatMap((sku) => {
      const mine = inOrder(all, ["cart.added", "order.paid"]).filter((one) => one.sku === sku);
      const found: Fired[] = [];
      let open: Happened | undefined;
      for (let t = 0; t <= END; t += 1) {
        for (const one of mine.filter(({ at }) => at === t)) {
          if (one.type === "order.paid") open = undefined;
          else if (open === undefined || restart === "latest") open = one;
        }
        if (open === undefined || t < open.at + within) continue;
        found.push({ at: t, partition: sku, trigger: open.id });
        open = undefined;
      }
      return found;
    }),
  );
}

test("law: absent fires at the end of its time unless it was cancelled, whatever came late", () => {
  fc.assert(
    fc.property(
      histories,
      fc.integer({ min: 1, max: 20 }),
      fc.constantFrom("keep" as const, "latest" as const),
      fc.infiniteStream(fc.nat()),
      fc.boolean(),
      (all, within, restart, random, thin) => {
        const trigger: Trigger = {
          op: "absent",
          after: ADDED,
          key: ["sku"],
          within: millis(within),
          of: [{ of: PAID, match: ["sku"] }],
          restart,
        };
        const slow = slowAbsent(all, within, restart);
        expect(fired(trigger, shuffled(all, random), 1, thin)).toEqual(slow);
      },
    ),
    { numRuns: 400 },
  );
});

/** Fires when the latest start before it was not used up by another one in between. */
function slowSequence(all: readonly Happened[], within: number): Fired[] {
  const ordered = inOrder(all, ["order.paid", "live.left"]);
  return ordered.flatMap((one, i) => {
    if (one.type !== "order.paid") return [];
    const before = ordered[i - 1];
    if (before?.type !== "live.left" || one.at - before.at > within) return [];
    return [{ at: one.at, partition: "", trigger: one.id }];
  });
}

test("law: a sequence is a latch that the first next event uses up", () => {
  fc.assert(
    fc.property(
      histories,
      fc.integer({ min: 1, max: 20 }),
      fc.infiniteStream(fc.nat()),
      fc.boolean(),
      (all, within, random, thin) => {
        const trigger: Trigger = {
          op: "sequence",
          steps: [
            { of: LEFT, as: "live", within: null },
            { of: PAID, as: "next", within: millis(within) },
          ],
        };
        expect(fired(trigger, shuffled(all, random), 1, thin)).toEqual(slowSequence(all, within));
      },
    ),
    { numRuns: 400 },
  );
});

/** From the latest addition of the sku on, each time its cycle has passed, until it is paid or added again. */
function slowAfter(all: readonly Happened[], repeat: boolean): Fired[] {
  const found: Fired[] = [];
  for (const sku of ["s", "t"]) {
    const cycle = sku === "s" ? 1 : 2;
    const mine = inOrder(all, ["cart.added", "order.paid"]).filter((one) => one.sku === sku);
    mine.forEach((one, i) => {
      if (one.type !== "cart.added") return;
      const over = mine[i + 1]?.at ?? END + 1;
      for (let due = one.at + cycle; due < over && due <= END; due += cycle) {
        const trigger = repeat ? `${one.id}@${T0 + due * HOUR}` : one.id;
        found.push({ at: due * HOUR, partition: sku, trigger });
        if (!repeat) return;
      }
    });
  }
  return sorted(found);
}

test("law: after fires so long after an event, by the sku's own cycle, again and again until it is over", () => {
  fc.assert(
    fc.property(
      histories,
      fc.boolean(),
      fc.infiniteStream(fc.nat()),
      fc.boolean(),
      (all, repeat, random, thin) => {
        const trigger: Trigger = {
          op: "after",
          after: ADDED,
          delay: { fact: "cycle" },
          repeat,
          until: { of: PAID, match: ["sku"] },
        };
        expect(fired(trigger, shuffled(all, random), HOUR, thin)).toEqual(slowAfter(all, repeat));
      },
    ),
    { numRuns: 300 },
  );
});

const limits = fc.option(
  fc.record({
    distinct: fc.constantFrom(null, "sku"),
    max: fc.integer({ min: 1, max: 4 }),
    every: fc.integer({ min: 1, max: 20 }).map(millis),
  }),
);

/** Those that count: no more than the limit in any stretch, each sku once. */
function slowCounted(all: readonly Happened[], limit: WeightLimit | null): readonly Happened[] {
  const counted: Happened[] = [];
  const sorted = all.toSorted((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1));
  for (const one of sorted.filter(({ type }) => type === "cart.added")) {
    const lately = counted.filter(({ at }) => limit !== null && at > one.at - limit.every);
    const isSame = limit?.distinct === "sku" && lately.some(({ sku }) => sku === one.sku);
    if (limit === null || (!isSame && lately.length < limit.max)) counted.push(one);
  }
  return counted;
}

/** The tier at each minute's end; fires when it is another one than before. */
function slowScore(all: readonly Happened[], halfLife: number, limit: WeightLimit | null) {
  const counted = slowCounted(all, limit);
  const score = (t: number) =>
    counted
      .filter(({ at }) => at <= t)
      .reduce((sum, { at }) => sum + 2 ** (-(t - at) / halfLife), 0);
  const tier = (t: number) => [1.3, 2.7].filter((from) => score(t) >= from).length;
  return Array.from({ length: END + 1 }, (_, t) => t).filter(
    (t) => tier(t) !== (t === 0 ? 0 : tier(t - 1)),
  );
}

test("law: a score tells each change of tier, up by events and down by the clock", () => {
  fc.assert(
    fc.property(
      histories,
      fc.integer({ min: 1, max: 15 }),
      limits,
      fc.infiniteStream(fc.nat()),
      (all, halfLife, limit, random) => {
        const trigger: Trigger = {
          op: "score",
          add: [{ of: ADDED, weight: 1, field: null, limit }],
          halfLife: millis(halfLife),
          tiers: [
            { name: "silver", from: 1.3 },
            { name: "gold", from: 2.7 },
          ],
        };
        const times = fired(trigger, shuffled(all, random), 1, false).map(({ at }) => at);
        expect(new Set(times)).toEqual(new Set(slowScore(all, halfLife, limit)));
      },
    ),
    { numRuns: 300 },
  );
});

test("law: without tiers a score tells each match that counts", () => {
  fc.assert(
    fc.property(histories, limits, fc.infiniteStream(fc.nat()), (all, limit, random) => {
      const add = [{ of: ADDED, weight: 1, field: null, limit }];
      const trigger: Trigger = { op: "score", add, halfLife: null, tiers: [] };
      const told = fired(trigger, shuffled(all, random), 1, false);
      expect(told.map((one) => one.trigger)).toEqual(slowCounted(all, limit).map(({ id }) => id));
    }),
    { numRuns: 300 },
  );
});

/** Payments while two additions lie within 10 ms, and the first of them of each stretch of departures. */
function slowAny(all: readonly Happened[]): Fired[] {
  const within = (type: string, t: number, length: number) =>
    all.filter((one) => one.type === type && one.at <= t && one.at >= t - length);
  const paid = all
    .filter(({ type, at }) => type === "order.paid" && within("cart.added", at, 10).length >= 2)
    .map(({ at, id }) => ({ at, partition: "", trigger: `0/${id}` }));
  const comes = (t: number) =>
    within("live.left", t, 5).length > 0 && within("live.left", t - 1, 5).length === 0;
  const left = Array.from({ length: END + 1 }, (_, t) => t)
    .filter(comes)
    .map((t) => {
      const ids = within("live.left", t, 0).map(({ id }) => id);
      return { at: t, partition: "", trigger: `1/${ids.sort().at(-1)}` };
    });
  return sorted([...paid, ...left]);
}

test("law: a level fires when it comes true, a guard lets through while it is", () => {
  const trigger: Trigger = {
    op: "any",
    of: [
      {
        op: "guard",
        trigger: { op: "event", of: PAID },
        when: {
          op: "count",
          of: ADDED,
          within: millis(10),
          atLeast: 2,
          distinct: "event",
          same: null,
        },
      },
      { op: "becomes", when: { op: "not", of: { op: "none", of: LEFT, within: millis(5) } } },
    ],
  };
  fc.assert(
    fc.property(
      // Events that a guard may still let through are the last few.
      histories.map((all) => all.slice(0, 8)),
      fc.infiniteStream(fc.nat()),
      (all, random) => {
        expect(fired(trigger, shuffled(all, random), 1, false)).toEqual(slowAny(all));
      },
    ),
    { numRuns: 400 },
  );
});

function shuffled(all: readonly Happened[], random: Iterable<number>): Happened[] {
  const numbers = random[Symbol.iterator]();
  const weights = all.map(() => numbers.next().value as number);
  return all
    .map((one, i) => ({ one, weight: weights[i] ?? 0 }))
    .sort((a, b) => a.weight - b.weight)
    .map(({ one }) => one);
}
