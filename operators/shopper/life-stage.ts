import { type EventTime, latest, type Millis, minus, plus } from "../../src/time/event-time.ts";
import type { Seen } from "./condition/leaf.ts";
import { insertAt } from "./insert.ts";

export const STAGES = ["new", "active", "dormant", "churn_risk"] as const;
export type Stage = (typeof STAGES)[number];

/** What the stages are measured by. */
export interface StageRules {
  /** New for so long after the first purchase; before any, after being first seen. */
  readonly newFor: Millis;
  /** So many purchases within so long make somebody active, however new. */
  readonly often: { readonly orders: number; readonly within: Millis };
  readonly dormantAfter: Millis;
  /** At risk once the last purchase is more than `times` the own rhythm ago, and more than `least`. */
  readonly churn: { readonly times: number; readonly least: Millis };
}

/** What a person did, as far as stages need it. Plain data; order of arrival leaves no trace. */
export interface LifeHistory {
  /** When the person was first seen, and first bought; 0 when not yet. */
  since: EventTime;
  bought: EventTime;
  /** Acts with no pause of more than `dormantAfter` between them: the first and the last, oldest first. */
  stretches: [first: Seen, last: Seen][];
  /** The latest, oldest first. */
  purchases: [at: EventTime, id: string][];
  /** Before this time it is settled: purchases that counted then are forgotten. */
  settled: EventTime;
}

export interface Standing {
  readonly stage: Stage;
  readonly reason: "first_seen" | "first_order" | "frequent" | "regular" | "quiet" | "overdue";
  readonly evidence: readonly Seen[];
}

/** Intervals that the rhythm is the median of; shorter ones than this are one purchase in parts. */
const INTERVALS = 4;
const PARTS = 86_400_000;
const KEPT_PURCHASES = 16;
const KEPT_STRETCHES = 3;
const SHOWN_PURCHASES = 5;
const PAID = "order.paid";

export const noLife = (): LifeHistory => ({
  since: 0 as EventTime,
  bought: 0 as EventTime,
  stretches: [],
  purchases: [],
  settled: 0 as EventTime,
});

/** With lists of its own; what stands in them is replaced, never changed. */
export const copyLife = (life: LifeHistory): LifeHistory => ({
  ...life,
  stretches: life.stretches.slice(),
  purchases: life.purchases.slice(),
});

/**
 * Takes in an act; a purchase is one, too. False when no stage up to `judged` is another one by it:
 * it lies between others, or all it does is to put off the next pause.
 */
export function lived(
  life: LifeHistory,
  act: Seen,
  { dormantAfter }: StageRules,
  judged: EventTime,
): boolean {
  const [at, id, type] = act;
  const { stretches } = life;
  const newest = stretches.at(-1);
  const prolongs =
    newest !== undefined && at >= newest[0][0] && at <= plus(newest[1][0], dormantAfter);
  let putsOff = false;
  if (!prolongs) unite(stretches, [act, act], dormantAfter);
  else if (isBefore(newest[1], act)) {
    stretches[stretches.length - 1] = [newest[0], act];
    putsOff = true;
  }
  life.since = firstOf(life.since, at);
  if (type === PAID) {
    life.bought = firstOf(life.bought, at);
    insert(life, [at, id]);
  }
  return !prolongs || type === PAID || (putsOff && at <= judged);
}

/** Joins what one person did under two names. */
export function joinLives(into: LifeHistory, from: LifeHistory, rules: StageRules): void {
  into.since = firstOf(into.since, from.since);
  into.bought = firstOf(into.bought, from.bought);
  into.settled = latest(into.settled, from.settled);
  for (const piece of from.stretches) unite(into.stretches, piece, rules.dormantAfter);
  for (const purchase of from.purchases) insert(into, purchase);
}

const firstOf = (a: EventTime, b: EventTime): EventTime => (a === 0 || (b !== 0 && b < a) ? b : a);

/** Adds a piece, as one with all that lie no further than a pause from it. */
function unite(
  stretches: LifeHistory["stretches"],
  [first, last]: LifeHistory["stretches"][number],
  pause: Millis,
): void {
  if (stretches.length === 0) {
    stretches.push([first, last]);
    return;
  }
  const isNear = ([start, end]: LifeHistory["stretches"][number]) =>
    first[0] - end[0] <= pause && start[0] - last[0] <= pause;
  const near = stretches.filter(isNear);
  const start = near.reduce((a, [b]) => (isBefore(b, a) ? b : a), first);
  const end = near.reduce((a, [, b]) => (isBefore(a, b) ? b : a), last);
  const rest = stretches.filter((other) => !near.includes(other));
  const all = [...rest, [start, end] as (typeof stretches)[number]];
  all.sort(([a], [b]) => a[0] - b[0]);
  stretches.splice(0, stretches.length, ...all.slice(-KEPT_STRETCHES));
}

/** By time, then id: whatever the order of arrival, the same one is the last. */
const isBefore = (a: Seen, b: Seen): boolean => a[0] < b[0] || (a[0] === b[0] && a[1] < b[1]);

function insert(life: LifeHistory, purchase: LifeHistory["purchases"][number]): void {
  const { purchases } = life;
  let at = purchases.length;
  while (at > 0 && (purchases[at - 1]?.[0] ?? 0) > purchase[0]) at -= 1;
  insertAt(purchases, at, purchase);
  if (purchases.length <= KEPT_PURCHASES) return;
  purchases.shift();
  // From here on as many purchases are known as the rhythm can need, parts of one aside.
  life.settled = latest(life.settled, purchases[INTERVALS + 1]?.[0] ?? life.settled);
}

/** The stage just after the events of `at`; undefined before the person was first seen. */
export function stageAt(life: LifeHistory, at: EventTime, rules: StageRules): Standing | undefined {
  if (life.since === 0 || at < life.since) return undefined;
  const done = life.purchases.filter(([time]) => time <= at);
  const latestFew = done.slice(-SHOWN_PURCHASES).map(([time, id]): Seen => [time, id, PAID]);
  const rest = life.stretches.findLast(([first]) => first[0] <= at)?.[1];
  if (rest !== undefined && at >= plus(rest[0], rules.dormantAfter)) {
    return { stage: "dormant", reason: "quiet", evidence: [rest] };
  }
  const due = dueAfter(done, rules);
  if (due !== undefined && at > due) {
    return { stage: "churn_risk", reason: "overdue", evidence: latestFew };
  }
  const { orders, within } = rules.often;
  const since = done[done.length - orders]?.[0];
  if (since !== undefined && since >= minus(at, within)) {
    return { stage: "active", reason: "frequent", evidence: latestFew.slice(-orders) };
  }
  const hasBought = life.bought !== 0 && life.bought <= at;
  if (at <= plus(hasBought ? life.bought : life.since, rules.newFor)) {
    const reason = hasBought ? "first_order" : "first_seen";
    return {
      stage: "new",
      reason,
      evidence: hasBought ? latestFew.slice(0, 1) : startOf(life, at),
    };
  }
  return { stage: "active", reason: "regular", evidence: startOf(life, at) };
}

/** Since when the stage of `at` holds, as far back as the history reaches. */
export function stageSince(life: LifeHistory, at: EventTime, rules: StageRules): EventTime {
  let since = life.since;
  let before: Stage | undefined;
  for (const point of turningPoints(life, life.since, rules)) {
    if (point > at) break;
    const stage = stageAt(life, point, rules)?.stage;
    if (stage !== before) since = point;
    before = stage;
  }
  return since;
}

/** The act that the stretch began with in which `at` lies. */
const startOf = ({ stretches }: LifeHistory, at: EventTime): readonly Seen[] =>
  stretches
    .filter(([first]) => first[0] <= at)
    .slice(-1)
    .map(([first]) => first);

/** Until when the next purchase is not overdue; undefined for one who has no rhythm yet. */
function dueAfter(done: LifeHistory["purchases"], { churn }: StageRules): EventTime | undefined {
  const intervals: number[] = [];
  for (let i = done.length - 1; i > 0 && intervals.length < INTERVALS; i -= 1) {
    const interval = (done[i]?.[0] ?? 0) - (done[i - 1]?.[0] ?? 0);
    if (interval >= PARTS) intervals.push(interval);
  }
  const last = done.at(-1)?.[0];
  if (intervals.length === 0 || last === undefined) return undefined;
  intervals.sort((a, b) => a - b);
  const middle = intervals.slice((intervals.length - 1) >> 1, (intervals.length >> 1) + 1);
  const rhythm = middle.reduce((a, b) => a + b, 0) / middle.length;
  return plus(last, Math.max(Math.floor(churn.times * rhythm), churn.least) as Millis);
}

/** Every time from `from` on at which the stage may be another one, if nothing more comes. */
export function turningPoints(life: LifeHistory, from: EventTime, rules: StageRules): EventTime[] {
  const { since, bought, purchases, stretches } = life;
  const points: number[] = [];
  for (const start of [since, bought])
    if (start !== 0) points.push(start, start + rules.newFor + 1);
  purchases.forEach(([at], i) => {
    points.push(at, at + rules.often.within + 1);
    const due = dueAfter(purchases.slice(0, i + 1), rules);
    if (due !== undefined) points.push(due + 1);
  });
  for (const [first, last] of stretches) points.push(first[0], last[0] + rules.dormantAfter);
  return [...new Set(points)].filter((at) => at >= from).sort((a, b) => a - b) as EventTime[];
}
