import type { Trigger, When } from "../../../src/config/condition-ast.ts";
import { withFields } from "../../../src/flow/with-fields.ts";
import { type EventTime, earliest, isoTime } from "../../../src/time/event-time.ts";
import { absentEdge } from "./absent.ts";
import { afterEdge } from "./after.ts";
import { boundBy, compileWhen, evidenceOf, happenedAt } from "./compile-when.ts";
import { eventEdge } from "./event-edge.ts";
import type { ExplainedTrigger, Moment } from "./explained.ts";
import type { EdgeLeaf, Firing, Histories, Leaf } from "./leaf.ts";
import { scoreEdge } from "./score.ts";
import { sequenceEdge } from "./sequence.ts";
import { truthAt } from "./timeline.ts";

/** An edge condition as closures over histories. */
export interface CompiledTrigger {
  /** What it listens to and remembers. */
  readonly leaves: readonly Leaf[];
  /** What fires in `[from, to]`, oldest first, as far as is known now: late events change it. */
  firings(histories: Histories, from: EventTime, to: EventTime): readonly Firing[];
  /** The first moment after `after` at which it may fire if nothing more comes. */
  next(histories: Histories, after: EventTime): EventTime | undefined;
  /** Whether a firing still stands at `at`: not stopped since, and its levels still true. */
  stands(histories: Histories, firing: Firing, at: EventTime): boolean;
  /** What it waits for at a moment. */
  explain(histories: Histories, moment: Moment): ExplainedTrigger;
}

export function compileTrigger(trigger: Trigger): CompiledTrigger {
  switch (trigger.op) {
    case "event":
      return ofLeaf("event", eventEdge(trigger.of));
    case "absent":
      return ofLeaf("absent", absentEdge(trigger));
    case "sequence":
      return ofLeaf("sequence", sequenceEdge(trigger));
    case "after":
      return ofLeaf("after", afterEdge(trigger));
    case "score":
      return ofLeaf("score", scoreEdge(trigger));
    case "becomes":
      return becomes(trigger.when);
    case "guard":
      return guarded(compileTrigger(trigger.trigger), trigger.when);
    case "any":
      return anyOf(trigger.of.map(compileTrigger));
  }
}

function ofLeaf(op: string, leaf: EdgeLeaf): CompiledTrigger {
  return {
    leaves: [leaf],
    firings: (histories, from, to) => leaf.firings(histories, from, to),
    next: (histories, after) => leaf.next(histories, after),
    stands: (histories, firing, at) => leaf.stands(histories, firing, at),
    explain: (histories, { at }) => ({
      op,
      ...nextAfter(leaf.next(histories, at)),
      ...leaf.reading(histories, at),
    }),
  };
}

const nextAfter = (next: EventTime | undefined) =>
  next === undefined ? {} : { next: isoTime(next) };

/** Fires whenever the level comes true. */
function becomes(when: When): CompiledTrigger {
  const level = compileWhen(when);
  const next = (histories: Histories, after: EventTime) => {
    const { before, turns } = level.timeline(histories, (after + 1) as EventTime);
    return before ? turns[1] : turns[0];
  };
  return {
    leaves: level.leaves.map(({ leaf }) => leaf),
    firings(histories, from, to) {
      const { before, turns } = level.timeline(histories, from);
      const firings: Firing[] = [];
      turns.forEach((at, i) => {
        if (at > to || before === (i % 2 === 0)) return;
        const came = happenedAt(level.leaves, histories, at);
        firings.push({
          at,
          by: came.length > 0 || isTold(level, histories, at) ? "event" : "clock",
          partition: "",
          trigger: came.at(-1)?.[1] ?? String(at),
          bound: boundBy(level, histories, at),
          evidence: evidenceOf(level, histories, at),
        });
      });
      return firings;
    },
    next,
    stands: (histories, _firing, at) => truthAt(level.timeline(histories, at), at),
    explain: (histories, moment) => ({
      op: "becomes",
      ...nextAfter(next(histories, moment.at)),
      when: level.explain(histories, moment),
    }),
  };
}

/** Whether something that the level follows was told for this very moment. */
const isTold = (
  { leaves }: ReturnType<typeof compileWhen>,
  histories: Histories,
  at: EventTime,
): boolean =>
  leaves.some(
    ({ leaf }) => leaf.follows !== null && leaf.timeline(histories[leaf.key], at).turns[0] === at,
  );

function guarded(trigger: CompiledTrigger, when: When): CompiledTrigger {
  const level = compileWhen(when);
  const isTrue = (histories: Histories, at: EventTime) =>
    truthAt(level.timeline(histories, at), at);
  return {
    leaves: [...trigger.leaves, ...level.leaves.map(({ leaf }) => leaf)],
    firings(histories, from, to) {
      return trigger
        .firings(histories, from, to)
        .filter(({ at }) => isTrue(histories, at))
        .map((firing) => ({
          ...firing,
          bound: withFields(boundBy(level, histories, firing.at), firing.bound),
        }));
    },
    next: trigger.next,
    stands: (histories, firing, at) =>
      isTrue(histories, at) && trigger.stands(histories, firing, at),
    explain: (histories, moment) => ({
      op: "guard",
      of: [trigger.explain(histories, moment)],
      when: level.explain(histories, moment),
    }),
  };
}

function anyOf(triggers: readonly CompiledTrigger[]): CompiledTrigger {
  return {
    leaves: triggers.flatMap(({ leaves }) => leaves),
    firings(histories, from, to) {
      const all = triggers.flatMap((trigger, i) =>
        trigger
          .firings(histories, from, to)
          .map((firing) => ({ ...firing, trigger: `${i}/${firing.trigger}` })),
      );
      return all.sort((a, b) => a.at - b.at);
    },
    next(histories, after) {
      const times = triggers.map((trigger) => trigger.next(histories, after));
      const known = times.filter((at) => at !== undefined);
      return known.length === 0 ? undefined : known.reduce(earliest);
    },
    stands(histories, firing, at) {
      const slash = firing.trigger.indexOf("/");
      const trigger = triggers[Number(firing.trigger.slice(0, slash))];
      const own = { ...firing, trigger: firing.trigger.slice(slash + 1) };
      return trigger?.stands(histories, own, at) ?? false;
    },
    explain: (histories, moment) => ({
      op: "any",
      of: triggers.map((trigger) => trigger.explain(histories, moment)),
    }),
  };
}
