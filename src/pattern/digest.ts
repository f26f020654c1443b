import { fnv1a32 } from "../codec/hash.ts";
import type { PatternSpec } from "./spec.ts";
import { isNot } from "./validate.ts";

/** Of the shape of a matcher's state: raise it whenever that changes. */
const STATE_VERSION = 2;

/** 8 hex digits over the pattern without its conditions, and the version of the state. */
export function digestOf<E>({ stages, within, skip }: PatternSpec<E>): string {
  const shape = stages.map((stage) => [
    stage.name,
    stage.contiguity,
    stage.where !== null,
    isNot(stage) ? null : [stage.min, stage.max, stage.optional, stage.greedy, stage.inner],
    stage.until !== null,
    stage.gap,
  ]);
  return fnv1a32(JSON.stringify([STATE_VERSION, shape, within, skip]))
    .toString(16)
    .padStart(8, "0");
}
