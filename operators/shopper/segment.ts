import Type from "typebox";
import { CONFIG, type Generations, perGeneration, sinceOf } from "../../src/config/generation.ts";
import type { SegmentFile } from "../../src/config/segment-ast.ts";
import type { Operator } from "../../src/flow/operator.ts";
import type { OperatorSpec } from "../../src/flow/spec.ts";
import { isoTime, type Millis } from "../../src/time/event-time.ts";
import { EXPLAINED_DEFS, ExplainedSegments } from "./condition/explained-schema.ts";
import {
  copySegmentState,
  newSegmentState,
  SEGMENT,
  type SegmentInput,
  SegmentJudge,
  type SegmentState,
} from "./segment-judge.ts";
import type { SegmentSignal } from "./signals.ts";

/**
 * Keeps each person's place in the segments of the file, to the millisecond: entered and left on
 * events and by the clock alone. An event that comes late, but not by more than `maxAge`, judges
 * anew what was told since its time; what turns out wrong is corrected by messages that say which
 * one they supersede. A person is judged from the first event that is seen of them. Where the log
 * brings other definitions, those of the place in the log hold.
 */
export function segmentOperator(
  file: SegmentFile,
  maxAge: Millis,
  generations?: Generations,
): Operator<SegmentInput, SegmentSignal, SegmentState> {
  const judgeAt = perGeneration(
    generations,
    (generation) =>
      new SegmentJudge(
        generation?.files.segments ?? file,
        maxAge,
        SEGMENT,
        sinceOf(generation, "segments"),
      ),
  );
  return {
    name: SEGMENT,
    version: 2,
    order: "arrival",
    purpose: "profiling",
    wakes: CONFIG,
    key: (signal, facts) => (judgeAt(facts).concerns(signal, facts) ? signal.person : undefined),
    init: newSegmentState,
    copy: copySegmentState,
    onEvent: (signal, state, ctx) => judgeAt(ctx.facts).take(signal, state, ctx),
    onTimer: (timer, state, ctx) =>
      timer.name === CONFIG
        ? judgeAt(ctx.facts).revisit(state, ctx)
        : judgeAt(ctx.facts).wake(state, ctx),
    merge: (into, from, ctx) => judgeAt(ctx.facts).join(into, from, ctx),
    forgotten: (state, ctx) => judgeAt(ctx.facts).leaveAll(state, ctx),
    publish: messageOf,
    profile: (state, { at, facts }) => ({ segments: judgeAt(facts).memberships(state, at) }),
    explain: (state, { at, facts }) => ({ segments: judgeAt(facts).explain(state, at) }),
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
  alsoFrom: ["journal"],
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
    segmentOperator(
      (job.files["segments"] as SegmentFile | undefined) ?? NO_SEGMENTS,
      job.maxAge,
      job.generations,
    ),
};
