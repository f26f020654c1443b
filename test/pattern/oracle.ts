import { isNot, type Letter, type LetterPattern, type LetterStage } from "./letters.ts";

/** One event of a match: index in the stream, index of its stage. */
interface Pick {
  readonly index: number;
  readonly stage: number;
}
export interface Expected {
  readonly start: number;
  /** Index of the event that completed it; past the end of the stream when time did. */
  readonly end: number;
  /** `s0:1,3 s1:4` */
  readonly key: string;
}

/**
 * Every match of a stream, found by trying every way to assign its events to the stages and asking
 * of each what the pattern says: no automaton, no state, no order of work.
 */
export function allMatches(of: LetterPattern, stream: readonly Letter[]): Expected[] {
  const found: Expected[] = [];
  for (const picks of allPicks(of, stream)) {
    const end = completedAt(of.stages, of.within, stream, picks);
    if (end === undefined) continue;
    found.push({ start: picks[0]?.index ?? -1, end, key: keyOf(of.stages, picks) });
  }
  return found;
}

/**
 * `time s0:1,3` of everything begun that could still have taken one more event, had a fitting one
 * come in the last moment of its time. For patterns with `within`, without limits between steps, that
 * do not end by forbidding something.
 */
export function allTimeouts(
  { stages, within }: LetterPattern,
  stream: readonly Letter[],
): string[] {
  const told: string[] = [];
  for (const picks of allPicks({ stages, within }, stream)) {
    const due = (stream[picks[0]?.index ?? 0]?.at ?? 0) + (within ?? 0);
    const seen = stream.filter(({ at }) => at < due);
    const wish = { id: -1, letter: "!", at: due - 1 };
    const open = stages.some((wished, stage) => {
      if (isNot(wished)) return false;
      const wishing = stages.map((one, i) =>
        i === stage ? { ...one, fits: `${one.fits}!` } : one,
      );
      return mayFollow(wishing, [...seen, wish], picks, { index: seen.length, stage });
    });
    if (open) told.push(`${due} ${keyOf(stages, picks)}`);
  }
  return told;
}

/** Every way to assign events to stages that the pattern allows so far. */
function allPicks({ stages, within }: LetterPattern, stream: readonly Letter[]): Pick[][] {
  const all: Pick[][] = [];
  const grow = (picks: readonly Pick[]) => {
    const from = (picks.at(-1)?.index ?? -1) + 1;
    for (let index = from; index < stream.length; index++) {
      for (const [stage, spec] of stages.entries()) {
        const picked = [...picks, { index, stage }];
        const letter = stream[index]?.letter ?? "";
        if (isNot(spec) || !spec.fits.includes(letter) || spec.until.includes(letter)) continue;
        if (mayFollow(stages, stream, picks, { index, stage }) && inTime(within, stream, picked)) {
          all.push(picked);
          grow(picked);
        }
      }
    }
  };
  grow([]);
  return all;
}

function keyOf(stages: readonly LetterStage[], picks: readonly Pick[]): string {
  return stages
    .map(({ name }, stage) => ({ name, of: picks.filter((pick) => pick.stage === stage) }))
    .filter(({ of }) => of.length > 0)
    .map(({ name, of }) => `${name}:${of.map((pick) => pick.index).join(",")}`)
    .join(" ");
}

function inTime(within: number | null, stream: readonly Letter[], picks: readonly Pick[]): boolean {
  const first = stream[picks[0]?.index ?? 0]?.at ?? 0;
  const last = stream[picks.at(-1)?.index ?? 0]?.at ?? 0;
  return within === null || last - first < within;
}

/** Whether an event may come after those picked, for its stage and all that lies between. */
function mayFollow(
  stages: readonly LetterStage[],
  stream: readonly Letter[],
  picks: readonly Pick[],
  next: Pick,
): boolean {
  const last = picks.at(-1);
  const spec = stages[next.stage];
  if (spec === undefined) return false;
  const greedy = stages.findLast((stage, i) => i < next.stage && !isNot(stage));
  if (last === undefined) {
    const begins = stages.slice(0, next.stage).every((stage) => stage.optional);
    return begins && !isHeld(greedy, stream.slice(next.index, next.index + 1));
  }
  if (next.stage < last.stage || !inGap(spec, stream[last.index], stream[next.index])) return false;
  const taken = picks.filter((pick) => pick.stage === last.stage).length;
  const from = stages[last.stage];
  if (from === undefined) return false;
  const gap = stream.slice(last.index + 1, next.index);
  if (next.stage === last.stage) {
    if (from.max !== null && taken >= from.max) return false;
    const not = stages[last.stage + 1];
    const left = taken >= from.min;
    return insideLoop(from, gap) && (not === undefined || loopRespects(not, gap, left));
  }
  if (taken < from.min) return false;
  if (isHeld(greedy, stream.slice(last.index + 1, next.index + 1))) return false;
  const between = stages.slice(last.stage + 1, next.stage);
  if (!between.every((stage) => stage.optional || isNot(stage))) return false;
  if (!between.every((stage) => respects(stage, gap))) return false;
  if (spec.contiguity === "next") return gap.length === 0;
  return spec.contiguity === "followedByAny" || !gap.some((event) => fits(spec, event));
}

const fits = (stage: LetterStage, event: Letter | undefined): boolean =>
  event !== undefined && stage.fits.includes(event.letter);

/** A greedy stage leaves the one behind it no event that it could take itself. */
const isHeld = (greedy: LetterStage | undefined, gap: readonly Letter[]): boolean =>
  greedy?.greedy === true && gap.some((event) => fits(greedy, event));

function inGap({ gap }: LetterStage, last: Letter | undefined, next: Letter | undefined): boolean {
  return gap === null || (next?.at ?? 0) - (last?.at ?? 0) < gap;
}

function insideLoop(stage: LetterStage, gap: readonly Letter[]): boolean {
  if (gap.some(({ letter }) => stage.until.includes(letter))) return false;
  if (stage.inner === "consecutive") return gap.length === 0;
  return stage.inner === "combinations" || !gap.some((event) => fits(stage, event));
}

/** Forbidden events on the way from one stage to a later one. */
function respects(stage: LetterStage, gap: readonly Letter[]): boolean {
  if (stage.contiguity === "notNext") return !fits(stage, gap[0]);
  return stage.contiguity !== "notFollowedBy" || !gap.some((event) => fits(stage, event));
}

/** What is forbidden after a loop also ends it while it waits for its next event. */
function loopRespects(stage: LetterStage, gap: readonly Letter[], mayLeave: boolean): boolean {
  if (stage.contiguity === "notNext") return !mayLeave || !fits(stage, gap[0]);
  return respects(stage, gap);
}

/** Index of the event that completes what was picked; undefined when it is no match. */
function completedAt(
  stages: readonly LetterStage[],
  within: number | null,
  stream: readonly Letter[],
  picks: readonly Pick[],
): number | undefined {
  const last = picks.at(-1);
  if (last === undefined) return undefined;
  const spec = stages[last.stage];
  const taken = picks.filter((pick) => pick.stage === last.stage).length;
  if (spec === undefined || taken < spec.min) return undefined;
  const rest = stages.slice(last.stage + 1);
  const end = rest.at(-1);
  if (end === undefined || !isNot(end)) {
    return rest.every((stage) => stage.optional) ? last.index : undefined;
  }
  if (rest.length > 1) return undefined;
  const first = stream[picks[0]?.index ?? 0]?.at ?? 0;
  const after = stream.slice(last.index + 1);
  const inside = after.filter(
    (event) =>
      (within === null || event.at - first < within) && inGap(end, stream[last.index], event),
  );
  if (end.contiguity === "notFollowedBy") {
    const broken = inside.some((event) => fits(end, event)) || isHeld(spec, inside);
    return broken ? undefined : stream.length;
  }
  const next = inside.slice(0, 1);
  const goesOn = next.some((event) => !fits(end, event)) && !isHeld(spec, next);
  return goesOn ? last.index + 1 : undefined;
}
