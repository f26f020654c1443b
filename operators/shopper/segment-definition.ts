import type { Segment, SegmentFile } from "../../src/config/segment-ast.ts";
import type { EventTime } from "../../src/time/event-time.ts";
import { type CompiledWhen, compileWhen } from "./condition/compile-when.ts";
import {
  type ExplainedWhen,
  type Moment,
  shownEvents,
  standsAt,
  textOfMatcher,
} from "./condition/explained.ts";
import type { Histories, LevelLeaf } from "./condition/leaf.ts";
import { joined, type Timeline } from "./condition/timeline.ts";
import { countLevel } from "./condition/window-leaf.ts";
import { latched } from "./segment-latch.ts";
import { standing, type Told, toldTimeline } from "./segment-told.ts";

/** What a definition is judged by. */
export interface Judged {
  /** When the person was first seen: nobody is a member before. */
  readonly since: EventTime;
  readonly histories: Histories;
  /** By segment; of those named by `in`, told up to now. */
  readonly told: Readonly<Record<string, Told>>;
}

export interface Definition {
  readonly segment: Segment;
  readonly when: CompiledWhen;
  /** Those of `when`, and that of `leave`. */
  readonly leaves: readonly LevelLeaf[];
  /** Those of the leaves of which more events can only make it false: windows it must be empty of. */
  readonly against: readonly LevelLeaf[];
  /** Segments that its `in` names. */
  readonly within: readonly string[];
  /** Whether one who did nothing it asks for satisfies it. */
  readonly whenEmpty: boolean;
  /** Membership from `from` on, as far as is known, if nothing more comes. */
  timeline(judged: Judged, told: Told, from: EventTime): Timeline;
  /** How its pieces stand at a moment. */
  explain(judged: Judged, moment: Moment): ExplainedDefinition;
}

export interface ExplainedDefinition {
  readonly when: ExplainedWhen;
  /** What keeps a member in for a while, whatever `when` says. */
  readonly leave?: ExplainedWhen;
}

export const definitionsOf = (file: SegmentFile): Definition[] => file.segments.map(definitionOf);

function definitionOf(segment: Segment): Definition {
  const within: string[] = [];
  // Histories alone do not say who is a member of another segment: it is lent for one judgement.
  let lent: Judged["told"] = {};
  const when = compileWhen(segment.when, (id) => {
    within.push(id);
    return (_histories, from) => toldTimeline(lent[id], from);
  });
  const whenEmpty = when.timeline({}, 0 as EventTime).before;
  const { leave } = segment;
  const unless: LevelLeaf | null =
    leave === null ? null : countLevel({ op: "none", of: leave.unless, within: leave.after });
  const leaves = when.leaves.map(({ leaf }) => leaf);
  return {
    segment,
    when,
    leaves: unless === null ? leaves : [...leaves, unless],
    against: againstOf(when, leave !== null),
    within,
    whenEmpty,
    timeline({ since, histories, told: all }, told, from) {
      lent = all;
      const plain = when.timeline(histories, from);
      const level = whenEmpty ? joined("all", [plain, known(since, from)]) : plain;
      if (leave === null || unless === null) return level;
      const active = unless.timeline(histories[unless.key], from);
      return latched(level, active, leave.after, standing(told, from));
    },
    explain({ histories, told: all }, moment) {
      lent = all;
      const explained = when.explain(histories, moment);
      if (leave === null || unless === null) return { when: explained };
      const history = histories[unless.key];
      return {
        when: explained,
        leave: {
          op: "unless",
          ...standsAt(unless.timeline(history, moment.from), moment),
          what: textOfMatcher(leave.unless),
          within_ms: leave.after,
          evidence: shownEvents(unless.evidence(history, moment.at)),
        },
      };
    },
  };
}

/** True from the time on at which the person was first seen. */
const known = (since: EventTime, from: EventTime): Timeline =>
  since < from ? { before: true, turns: [] } : { before: false, turns: [since] };

/** With `leave` there are none: what is false for a while and true again lets people in again. */
function againstOf({ leaves }: CompiledWhen, hasLeave: boolean): LevelLeaf[] {
  if (hasLeave) return [];
  const others = leaves.filter(({ speaksFor, name }) => speaksFor || !isMonotone(name));
  const keys = new Set(others.map(({ leaf }) => leaf.key));
  return leaves.filter(({ leaf }) => !keys.has(leaf.key)).map(({ leaf }) => leaf);
}

/** Whether more events never make such a level false. */
const isMonotone = (name: string): boolean => name === "count" || name === "none";
