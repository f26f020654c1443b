import type { Count, None, Sum } from "../../../src/config/condition-ast.ts";
import { type EventTime, isoTime, MIN_TIME, type Millis } from "../../../src/time/event-time.ts";
import { insertAt } from "../insert.ts";
import { valuesOf } from "./bound.ts";
import { type Reading, textOfMatcher } from "./explained.ts";
import type { LevelLeaf, Seen } from "./leaf.ts";
import { leafKey } from "./leaf-key.ts";
import { typesOf } from "./machine-leaf.ts";
import {
  byGroup,
  insertMatch,
  inWindow,
  type Match,
  metTimeline,
  thinMatches,
} from "./match-list.ts";
import type { Occurrence } from "./occurrence.ts";
import { reached, reaches } from "./sum.ts";
import { Trace } from "./timeline.ts";

/** Matches beyond those that can be needed, before a busy person's list is looked through. */
const SPARE = 16;

/** Enough matches in the window; `none` is the opposite of one match. */
export function countLevel(count: Count | None): LevelLeaf<Match[]> {
  const { of, within } = count;
  const { atLeast, distinct, same } =
    count.op === "count" ? count : { atLeast: 1, distinct: "event", same: null };
  const asked = { within, atLeast, distinct: distinct !== "event", grouped: same !== null };
  const types = typesOf([of]);
  const seen = ([at, id, type]: Match): Seen => [at, id, types[type] ?? ""];
  return {
    key: leafKey("count", of, within, atLeast, distinct, same),
    listens: [of.index],
    follows: null,
    add(history, occurrence) {
      const { event } = occurrence;
      const found = countedIn(occurrence, distinct, same);
      if (found.length === 0) return history;
      const list = history ?? [];
      for (const [counted, group] of found) {
        insertMatch(list, [event.at, event.clientId, types.indexOf(event.type), counted, group]);
      }
      return list.length > 2 * atLeast + SPARE ? thinMatches(list, asked, MIN_TIME) : list;
    },
    join(into, from) {
      for (const match of from) insertMatch(into, match);
      return into.length > 2 * atLeast + SPARE ? thinMatches(into, asked, MIN_TIME) : into;
    },
    thin(history, horizon) {
      const kept = thinMatches(history, asked, horizon);
      return kept.length === 0 ? undefined : kept;
    },
    timeline: (history, from) => metTimeline(history ?? [], asked, from),
    reading: (history, at) => countReading(count, inWindow(history ?? [], within, at)),
    evidence: (history, at) => different(inWindow(history ?? [], within, at)).map(seen),
    happened: (history, at) => different((history ?? []).filter(([time]) => time === at)).map(seen),
  };
}

/** `inside`: the matches in the window. */
function countReading(count: Count | None, inside: readonly Match[]): Reading {
  const { of, within } = count;
  const asked = { what: textOfMatcher(of), within_ms: within };
  if (count.op === "none") return { ...asked, have: different(inside).length, need: 0 };
  const { atLeast, distinct, same } = count;
  const leaving = [...byGroup(inside)].map(([group, matches]) => ({
    group,
    last: distinct === "event" ? matches.map(([at]) => at) : lastOfEach(matches),
    values: [...new Set(matches.map(([, , , value]) => value))],
  }));
  const most = leaving.reduce<(typeof leaving)[number] | undefined>(
    (a, b) => (a === undefined || b.last.length > a.last.length ? b : a),
    undefined,
  );
  const have = most?.last.length ?? 0;
  // So many more are enough until the first of those that count has left.
  const by =
    most === undefined ? {} : { by: isoTime((Math.min(...most.last) + within) as EventTime) };
  return {
    ...asked,
    have,
    need: atLeast,
    ...(have >= atLeast ? {} : { lacking: { amount: atLeast - have, ...by } }),
    ...(distinct === "event" ? {} : { distinct, values: most?.values ?? [] }),
    ...(same === null ? {} : { same, ...(most === undefined ? {} : { group: most.group }) }),
  };
}

/** When each different value was last met. */
const lastOfEach = (matches: readonly Match[]): number[] => [
  ...new Map(matches.map(([at, , , value]) => [value, at as number])).values(),
];

/** What is counted of an event, in which group; several where it has several skus. */
function countedIn(
  { event, session }: Occurrence,
  distinct: string,
  same: string | null,
): (readonly [counted: string, group: string])[] {
  const counted =
    distinct === "event"
      ? [""]
      : distinct === "session"
        ? [session?.id ?? event.id]
        : valuesOf(event, distinct);
  const groups = same === null ? [""] : valuesOf(event, same);
  if (distinct === same) return counted.map((value) => [value, value]);
  const pairs: (readonly [string, string])[] = [];
  for (const group of groups) for (const value of counted) pairs.push([value, group]);
  return pairs;
}

/** One of several matches of one event. */
const different = (matches: readonly Match[]): readonly Match[] =>
  matches.filter(([, id], i) => matches[i - 1]?.[1] !== id);

/** A match with its amount. */
type Amount = [at: EventTime, id: string, type: number, value: number];
const KEPT_AMOUNTS = 256;

/** The amounts in the window add up to enough; of more than the newest 256, the oldest are forgotten. */
export function sumInWindow(sum: Sum & { readonly within: Millis }): LevelLeaf<Amount[]> {
  const { of, field, bound, within } = sum;
  const types = typesOf([of]);
  const seen = ([at, id, type]: Amount): Seen => [at, id, types[type] ?? ""];
  return {
    key: leafKey("sum", of, field, bound, within),
    listens: [of.index],
    follows: null,
    add(history, { event }) {
      const value = event.props[field];
      if (typeof value !== "number") return history;
      const list = history ?? [];
      let place = list.length;
      while (place > 0 && (list[place - 1] as Amount)[0] > event.at) place -= 1;
      insertAt(list, place, [event.at, event.clientId, types.indexOf(event.type), value]);
      if (list.length > KEPT_AMOUNTS) list.shift();
      return list;
    },
    join: (into, from) => [...into, ...from].sort((a, b) => a[0] - b[0]).slice(-KEPT_AMOUNTS),
    thin(history, horizon) {
      const kept = history.filter(([at]) => at + within >= horizon);
      return kept.length === 0 ? undefined : kept;
    },
    timeline: (history, from) => sumTimeline(history ?? [], sum, from),
    reading: (history, at) =>
      sumReading(
        sum,
        (history ?? []).filter(([time]) => time <= at && time >= at - within),
      ),
    evidence: (history, at) =>
      (history ?? []).filter(([time]) => time <= at && time >= at - within).map(seen),
    happened: (history, at) => (history ?? []).filter(([time]) => time === at).map(seen),
  };
}

function sumReading(
  { of, field, bound, within }: Sum & { readonly within: Millis },
  inside: readonly Amount[],
): Reading {
  const have = inside.reduce((all, [, , , amount]) => all + amount, 0);
  const first = inside[0]?.[0];
  const by = first === undefined ? {} : { by: isoTime((first + within) as EventTime) };
  return { what: textOfMatcher(of), field, within_ms: within, ...reached(bound, have, by) };
}

/** Added up anew at each change: amounts need not be whole, and must not drift. */
function sumTimeline(
  list: readonly Amount[],
  { bound, within }: Sum & { readonly within: Millis },
  from: EventTime,
) {
  const trace = new Trace(reaches(bound, 0), from);
  let first = 0;
  let next = 0;
  while (first < list.length) {
    const gone = (list[first] as Amount)[0] + within + 1;
    const at = Math.min(list[next]?.[0] ?? gone, gone) as EventTime;
    while (next < list.length && (list[next] as Amount)[0] === at) next += 1;
    while (first < next && (list[first] as Amount)[0] + within + 1 === at) first += 1;
    let amount = 0;
    for (let i = first; i < next; i += 1) amount += (list[i] as Amount)[3];
    trace.is(reaches(bound, amount), at);
  }
  return trace.timeline();
}
