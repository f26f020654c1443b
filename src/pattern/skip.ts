import { comparePositions, type Position, type Run, startOf } from "./runs.ts";
import type { Link } from "./shared-buffer.ts";
import type { Skip, StageSpec } from "./spec.ts";

/** Says of other matches, partial or complete, whether they fall to a match just told. */
export type Falls = (other: Run) => boolean;

/** The match that a skip strategy refuses: `throwOnMissing`. */
export class SkipError extends Error {
  override readonly name = "SkipError";
}

/** What falls when a match of these events has been told; null when nothing does. */
export function afterMatch<E>(
  skip: Skip,
  links: readonly Link<E>[],
  stages: readonly StageSpec<E>[],
): Falls | null {
  const first = extreme(links, -1);
  const last = extreme(links, 1);
  if (skip.strategy === "noSkip" || first === undefined || last === undefined) return null;
  if (skip.strategy === "skipToNext") {
    return (other) => comparePositions(startOf(other), first) <= 0;
  }
  if (skip.strategy === "skipPastLastEvent") {
    return (other) => comparePositions(startOf(other), last) <= 0;
  }
  if (!("stage" in skip)) return null;
  const { stage, strategy, throwOnMissing } = skip;
  const index = stages.findIndex(({ name }) => name === stage);
  const taken = links.filter((link) => link.stage === index);
  const target = strategy === "skipToFirst" ? taken.at(0) : taken.at(-1);
  if (target === undefined) {
    if (throwOnMissing) throw new SkipError(`the match holds no event of "${stage}" to skip to`);
    return null;
  }
  if (throwOnMissing && comparePositions(target, first) === 0) {
    throw new SkipError(`skipping to "${stage}" would begin the same match again`);
  }
  return (other) => comparePositions(startOf(other), target) < 0;
}

/** The latest event by (time, arrival) with `sign` 1, the earliest with -1. */
function extreme<E>(links: readonly Link<E>[], sign: number): Position | undefined {
  let best: Position | undefined;
  for (const link of links) {
    if (best === undefined || comparePositions(link, best) * sign > 0) best = link;
  }
  return best;
}
