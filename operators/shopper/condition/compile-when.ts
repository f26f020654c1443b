import type { When } from "../../../src/config/condition-ast.ts";
import type { EventTime } from "../../../src/time/event-time.ts";
import { decayLevel } from "./decay.ts";
import {
  type ExplainedWhen,
  type Moment,
  shownEvents,
  standsAt,
  textOfMatcher,
} from "./explained.ts";
import type { BoundValues, Histories, LevelLeaf, Seen } from "./leaf.ts";
import { standingLevel } from "./machine-leaf.ts";
import { ownsLevel } from "./owns.ts";
import { rankKey } from "./rank.ts";
import { runLevel } from "./run.ts";
import { sumPerLatest } from "./sum.ts";
import { joined, negated, type Timeline } from "./timeline.ts";
import { countLevel, sumInWindow } from "./window-leaf.ts";

/** A level condition as closures over histories. */
export interface CompiledWhen {
  /** In the order of the definition. */
  readonly leaves: readonly PlacedLeaf[];
  timeline(histories: Histories, from: EventTime): Timeline;
  /** How it and its parts stand at a moment. */
  explain(histories: Histories, moment: Moment): ExplainedWhen;
}

type Level = Omit<CompiledWhen, "leaves">;

/** A leaf in a definition. */
export interface PlacedLeaf {
  readonly leaf: LevelLeaf;
  /** What it is called as a reason: `count`, `sum`, `run`, `decay`, `owns`, `intent` … */
  readonly name: string;
  /** Whether its being true speaks for the whole. */
  readonly speaksFor: boolean;
}

/** `members`: answers `in` itself; without it, `in` is a leaf that is told of entries and exits. */
export function compileWhen(
  when: When,
  members?: (segment: string) => (histories: Histories, from: EventTime) => Timeline,
): CompiledWhen {
  const leaves: PlacedLeaf[] = [];
  const compiled = (part: When, speaksFor: boolean): Level => {
    switch (part.op) {
      case "all":
      case "any":
        return joinedLevel(
          part.op,
          part.of.map((of) => compiled(of, speaksFor)),
        );
      case "not":
        return negatedLevel(compiled(part.of, !speaksFor));
      case "standing":
        if (part.topic === "segment" && members !== undefined)
          return memberLevel(part.value, members(part.value));
        break;
      default:
    }
    const isNone = part.op === "none";
    const leaf = leafOf(part);
    const name = part.op === "standing" ? part.topic : part.op;
    leaves.push({ leaf, name, speaksFor: speaksFor !== isNone });
    return leafLevel(name, leaf, isNone);
  };
  return { leaves, ...compiled(when, true) };
}

function joinedLevel(op: "all" | "any", parts: readonly Level[]): Level {
  const timeline = (histories: Histories, from: EventTime) => {
    const timelines: Timeline[] = [];
    for (const part of parts) {
      const one = part.timeline(histories, from);
      // One of all that is never true, or one of any that always is, says it for the others.
      if (one.turns.length === 0 && one.before === (op === "any")) return one;
      timelines.push(one);
    }
    return joined(op, timelines);
  };
  return {
    timeline,
    explain: (histories, moment) => ({
      op,
      ...standsAt(timeline(histories, moment.from), moment),
      of: parts.map((part) => part.explain(histories, moment)),
    }),
  };
}

function negatedLevel(of: Level): Level {
  const timeline = (histories: Histories, from: EventTime) => negated(of.timeline(histories, from));
  return {
    timeline,
    explain: (histories, moment) => ({
      op: "not",
      ...standsAt(timeline(histories, moment.from), moment),
      of: [of.explain(histories, moment)],
    }),
  };
}

const memberLevel = (segment: string, timeline: Level["timeline"]): Level => ({
  timeline,
  explain: (histories, moment) => ({
    op: "segment",
    ...standsAt(timeline(histories, moment.from), moment),
    topic: "segment",
    value: segment,
  }),
});

/** `isNone`: true while the leaf is not. */
function leafLevel(name: string, leaf: LevelLeaf, isNone: boolean): Level {
  const timeline = (histories: Histories, from: EventTime) => {
    const own = leaf.timeline(histories[leaf.key], from);
    return isNone ? negated(own) : own;
  };
  return {
    timeline,
    explain(histories, moment) {
      const history = histories[leaf.key];
      const evidence = leaf.evidence(history, moment.at);
      return {
        op: name,
        ...standsAt(timeline(histories, moment.from), moment),
        ...leaf.reading(history, moment.at),
        ...(evidence.length === 0 ? {} : { evidence: shownEvents(evidence) }),
      };
    },
  };
}

function leafOf(when: Exclude<When, { op: "all" | "any" | "not" }>): LevelLeaf {
  switch (when.op) {
    case "count":
    case "none":
      return countLevel(when);
    case "sum": {
      const { per, within } = when;
      if (per !== null) return sumPerLatest({ ...when, per });
      if (within !== null) return sumInWindow({ ...when, within });
      throw new RangeError("a sum has a window or is per latest");
    }
    case "run":
      return runLevel(when);
    case "decay":
      return decayLevel(when);
    case "owns":
      return ownsLevel(when);
    case "rank":
      return {
        ...standingLevel({ topic: "rank", value: rankKey(when) }),
        reading: () => ({
          what: when.add.map(({ of }) => textOfMatcher(of)).join("; "),
          topic: "rank",
          value: `among the top ${when.top} of ${when.per}`,
        }),
      };
    case "standing":
      return standingLevel({ topic: when.topic, value: when.value });
  }
}

/** What made a condition true at `at`: events of the leaves that speak for it, oldest first, each once. */
export function evidenceOf(
  { leaves }: CompiledWhen,
  histories: Histories,
  at: EventTime,
): readonly Seen[] {
  const seen = new Map<string, Seen>();
  for (const { leaf, speaksFor } of leaves) {
    if (!speaksFor) continue;
    for (const event of leaf.evidence(histories[leaf.key], at)) seen.set(event[1], event);
  }
  return [...seen.values()].sort((a, b) => a[0] - b[0]);
}

/** Events of the very millisecond, of the leaves that are chosen. */
export const happenedAt = (
  leaves: readonly PlacedLeaf[],
  histories: Histories,
  at: EventTime,
): readonly Seen[] => leaves.flatMap(({ leaf }) => leaf.happened(histories[leaf.key], at));

/** What rules may say of what a condition follows: `$intent.sku`. */
export function boundBy(
  { leaves }: CompiledWhen,
  histories: Histories,
  at: EventTime,
): Readonly<Record<string, BoundValues>> {
  const bound: Record<string, BoundValues> = {};
  for (const { leaf, name } of leaves) {
    const values = leaf.bound?.(histories[leaf.key], at);
    if (values !== undefined && values !== null) bound[name] = values;
  }
  return bound;
}
