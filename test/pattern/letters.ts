import fc from "fast-check";
import { type Pattern, pattern, type Stage } from "../../src/pattern/pattern.ts";
import type { Skip, Stages } from "../../src/pattern/spec.ts";
import { millis } from "../../src/time/event-time.ts";

/** An event of one letter; `id` tells it from its equals. */
export interface Letter {
  readonly id: number;
  readonly letter: string;
  readonly at: number;
}

/** A stage as the oracle reads it: every number spelt out. */
export interface LetterStage {
  readonly name: string;
  readonly contiguity:
    | "begin"
    | "next"
    | "followedBy"
    | "followedByAny"
    | "notNext"
    | "notFollowedBy";
  readonly fits: string;
  readonly min: number;
  readonly max: number | null;
  readonly optional: boolean;
  readonly inner: "relaxed" | "consecutive" | "combinations";
  /** Letters that end the loop; none for what is no loop. */
  readonly until: string;
  readonly greedy: boolean;
  readonly gap: number | null;
}
export interface LetterPattern {
  readonly stages: readonly LetterStage[];
  readonly within: number | null;
}

export const isNot = ({ contiguity }: LetterStage): boolean => contiguity.startsWith("not");

const quantity = fc.constantFrom(
  { min: 1, max: 1 },
  { min: 2, max: 2 },
  { min: 1, max: 3 },
  { min: 1, max: null },
  { min: 2, max: null },
);
const positive = fc
  .record({
    contiguity: fc.constantFrom("next" as const, "followedBy" as const, "followedByAny" as const),
    fits: fc.constantFrom("a", "a", "b", "ab"),
    quantity,
    optional: fc.boolean(),
    until: fc.constantFrom("", "", "b", "y"),
    greedy: fc.boolean(),
    gap: fc.oneof(fc.constant(null), fc.constant(null), fc.integer({ min: 1, max: 5 })),
    inner: fc.constantFrom("relaxed" as const, "consecutive" as const, "combinations" as const),
    // Forbidden events fit no other stage: else which of the two wins would be a question of order.
    not: fc.oneof(
      fc.constant(null),
      fc.record({
        contiguity: fc.constantFrom("notNext" as const, "notFollowedBy" as const),
        fits: fc.constantFrom("x", "xy"),
      }),
    ),
  })
  .map(({ quantity: { min, max }, until, ...rest }) => {
    return { ...rest, min, max, until: max === 1 ? "" : until };
  });

/**
 * Nothing is forbidden right after an optional stage. Greedy loops come without a stop condition,
 * and before a stage that must come or the end.
 */
export const letterPattern: fc.Arbitrary<LetterPattern> = fc
  .record({
    parts: fc.oneof(
      fc.array(positive, { minLength: 3, maxLength: 3 }),
      fc.array(positive, { minLength: 1, maxLength: 3 }),
    ),
    within: fc.oneof(fc.constant(null), fc.integer({ min: 1, max: 20 })),
    trailing: fc.option(fc.constantFrom("notNext" as const, "notFollowedBy" as const), { freq: 3 }),
  })
  .map(({ parts, within, trailing }) => {
    const stages: LetterStage[] = [];
    for (const [index, { not, ...part }] of parts.entries()) {
      const before = stages.at(-1);
      // What is forbidden before optional stages alone would be complete at once.
      const ends = parts.slice(index).every(({ optional }) => optional);
      if (before !== undefined && !before.optional && not !== null && !ends) {
        stages.push(forbidden(`n${index}`, not.contiguity, not.fits));
      }
      const contiguity = index === 0 ? ("begin" as const) : part.contiguity;
      stages.push({ ...part, name: `s${index}`, contiguity });
    }
    const last = stages.at(-1);
    const sure = last !== undefined && !last.optional;
    if (sure && trailing === "notNext") stages.push(forbidden("end", trailing, "x"));
    if (sure && trailing === "notFollowedBy" && within !== null) {
      stages.push({ ...forbidden("end", trailing, "x"), gap: last.gap });
    }
    return {
      stages: stages.map((stage, i) => ({ ...stage, greedy: mayBeGreedy(stages, i) })),
      within,
    };
  });

/** Nor before a forbidden next event, but at the end. */
function mayBeGreedy(stages: readonly LetterStage[], index: number): boolean {
  const stage = stages[index];
  if (stage === undefined || !stage.greedy || stage.max === stage.min) return false;
  if (stage.inner === "combinations" || stage.until !== "") return false;
  if (stages[index + 1]?.contiguity === "notNext") return stages[index + 1]?.name === "end";
  const next = stages.find((after, i) => i > index && !isNot(after));
  return next?.optional !== true;
}

/** Once, whatever lies between. */
export const PLAIN = {
  min: 1,
  max: 1,
  optional: false,
  inner: "relaxed",
  until: "",
  greedy: false,
  gap: null,
} as const;

function forbidden(
  name: string,
  contiguity: "notNext" | "notFollowedBy",
  fits: string,
): LetterStage {
  return { ...PLAIN, name, contiguity, fits };
}

/** Time never goes back; several events may share a millisecond. */
export const letters = (maxLength: number): fc.Arbitrary<Letter[]> =>
  fc
    .array(fc.record({ letter: fc.constantFrom("a", "a", "b", "x", "y"), step: fc.nat(3) }), {
      minLength: 3,
      maxLength,
      size: "max",
    })
    .map((drafts) => {
      let at = 0;
      return drafts.map(({ letter, step }, id) => {
        at += step;
        return { id, letter, at };
      });
    });

type AnyStage = Stage<Letter, Stages, string, Letter>;

export function build(
  of: LetterPattern,
  skip: Skip = { strategy: "noSkip" },
): Pattern<Letter, Stages> {
  const whole = of.stages.reduce<AnyStage | undefined>(addStage, undefined) as AnyStage;
  const limited = of.within === null ? whole : whole.within(millis(of.within));
  return limited.afterMatch(skip);
}

function addStage(before: AnyStage | undefined, stage: LetterStage): AnyStage {
  const { name, contiguity, fits, min, max, optional, inner, until, greedy, gap } = stage;
  const begins = before === undefined || contiguity === "begin";
  let at = (begins ? pattern<Letter>().begin(name) : before[contiguity](name)) as AnyStage;
  at = at.where(({ letter }) => fits.includes(letter));
  if (gap !== null) at = at.withinPrevious(millis(gap));
  if (isNot(stage)) return at;
  at = max === null ? at.timesOrMore(min) : at.times(min, max);
  if (optional) at = at.optional();
  if (until !== "") at = at.until(({ letter }) => until.includes(letter));
  if (greedy) at = at.greedy();
  if (max === 1 || inner === "relaxed") return at;
  return inner === "consecutive" ? at.consecutive() : at.allowCombinations();
}
