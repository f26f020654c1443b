import type { EventTime } from "../../src/time/event-time.ts";
import type { Definition, Matches } from "./segment-definition.ts";

/** From `at` on the person is a member, or is not. */
export interface Turn {
  readonly at: EventTime;
  readonly member: boolean;
}

/** A turn that was told, with the id of its message. */
export type ToldTurn = [EventTime, boolean, string];

/** What was told of one segment: turns that may still be corrected, and how it stood before them. */
export interface Told {
  base: boolean;
  log: ToldTurn[];
}

/** The turns in `[from, to]` of one who is `before` a member or not just before `from`. */
export function turnsBetween(
  definition: Definition,
  matches: Matches,
  from: EventTime,
  to: EventTime,
  before: boolean,
): Turn[] {
  const turns: Turn[] = [];
  let member = before;
  for (const at of turningPoints(definition, matches, from, to)) {
    const now = definition.isTrue(matches, at);
    if (now === member) continue;
    member = now;
    turns.push({ at, member });
  }
  return turns;
}

/** The first turn after `from` if nothing more happens; undefined when there is none. */
export function nextTurn(
  definition: Definition,
  matches: Matches,
  from: EventTime,
  member: boolean,
): EventTime | undefined {
  const after = (from + 1) as EventTime;
  return turningPoints(definition, matches, after, Number.MAX_SAFE_INTEGER as EventTime).find(
    (at) => definition.isTrue(matches, at) !== member,
  );
}

/** Times at which a match comes or goes: nothing can change between them. Ascending. */
function turningPoints(
  definition: Definition,
  matches: Matches,
  from: EventTime,
  to: EventTime,
): EventTime[] {
  const points = new Set<EventTime>();
  for (const leaf of definition.leaves) {
    for (const [at] of matches[leaf.key] ?? []) {
      if (at > to) continue;
      const gone = (at + leaf.condition.within + 1) as EventTime;
      if (at >= from) points.add(at);
      if (gone >= from && gone <= to) points.add(gone);
    }
  }
  return [...points].sort((a, b) => a - b);
}

/** A message to send: a turn, and the id of the message it takes the place of. */
export interface Telling extends Turn {
  readonly supersedes: string | null;
  /** It takes back what never was; it is no turn itself. */
  readonly undoes: boolean;
}

/**
 * What must be said so that the told turns from index `first` on become `turns`. What was told
 * rightly up to the first difference stands. From there each turn takes the place of the one told in
 * its stead; turns too many are taken back, the last one first. So whoever goes by the last message
 * of a person and segment is right.
 */
export function corrections(told: readonly ToldTurn[], turns: readonly Turn[]): Telling[] {
  let same = 0;
  while (same < turns.length && same < told.length && isSame(told[same], turns[same])) same += 1;
  const wrong = told.slice(same);
  const right = turns.slice(same);
  const tellings: Telling[] = right.map((turn, i) => ({
    ...turn,
    supersedes: wrong[i]?.[2] ?? null,
    undoes: false,
  }));
  for (const [at, member, ref] of wrong.slice(right.length).reverse()) {
    tellings.push({ at, member: !member, supersedes: ref, undoes: true });
  }
  return tellings;
}

const isSame = (told: ToldTurn | undefined, turn: Turn | undefined): boolean =>
  told !== undefined && told[0] === turn?.at && told[1] === turn.member;
