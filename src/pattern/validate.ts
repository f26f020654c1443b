import { PatternError, type PatternSpec, type StageSpec } from "./spec.ts";

/** Refuses a pattern that cannot mean anything, saying which stage and what to do. */
export function validate<E>({ stages, within, skip }: PatternSpec<E>): void {
  const names = new Set<string>();
  for (const [index, stage] of stages.entries()) {
    if (names.has(stage.name)) throw new PatternError(`two stages are named "${stage.name}"`);
    names.add(stage.name);
    if ((stage.contiguity === "begin") !== (index === 0)) {
      throw new PatternError(`"${stage.name}": a pattern begins once, with its first stage`);
    }
    if (isNot(stage)) validateNot(stage, stages[index - 1]);
    else {
      validateQuantifier(stage);
      validateOptional(stage, stages.slice(0, index));
    }
    if (stage.gap !== null && stage.gap <= 0) {
      throw new PatternError(`"${stage.name}": the time since the previous event must be positive`);
    }
  }
  if (within !== null && within <= 0) throw new PatternError("within must be positive");
  const last = stages.at(-1);
  if (last?.contiguity === "notFollowedBy" && within === null && last.gap === null) {
    throw new PatternError(`"${last.name}": a pattern that ends by notFollowedBy needs within`);
  }
  if ("stage" in skip && !names.has(skip.stage)) {
    throw new PatternError(`skip strategy: there is no stage "${skip.stage}"`);
  }
}

export function isNot<E>(stage: StageSpec<E>): boolean {
  return stage.contiguity === "notNext" || stage.contiguity === "notFollowedBy";
}

function isLoop<E>(stage: StageSpec<E>): boolean {
  return stage.max !== 1;
}

function validateNot<E>(stage: StageSpec<E>, before: StageSpec<E> | undefined): void {
  const quantified = isLoop(stage) || stage.optional || stage.greedy || stage.until !== null;
  if (quantified) throw new PatternError(`"${stage.name}": a forbidden event has no quantifier`);
  if (before?.optional === true) {
    throw new PatternError(
      `"${stage.name}": nothing can be forbidden right after the optional "${before.name}"`,
    );
  }
}

/** What a greedy loop leaves would have to be offered to two stages: Flink refuses it too. */
function validateOptional<E>(stage: StageSpec<E>, before: readonly StageSpec<E>[]): void {
  const previous = before.findLast((one) => !isNot(one));
  if (stage.optional && previous?.greedy === true) {
    throw new PatternError(`"${stage.name}": what follows the greedy "${previous.name}" must come`);
  }
}

function validateQuantifier<E>(stage: StageSpec<E>): void {
  const { name, min, max } = stage;
  const whole = Number.isSafeInteger(min) && (max === null || Number.isSafeInteger(max));
  if (!whole || min < 1 || (max !== null && max < min)) {
    throw new PatternError(
      `"${name}": times must be whole, at least 1, the upper not below the lower`,
    );
  }
  if (isLoop(stage)) {
    if (stage.greedy && stage.inner === "combinations") {
      throw new PatternError(`"${name}": greedy and allowCombinations exclude each other`);
    }
    return;
  }
  if (stage.greedy || stage.inner !== "relaxed" || stage.until !== null) {
    throw new PatternError(
      `"${name}": greedy, consecutive, allowCombinations and until need times or oneOrMore`,
    );
  }
}
