import Type from "typebox";
import type { When } from "../../src/config/condition-ast.ts";
import { CONFIG, perGeneration, sinceOf } from "../../src/config/generation.ts";
import type { SegmentFile } from "../../src/config/segment-ast.ts";
import type { Tag, TagFile } from "../../src/config/tags.ts";
import {
  type Context,
  type Facts,
  FORGET,
  type Forget,
  type Message,
  type Operator,
} from "../../src/flow/operator.ts";
import type { JobSettings, OperatorSpec } from "../../src/flow/spec.ts";
import { type EventTime, isoTime, MAX_TIME, MIN_TIME } from "../../src/time/event-time.ts";
import { EXPLAINED_DEFS, ExplainedSegments } from "./condition/explained-schema.ts";
import type { LevelLeaf } from "./condition/leaf.ts";
import { TAGS } from "./profile-parts.ts";
import { type Definition, definitionsOf } from "./segment-definition.ts";
import {
  copySegmentState,
  newSegmentState,
  type SegmentInput,
  SegmentJudge,
  type SegmentState,
} from "./segment-judge.ts";
import type { EventEvidence, SegmentSignal, StandingOf } from "./signals.ts";

const NAME = "tags";
const CONSENT = "privacy.consent";
const DELETION = "privacy.request.tagdelete";
/** Reason and timer of tags that end because the person had them deleted. */
const DELETED = "deleted";

/** A tag came on or went off, or what was said of it is corrected. */
export interface TagSignal extends StandingOf {
  readonly topic: "tag";
  readonly reason: string;
  readonly evidence: readonly EventEvidence[];
  /** The sum of the fading scores of the tag's condition; null when it has none. */
  readonly score: number | null;
  /** Touchpoints that the scores came from, in order of name. */
  readonly sources: readonly string[];
  readonly version: string;
  readonly supersedes: string | null;
}

interface TagState extends SegmentState {
  /** Of tags that the person has had deleted: when they may be had again. */
  deleted?: Record<string, EventTime>;
}

/**
 * Which tags each person has. A tag is a condition of the segment language together with consent to
 * its purpose, judged as segments are: to the millisecond, by events and by the clock, late events anew.
 */
function tagsOperator(
  file: TagFile,
  job: Pick<JobSettings, "maxAge" | "consent" | "generations">,
): Operator<SegmentInput, TagSignal, TagState> {
  const inForce = perGeneration(job.generations, (generation) => {
    const judged = judgedFile(generation?.files.tags ?? file, job.consent === "denied");
    return {
      judge: new SegmentJudge(judged, job.maxAge, NAME, sinceOf(generation, "tags")),
      definitions: new Map(definitionsOf(judged).map((one) => [one.segment.id, one])),
    };
  });
  const judgeAt = (facts: Facts) => inForce(facts).judge;
  const asTags = (state: TagState, ctx: Context<TagSignal>) => ({
    key: ctx.key,
    now: ctx.now,
    cause: ctx.cause,
    facts: ctx.facts,
    mayBeFrom: (tag: string) => mayHaveFrom(tag, state, ctx),
    note: (what: () => unknown) => ctx.note(what),
    emit: (signal: SegmentSignal) =>
      ctx.emit(tagOf(signal, inForce(ctx.facts).definitions.get(signal.segment), state)),
    setTimer: (name: string, at: SegmentState["wake"]) => ctx.setTimer(name, at),
    clearTimer: (name: string) => ctx.clearTimer(name),
  });
  const endDeleted = (state: TagState, ctx: Context<TagSignal>): void => {
    const { definitions, judge } = inForce(ctx.facts);
    for (const tag of definitions.keys()) {
      if (mayHaveFrom(tag, state, ctx) === MAX_TIME)
        judge.end(tag, state, asTags(state, ctx), DELETED);
    }
  };
  const unlessDeleted = (state: TagState, next: TagState | Forget): TagState | Forget =>
    next === FORGET && state.deleted !== undefined ? state : next;
  return {
    name: NAME,
    version: 1,
    order: "arrival",
    purpose: "profiling",
    wakes: CONFIG,
    key: (signal, facts) =>
      judgeAt(facts).concerns(signal, facts) || isDeletion(signal) ? signal.person : undefined,
    init: newSegmentState,
    copy: copySegmentState,
    onEvent(signal, state, ctx) {
      if (isDeletion(signal)) endDeleted(state, ctx);
      return unlessDeleted(state, judgeAt(ctx.facts).take(signal, state, asTags(state, ctx)));
    },
    onTimer({ name }, state, ctx) {
      const judge = judgeAt(ctx.facts);
      if (name === CONFIG) return unlessDeleted(state, judge.revisit(state, asTags(state, ctx)));
      if (name === DELETED) endDeleted(state, ctx);
      return unlessDeleted(state, judge.wake(state, asTags(state, ctx)));
    },
    merge(into, from, ctx) {
      // What the other one has had deleted is known once all have joined.
      ctx.setTimer(DELETED, ctx.now);
      if (from.deleted !== undefined) into.deleted = { ...from.deleted, ...into.deleted };
      return unlessDeleted(into, judgeAt(ctx.facts).join(into, from, asTags(into, ctx)));
    },
    forgotten: (state, ctx) => judgeAt(ctx.facts).leaveAll(state, asTags(state, ctx)),
    publish: messageOf,
    profile: (state, { at, facts }) => ({
      tags: judgeAt(facts)
        .memberships(state, at)
        .map(({ segment: tag, since }) => ({
          tag,
          ...(since === undefined ? {} : { since }),
          by: NAME,
        })),
    }),
    explain: (state, { at, facts }) => ({ tags: judgeAt(facts).explain(state, at) }),
  };
}

/** Never while the person has it deleted; from when that was first seen to be over, once it is. */
function mayHaveFrom(tag: string, state: TagState, ctx: Context<TagSignal>): EventTime {
  if (!ctx.permits(`tag.${tag}`)) {
    if (state.deleted?.[tag] !== MAX_TIME) state.deleted = { ...state.deleted, [tag]: MAX_TIME };
  } else if (state.deleted?.[tag] === MAX_TIME)
    state.deleted = { ...state.deleted, [tag]: ctx.now };
  return state.deleted?.[tag] ?? MIN_TIME;
}

const isDeletion = (signal: SegmentInput): boolean =>
  signal.kind === "step" && signal.event.type === DELETION;

/** The one place that says what consent a tag asks for. */
const permitted = ({ isExplicit, granted, refused }: Tag, mustSay: boolean): When =>
  isExplicit || mustSay ? granted : { op: "not", of: refused };

const judgedFile = ({ timeZone, matchers, tags }: TagFile, mustSay: boolean): SegmentFile => ({
  version: 1,
  timeZone,
  matchers,
  segments: tags.map((tag) => ({
    id: tag.id,
    title: tag.title,
    goal: undefined,
    when: { op: "all", of: [tag.when, permitted(tag, mustSay)] },
    leave: null,
    hash: tag.hash,
  })),
});

function tagOf(
  signal: SegmentSignal,
  definition: Definition | undefined,
  { histories }: SegmentState,
): TagSignal {
  const { person, segment, member, at, reason, evidence, version, supersedes, insteadOf } = signal;
  const scored = (definition?.when.leaves ?? []).filter(({ leaf }) => leaf.score !== undefined);
  const of = <T>(ask: (leaf: LevelLeaf) => T) => [
    ...new Map(scored.map(({ leaf }) => [leaf.key, ask(leaf)])).values(),
  ];
  const scores = of((leaf) => leaf.score?.(histories[leaf.key], at) ?? 0);
  const sources = of((leaf) => leaf.sources?.(histories[leaf.key], at) ?? []).flat();
  return {
    kind: "standing",
    person,
    topic: "tag",
    value: segment,
    on: member,
    at,
    insteadOf,
    reason,
    evidence: evidence.filter(({ event }) => event !== CONSENT || !member),
    score: scores.length === 0 ? null : Math.max(...scores),
    sources: [...new Set(sources)].sort(),
    version,
    supersedes,
  };
}

const messageOf = (signal: TagSignal): Message | undefined => {
  // The receipt's own message says so, of whoever's tag it is.
  if (signal.reason === DELETED) return undefined;
  const { person, value: tag, on, at, reason, evidence, score, sources, version } = signal;
  const corrects = signal.supersedes === null ? {} : { supersedes: signal.supersedes };
  return {
    subject: `tag.${tag}.${on ? "on" : "off"}`,
    data: {
      tag,
      person,
      at: isoTime(at),
      reason,
      evidence,
      score,
      sources,
      version,
      ...corrects,
    },
  };
};

const NO_TAGS: TagFile = { version: 1, timeZone: "UTC", matchers: [], tags: [] };

export const tagsSpec: OperatorSpec = {
  name: NAME,
  flow: "shopper",
  summary:
    "Which tags of tags.yaml each person has, to the millisecond, with consent to their purpose.",
  from: ["session", "intent", "lifecycle", "scene"],
  tells: ["tag"],
  alsoFrom: ["journal"],
  options: Type.Object({}, { additionalProperties: false }),
  profile: { tags: TAGS },
  explainsBy: EXPLAINED_DEFS,
  explains: { tags: ExplainedSegments },
  make: (_options, job) => tagsOperator((job.files["tags"] as TagFile | undefined) ?? NO_TAGS, job),
};
