import type { Matcher } from "../../../src/config/condition-ast.ts";
import { type EventTime, isoTime } from "../../../src/time/event-time.ts";
import { allCancels, type Cancelled, cancelsOf } from "./cancel.ts";
import { type Reading, shownEvents, type Waiting } from "./explained.ts";
import type { EdgeLeaf, Firing, Histories, Leaf, LevelLeaf, StandingChange } from "./leaf.ts";
import { leafKey } from "./leaf-key.ts";
import {
  fold,
  insertMark,
  isBefore,
  joinMarks,
  type Machine,
  type MachineHistory,
  type Mark,
  noMarks,
  seenOf,
  stateAt,
  timelineOf,
  walk,
} from "./machine.ts";
import type { Occurrence } from "./occurrence.ts";
import { NEVER } from "./timeline.ts";

/** The types of events that matchers name; marks hold places in it. */
export const typesOf = (matchers: readonly Matcher[]): readonly string[] => [
  ...new Set(matchers.flatMap(({ events }) => events)),
];

/** The part of a mark that a leaf makes of an event: empty where it has none, `partition` where nothing is kept apart. */
export interface Part {
  readonly role: number;
  readonly label: string;
  readonly value: number;
  readonly bound: Mark[6];
  readonly partition: string;
}

export interface MachineSpec<State> {
  readonly key: string;
  readonly matchers: readonly Matcher[];
  readonly machine: Machine<State>;
  /** The parts an event plays. */
  parts(occurrence: Occurrence): readonly Part[];
}

interface LevelSpec<State> extends MachineSpec<State> {
  /** How a state stands just after the events of `at`; null is that of one who did nothing. */
  reading(state: State | null, at: EventTime): Reading;
}

/** A level that a machine keeps. */
export function machineLevel<State>(spec: LevelSpec<State>): LevelLeaf<MachineHistory<State>> {
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
    join(into, from) {
      joinMarks(into, from, machine);
      return into;
    },
    thin: (history, horizon) => (fold(history, horizon, machine) ? undefined : history),
    timeline: (history, from) =>
      history === undefined ? NEVER : timelineOf(machine, history, from),
    settled: (history) => history[1],
    reading: (history, at) =>
      spec.reading(history === undefined ? null : stateAt(machine, history, at), at),
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
  const { role, label, value, bound } = part;
  return [event.at, role, event.clientId, types.indexOf(event.type), label, value, bound];
}

/** Partitions of one history; beyond that the one quiet for longest is forgotten. */
const KEPT_PARTITIONS = 64;

/** By partition. */
export type EdgeHistory<State> = Record<string, MachineHistory<State>>;

export interface EdgeSpec<State> extends MachineSpec<State> {
  /** What cancels: its events come in as marks of role `CANCEL`. */
  readonly cancels: Leaf | undefined;
  /** What it is. */
  readonly shown: Reading;
  /** How what is under way stands just after the events of `at`. */
  waiting?(state: State, at: EventTime): Omit<Waiting, "partition">;
}

/** Roles of what may be cancelled: what cancels counts in the millisecond of what it cancels. */
export const TRIGGER = 0;
export const CANCEL = 1;

/** Moments that a machine finds, apart for each partition. */
export function machineEdge<State>(spec: EdgeSpec<State>): EdgeLeaf<EdgeHistory<State>> {
  const { key, matchers, machine, cancels } = spec;
  const types = typesOf(matchers);
  const partitions = (all: Histories) =>
    Object.entries((all[key] as EdgeHistory<State> | undefined) ?? {}).map(
      ([partition, [state, , marks]]) =>
        [partition, state, withCancels(marks, cancelsOf(cancels, all, partition))] as const,
    );
  return {
    key,
    listens: matchers.map(({ index }) => index),
    follows: null,
    ...(cancels === undefined ? {} : { uses: cancels }),
    add(history, occurrence) {
      let all = history;
      for (const part of spec.parts(occurrence)) {
        all ??= {};
        const of = partitionOf(all, part.partition);
        insertMark(of, markOf(part, occurrence, types), machine);
      }
      return all;
    },
    join(into, from) {
      for (const [partition, of] of Object.entries(from)) {
        joinMarks(partitionOf(into, partition), of, machine);
      }
      return into;
    },
    thin(history, horizon, all) {
      for (const [partition, of] of Object.entries(history)) {
        const settled = cancelsOf(cancels, all, partition).filter(([at]) => at < horizon);
        for (const cancelled of settled) insertMark(of, cancelMark(cancelled), machine);
        if (fold(of, horizon, machine)) delete history[partition];
      }
      return Object.keys(history).length === 0 ? undefined : history;
    },
    firings(all, from, to) {
      const found: Firing[] = [];
      for (const [partition, state, marks] of partitions(all)) {
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
    next(all, after) {
      let next: EventTime | undefined;
      for (const [, state, marks] of partitions(all)) {
        const now = walk(machine, state, marks, after, {});
        const at = now === null ? undefined : machine.wake(now);
        if (at !== undefined && (next === undefined || at < next)) next = at;
      }
      return next;
    },
    stands: (all, firing, at) =>
      !cancelsOf(cancels, all, firing.partition).some(([time]) => time > firing.at && time <= at),
    reading(all, at) {
      const waiting = partitions(all).flatMap(([partition, state, marks]): Waiting[] => {
        const now = walk(machine, state, marks, at, {});
        if (now === null) return [];
        const due = machine.wake(now);
        return [
          {
            partition: shownPartition(partition),
            ...(due === undefined ? {} : { due: isoTime(due) }),
            ...spec.waiting?.(now, at),
            evidence: shownEvents(machine.marks(now).map((mark) => seenOf(mark, types))),
          },
        ];
      });
      const ended = allCancels(cancels, all).filter(([time]) => time <= at);
      return {
        ...spec.shown,
        waiting,
        ...(ended.length === 0
          ? {}
          : { cancelled_by: ended.map(([time, id]) => ({ id, time: isoTime(time) })) }),
      };
    },
  };
}

/** Values of a key side by side. */
const shownPartition = (partition: string): string => partition.split("\n").join(", ");

const cancelMark = ([at, id]: Cancelled): Mark => [at, CANCEL, id, -1, "", 0, null];

/** The marks with what cancels them in its place. */
function withCancels(marks: readonly Mark[], cancels: readonly Cancelled[]): readonly Mark[] {
  if (cancels.length === 0) return marks;
  return [...marks, ...cancels.map(cancelMark)].sort((a, b) => (isBefore(a, b) ? -1 : 1));
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
      const mark = standingMark(change, on);
      const since = Math.min(change.at, change.insteadOf ?? change.at);
      if (history !== undefined && saysAgain(history, mark, since)) return history;
      const [state, folded, marks] = history ?? noMarks<Mark>();
      const next: MachineHistory<Mark> = [state, folded, marks.filter(([at]) => at < since)];
      insertMark(next, mark, STANDING);
      return next;
    },
    join(into, from) {
      joinMarks(into, from, STANDING);
      return into;
    },
    thin: (history, horizon) => (fold(history, horizon, STANDING) ? undefined : history),
    timeline: (history, from) =>
      history === undefined ? NEVER : timelineOf(STANDING, history, from),
    reading: () => ({ topic: follows.topic, value: follows.value }),
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

/** Whether it has stood so all along from before `since`, and there is no more to say of it either. */
function saysAgain([state, , marks]: MachineHistory<Mark>, mark: Mark, since: number): boolean {
  const last = marks.at(-1);
  if (last !== undefined && last[0] >= since) return false;
  const stood = last === undefined ? state : standingAfter(last);
  const isOn = standingAfter(mark) !== null;
  return (stood !== null) === isOn && mark[6] === null && (stood?.[6] ?? null) === null;
}

const standingAfter = (mark: Mark): Mark | null => (mark[1] === 1 ? mark : null);

const STANDING: Machine<Mark> = {
  take: (_state, mark) => standingAfter(mark),
  wake: () => undefined,
  woken: (state) => state,
  holds: () => true,
  marks: () => [],
};
