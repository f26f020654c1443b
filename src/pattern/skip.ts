import type { Link } from "./shared-buffer.ts";
import type { Skip, StageSpec } from "./spec.ts";

/** Says of another match, partial or complete, by the number of its first event, whether it falls. */
export type Falls = (startSeq: number) => boolean;

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
  const first = links.at(0)?.seq;
  const last = links.at(-1)?.seq;
  if (skip.strategy === "noSkip" || first === undefined || last === undefined) return null;
  if (skip.strategy === "skipToNext") return (startSeq) => startSeq <= first;
  if (skip.strategy === "skipPastLastEvent") return (startSeq) => startSeq <= last;
  if (!("stage" in skip)) return null;
  const { stage, strategy, throwOnMissing } = skip;
  const index = stages.findIndex(({ name }) => name === stage);
  const taken = links.filter((link) => link.stage === index);
  const target = (strategy === "skipToFirst" ? taken.at(0) : taken.at(-1))?.seq;
  if (target === undefined) {
    if (throwOnMissing) throw new SkipError(`the match holds no event of "${stage}" to skip to`);
    return null;
  }
  if (throwOnMissing && target === first) {
    throw new SkipError(`skipping to "${stage}" would begin the same match again`);
  }
  return (startSeq) => startSeq < target;
}
