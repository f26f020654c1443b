import Type from "typebox";
import type { SegmentFile } from "../../src/config/segment-ast.ts";
import type { Operator } from "../../src/flow/operator.ts";
import type { OperatorSpec } from "../../src/flow/spec.ts";
import { isoTime, type Millis } from "../../src/time/event-time.ts";
import { EXPLAINED_DEFS, ExplainedSegments } from "./condition/explained-schema.ts";
import { newSegmentState, SEGMENT, SegmentJudge, type SegmentState } from "./segment-judge.ts";
import type { SegmentSignal, SessionSignal, StandingSignal } from "./signals.ts";

/**
 * Keeps each person's place in the segments of the file, to the millisecond: entered and left on
 * events and by the clock alone. An event that comes late, but not by more than `maxAge`, judges
 * anew what was told since its time; what turns out wrong is corrected by messages that say which
 * one they supersede. A person is judged from the first event that is seen of them.
 */
export function segmentOperator(
  file: SegmentFile,
  maxAge: Millis,
): Operator<SessionSignal | StandingSignal, SegmentSignal, SegmentState> {
  const judge = new SegmentJudge(file, maxAge);
  return {
    name: SEGMENT,
    version: 2,
    order: "arrival",
    purpose: "profiling",
    key: (signal) => (judge.concerns(signal) ? signal.person : undefined),
    init: newSegmentState,
    onEvent: (signal, state, ctx) => judge.take(signal, state, ctx),
    onTimer: (_timer, state, ctx) => judge.wake(state, ctx),
    merge: (into, from, ctx) => judge.join(into, from, ctx),
    forgotten: (state, ctx) => judge.leaveAll(state, ctx),
    publish: messageOf,
    profile: (state, { at }) => ({ segments: judge.memberships(state, at) }),
    explain: (state, { at }) => ({ segments: judge.explain(state, at) }),
  };
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
  name: SEGMENT,
  flow: "shopper",
  summary: "Who is in which segment, to the millisecond, by events and by the clock.",
  from: ["session", "intent", "rank_standing", "lifecycle", "scene", "tags", "spending_tier"],
  tells: ["segment"],
  options: Options,
  profile: {
    segments: Type.Array(
      Type.Object({
        segment: Type.String(),
        since: Type.Optional(Type.String({ format: "date-time" })),
        version: Type.String(),
      }),
      { description: "Segments that the person is in." },
    ),
  },
  explainsBy: EXPLAINED_DEFS,
  explains: { segments: ExplainedSegments },
  make: (_options, job) =>
    segmentOperator((job.files["segments"] as SegmentFile | undefined) ?? NO_SEGMENTS, job.maxAge),
};
