import { hash128 } from "../../../src/codec/hash.ts";
import type { Matcher } from "../../../src/config/condition-ast.ts";
import type { EventTime } from "../../../src/time/event-time.ts";
import type { EdgeLeaf, Firing, LevelLeaf, Occurrence, StandingChange } from "./leaf.ts";
import {
  fold,
  insertMark,
  type Machine,
  type MachineHistory,
  type Mark,
  noMarks,
  seenOf,
  stateAt,
  timelineOf,
  walk,
} from "./machine.ts";

/** Of a leaf's content, without the places its matchers happen to have. */
export function leafKey(...content: readonly unknown[]): string {
  const text = JSON.stringify(content, (_key, value: unknown) =>
    isMatcher(value) ? [value.events, value.where] : value,
  );
  return hash128(text).slice(0, 10);
}

const isMatcher = (value: unknown): value is Matcher =>
  typeof value === "object" && value !== null && "index" in value && "events" in value;

/** The types of events that matchers name; marks hold places in it. */
export const typesOf = (matchers: readonly Matcher[]): readonly string[] => [
  ...new Set(matchers.flatMap(({ events }) => events)),
];

/** The part of a mark that a leaf makes of an event; `partition` is `""` where nothing is kept apart. */
export interface Part {
  readonly role: number;
  readonly label?: string;
  readonly value?: number;
  readonly bound?: Mark[6];
  readonly partition?: string;
}

export interface MachineSpec<State> {
  readonly key: string;
  readonly matchers: readonly Matcher[];
  readonly machine: Machine<State>;
  /** The parts an event plays. */
  parts(occurrence: Occurrence): readonly Part[];
}

/** A level that a machine keeps. */
export function machineLevel<State>(spec: MachineSpec<State>): LevelLeaf<MachineHistory<State>> {
  const { key, matchers, machine } = spec;
  const types = typesOf(matchers);
  return {
    key,
    listens: matchers.map(({ index }) => index),
    follows: null,
    add(history, occurrence) {
      let marks = history;
      for (const part of spec.parts(occurrence)) {
        marks ??= noMarks();
        insertMark(marks, markOf(part, occurrence, types), machine);
      }
      return marks;
    },
    thin: (history, horizon) => (fold(history, horizon, machine) ? undefined : history),
    timeline: (history, from) => timelineOf(machine, history ?? noMarks(), from),
    settled: (history) => history[1],
    evidence(history, at) {
      const state = history === undefined ? null : stateAt(machine, history, at);
      return state === null ? [] : machine.marks(state).map((mark) => seenOf(mark, types));
    },
    happened: (history, at) => marksAt(history, at).map((mark) => seenOf(mark, types)),
  };
}

const marksAt = <State>(history: MachineHistory<State> | undefined, at: EventTime): Mark[] =>
  (history?.[2] ?? []).filter((mark) => mark[0] === at);

function markOf(part: Part, { event }: Occurrence, types: readonly string[]): Mark {
  const { role, label = "", value = 0, bound = null } = part;
  return [event.at, role, event.clientId, types.indexOf(event.type), label, value, bound];
}

/** Partitions of one history; beyond that the one quiet for longest is forgotten. */
const KEPT_PARTITIONS = 64;

/** By partition. */
export type EdgeHistory<State> = Record<string, MachineHistory<State>>;

export interface EdgeSpec<State> extends MachineSpec<State> {
  /** Roles whose events stop what has fired; a part of partition `*` is of all partitions. */
  readonly stopping: readonly number[];
}

/** All partitions: marks that concern each of them. */
export const EVERY_PARTITION = "*";

/** Moments that a machine finds, apart for each partition. */
export function machineEdge<State>(spec: EdgeSpec<State>): EdgeLeaf<EdgeHistory<State>> {
  const { key, matchers, machine, stopping } = spec;
  const types = typesOf(matchers);
  return {
    key,
    listens: matchers.map(({ index }) => index),
    follows: null,
    add(history, occurrence) {
      let all = history;
      for (const part of spec.parts(occurrence)) {
        all ??= {};
        const of = partitionOf(all, part.partition ?? "");
        insertMark(of, markOf(part, occurrence, types), machine);
      }
      return all;
    },
    thin(history, horizon) {
      const every = history[EVERY_PARTITION]?.[2] ?? [];
      const settled = every.filter(([at]) => at < horizon);
      for (const [partition, of] of Object.entries(history)) {
        if (partition !== EVERY_PARTITION)
          for (const mark of settled) insertMark(of, mark, machine);
        if (fold(of, horizon, machine)) delete history[partition];
      }
      return Object.keys(history).length === 0 ? undefined : history;
    },
    firings(history, from, to) {
      const found: Firing[] = [];
      for (const [partition, [state, , marks]] of partitionsOf(history)) {
        walk(machine, state, marks, to, {
          fire({ marks: of, trigger, bound }, at, by) {
            if (at < from) return;
            const evidence = of.map((mark) => seenOf(mark, types));
            found.push({ at, by, partition, trigger, bound, evidence });
          },
        });
      }
      return found.sort((a, b) => a.at - b.at);
    },
    next(history, after) {
      let next: EventTime | undefined;
      for (const [, [state, , marks]] of partitionsOf(history)) {
        const at = firstWake(machine, state, marks, after);
        if (at !== undefined && (next === undefined || at < next)) next = at;
      }
      return next;
    },
    stands(history, firing, at) {
      const own = history?.[firing.partition]?.[2] ?? [];
      const every = history?.[EVERY_PARTITION]?.[2] ?? [];
      return ![...own, ...every].some(
        (mark) => stopping.includes(mark[1]) && mark[0] > firing.at && mark[0] <= at,
      );
    },
  };
}

function partitionOf<State>(history: EdgeHistory<State>, partition: string) {
  const known = history[partition];
  if (known !== undefined) return known;
  const names = Object.keys(history);
  if (names.length >= KEPT_PARTITIONS) delete history[quietest(history, names)];
  const made = noMarks<State>();
  history[partition] = made;
  return made;
}

function quietest<State>(history: EdgeHistory<State>, names: readonly string[]): string {
  const lastOf = (name: string) => history[name]?.[2].at(-1)?.[0] ?? history[name]?.[1] ?? 0;
  return names.reduce((a, b) => (lastOf(b) < lastOf(a) ? b : a));
}

/** Each partition with the marks of all partitions among its own. */
function* partitionsOf<State>(
  history: EdgeHistory<State> | undefined,
): Generator<[string, MachineHistory<State>]> {
  const every = history?.[EVERY_PARTITION]?.[2] ?? [];
  for (const [partition, of] of Object.entries(history ?? {})) {
    if (partition === EVERY_PARTITION) continue;
    if (every.length === 0) yield [partition, of];
    else yield [partition, [of[0], of[1], inOrder([...of[2], ...every])]];
  }
}

const inOrder = (marks: readonly Mark[]): Mark[] =>
  marks.toSorted((a, b) => a[0] - b[0] || a[1] - b[1] || (a[2] < b[2] ? -1 : 1));

function firstWake<State>(
  machine: Machine<State>,
  from: State | null,
  marks: readonly Mark[],
  after: EventTime,
): EventTime | undefined {
  const state = walk(machine, from, marks, after, {});
  return state === null ? undefined : machine.wake(state);
}

/** What another part says: on (role 1) or off (role 0); it is not, before anything is said. */
export function standingLevel(
  follows: NonNullable<LevelLeaf["follows"]>,
): LevelLeaf<MachineHistory<Mark>> {
  return {
    key: leafKey("standing", follows),
    listens: [],
    follows,
    add: (history) => history,
    stand(history, change) {
      const on = change.on && change.value === follows.value;
      if (history === undefined && !on) return undefined;
      const marks = history ?? noMarks();
      const since = Math.min(change.at, change.insteadOf ?? change.at);
      marks[2] = marks[2].filter(([at]) => at < since);
      insertMark(marks, standingMark(change, on), STANDING);
      return marks;
    },
    thin: (history, horizon) => (fold(history, horizon, STANDING) ? undefined : history),
    timeline: (history, from) => timelineOf(STANDING, history ?? noMarks(), from),
    evidence: () => [],
    happened: () => [],
    bound(history, at) {
      const state = history === undefined ? null : stateAt(STANDING, history, at);
      return state?.[6] ?? null;
    },
  };
}

const standingMark = ({ at, bound }: StandingChange, on: boolean): Mark => [
  at,
  on ? 1 : 0,
  "",
  -1,
  "",
  0,
  on && Object.keys(bound).length > 0 ? bound : null,
];

const STANDING: Machine<Mark> = {
  take: (_state, mark) => (mark[1] === 1 ? mark : null),
  wake: () => undefined,
  woken: (state) => state,
  holds: () => true,
  marks: () => [],
};
