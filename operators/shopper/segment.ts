import Type from "typebox";
import type { SegmentFile } from "../../src/config/segment-ast.ts";
import { type Context, FORGET, type Forget, type Operator } from "../../src/flow/operator.ts";
import type { OperatorSpec } from "../../src/flow/spec.ts";
import {
  type EventTime,
  earliest,
  isoTime,
  latest,
  type Millis,
  minus,
} from "../../src/time/event-time.ts";
import { orderedSkus } from "./catalog.ts";
import { insertMatch, inWindow, type Match, thinMatches } from "./match-list.ts";
import { Matchers } from "./matcher.ts";
import { messageId } from "./message-id.ts";
import { type Definition, definitionsOf, type Leaf } from "./segment-definition.ts";
import type { SegmentSignal, SessionSignal, Step } from "./signals.ts";
import { corrections, nextTurn, type Telling, type Told, turnsBetween } from "./timeline.ts";

const NAME = "segment";
const TIMER = "judge";
/** Turns of one segment that may still be corrected; older ones stand. */
const KEPT_TURNS = 64;
const SHOWN_EVENTS = 5;

export interface SegmentState {
  /** Up to here everything is told. */
  judged: EventTime;
  /** By leaf. */
  matches: Record<string, Match[]>;
  /** By segment; what is not there never was other than it is without any match. */
  told: Record<string, Told>;
  /** The cause that last published, and how many messages it has made. */
  cause: string;
  said: number;
}

type SegmentContext = Context<SegmentSignal>;

/**
 * Keeps each person's place in the segments of the file, to the millisecond: entered and left on
 * events and by the clock alone. An event that comes late, but not by more than `maxAge`, judges
 * anew what was told since its time; what turns out wrong is corrected by messages that say which
 * one they supersede. Who satisfies a definition without having done anything has never entered.
 */
export function segmentOperator(
  file: SegmentFile,
  maxAge: Millis,
): Operator<SessionSignal, SegmentSignal, SegmentState> {
  const matchers = new Matchers(file.matchers);
  const definitions = definitionsOf(file);
  const leaves = [
    ...new Map(definitions.flatMap((d) => d.leaves.map((leaf) => [leaf.key, leaf]))).values(),
  ];
  return {
    name: NAME,
    version: 1,
    order: "arrival",
    key: (signal) =>
      signal.kind === "step" && matchers.knows(signal.event.type) ? signal.person : undefined,
    init: () => ({ judged: 0 as EventTime, matches: {}, told: {}, cause: "", said: 0 }),
    onEvent(signal, state, ctx) {
      if (signal.kind !== "step") return state;
      const met = matchers.of(signal.event, ctx.facts);
      if (met.length === 0) return state.judged === 0 ? FORGET : state;
      for (const leaf of leaves) if (met.includes(leaf.matcher)) addMatches(state, leaf, signal);
      const at = signal.event.at;
      const from = earliest(at, (state.judged + 1) as EventTime);
      return judge(state, from, latest(at, state.judged), definitions, maxAge, ctx);
    },
    onTimer: (_timer, state, ctx) =>
      judge(state, (state.judged + 1) as EventTime, ctx.now, definitions, maxAge, ctx),
    publish: messageOf,
  };
}

function addMatches(state: SegmentState, leaf: Leaf, { event, session }: Step): void {
  const list = state.matches[leaf.key] ?? [];
  state.matches[leaf.key] = list;
  const type = event.type;
  if (leaf.counted === "sku") {
    for (const sku of orderedSkus(event)) insertMatch(list, [event.at, event.clientId, sku, type]);
    return;
  }
  const counted = leaf.counted === "session" ? (session?.id ?? event.id) : "";
  insertMatch(list, [event.at, event.clientId, counted, type]);
}

/** Tells every segment's turns in `[from, to]`, forgets what is too old, and waits for the next turn. */
function judge(
  state: SegmentState,
  from: EventTime,
  to: EventTime,
  definitions: readonly Definition[],
  maxAge: Millis,
  ctx: SegmentContext,
): SegmentState | Forget {
  const horizon = minus(to, maxAge);
  const start = latest(from, horizon);
  let wake: number = Number.MAX_SAFE_INTEGER;
  for (const definition of definitions) {
    const told = tell(state, definition, start, to, ctx);
    settle(state, definition, told, horizon);
    const member = told.log.at(-1)?.[1] ?? told.base;
    wake = Math.min(wake, nextTurn(definition, state.matches, to, member) ?? wake);
  }
  state.judged = to;
  const idle = thinAll(state, definitions, horizon) + maxAge + 1;
  if (Object.keys(state.matches).length === 0 && Object.keys(state.told).length === 0)
    return FORGET;
  ctx.setTimer(TIMER, Math.min(wake, Math.max(idle, to + 1)) as EventTime);
  return state;
}

function tell(
  state: SegmentState,
  definition: Definition,
  start: EventTime,
  to: EventTime,
  ctx: SegmentContext,
): Told {
  const told = state.told[definition.segment.id] ?? { base: definition.whenEmpty, log: [] };
  const split = told.log.findIndex(([at]) => at >= start);
  const kept = split < 0 ? told.log : told.log.slice(0, split);
  const before = kept.at(-1)?.[1] ?? told.base;
  const turns = turnsBetween(definition, state.matches, start, to, before);
  const log = [...kept];
  const open = split < 0 ? [] : told.log.slice(split);
  const tellings = corrections(open, turns);
  const standing = turns.length - tellings.filter((telling) => !telling.undoes).length;
  log.push(...open.slice(0, standing));
  for (const telling of tellings) {
    const ref = say(state, definition, telling, ctx);
    if (!telling.undoes) log.push([telling.at, telling.member, ref]);
  }
  return { base: told.base, log };
}

/** Turns before the horizon can no longer change: only how they left things is kept. */
function settle(
  state: SegmentState,
  { segment, whenEmpty }: Definition,
  told: Told,
  horizon: EventTime,
): void {
  while (told.log.length > KEPT_TURNS || (told.log[0]?.[0] ?? horizon) < horizon) {
    told.base = told.log.shift()?.[1] ?? told.base;
  }
  if (told.log.length === 0 && told.base === whenEmpty) delete state.told[segment.id];
  else state.told[segment.id] = told;
}

/** Thins the matches of every leaf; returns the time at which the last window of all is past. */
function thinAll(
  state: SegmentState,
  definitions: readonly Definition[],
  horizon: EventTime,
): number {
  let last = 0;
  for (const { leaves } of definitions) {
    for (const { key, condition } of leaves) {
      const list = thinMatches(state.matches[key] ?? [], condition, horizon);
      if (list.length === 0) delete state.matches[key];
      else state.matches[key] = list;
      last = Math.max(last, (list.at(-1)?.[0] ?? 0) + condition.within);
    }
  }
  return last;
}

/** Emits one telling; returns the id that its message gets. */
function say(
  state: SegmentState,
  definition: Definition,
  telling: Telling,
  ctx: SegmentContext,
): string {
  if (state.cause !== ctx.cause) {
    state.cause = ctx.cause;
    state.said = 0;
  }
  const ref = messageId(NAME, ctx.key, ctx.cause, state.said);
  state.said += 1;
  const { reason, evidence } = whyOf(definition, state, telling);
  ctx.emit({
    kind: "segment",
    person: ctx.key,
    segment: definition.segment.id,
    member: telling.member,
    at: telling.at,
    reason,
    evidence: evidence.slice(-SHOWN_EVENTS).map(([time, id, , event]) => ({
      event,
      id,
      time: isoTime(time),
    })),
    version: definition.segment.hash,
    ref,
    supersedes: telling.supersedes,
  });
  return ref;
}

/**
 * Entered by `count` when a match came, left by the object of the event that forbids it (`order` for
 * `order.paid`), both by `window` when a match left its window.
 */
function whyOf(
  { leaves, positive, negative }: Definition,
  { matches }: SegmentState,
  { at, member, undoes }: Telling,
): { reason: string; evidence: readonly Match[] } {
  const come = (of: readonly Leaf[]) =>
    of.flatMap(({ key }) => (matches[key] ?? []).filter(([time]) => time === at));
  const within = (of: readonly Leaf[]) =>
    of
      .flatMap(({ key, condition }) => inWindow(matches[key] ?? [], condition.within, at))
      .sort((a, b) => a[0] - b[0]);
  const otherwise = undoes ? "corrected" : "window";
  if (member) {
    return {
      reason: come(positive).length > 0 ? "count" : otherwise,
      evidence: within(positive),
    };
  }
  const gone = leaves.flatMap(({ key, condition }) =>
    (matches[key] ?? []).filter(([time]) => time + condition.within + 1 === at),
  );
  const against = come(negative).at(-1);
  const forbids = against ?? (gone.length === 0 ? within(negative).at(-1) : undefined);
  if (forbids === undefined) return { reason: otherwise, evidence: gone };
  return { reason: forbids[3].split(".")[0] ?? otherwise, evidence: [forbids] };
}

function messageOf(signal: SegmentSignal) {
  const { person, segment, member, at, reason, evidence, version, supersedes } = signal;
  return {
    subject: `segment.${segment}.${member ? "entered" : "exited"}`,
    data: {
      segment,
      person,
      at: isoTime(at),
      reason,
      evidence,
      version,
      ...(supersedes === null ? {} : { supersedes }),
    },
  };
}

const Options = Type.Object({}, { additionalProperties: false });

const NO_SEGMENTS: SegmentFile = { version: 1, timeZone: "UTC", matchers: [], segments: [] };

export const segmentSpec: OperatorSpec = {
  name: NAME,
  flow: "shopper",
  summary: "Who is in which segment, to the millisecond, by events and by the clock.",
  from: ["session"],
  options: Options,
  make: (_options, job) =>
    segmentOperator((job.files["segments"] as SegmentFile | undefined) ?? NO_SEGMENTS, job.maxAge),
};
