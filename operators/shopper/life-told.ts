import type { EventTime } from "../../src/time/event-time.ts";
import type { Stage } from "./life-stage.ts";

/** A turn that was told, with the id of its message. */
export type ToldStage = [at: EventTime, stage: Stage, ref: string];

/** A turn of the stage, and the told turn it takes the place of. */
export interface StageTelling {
  readonly at: EventTime;
  readonly stage: Stage;
  readonly insteadOf: ToldStage | null;
  /** It takes back a turn that never was: `stage` is what it was before. */
  readonly undoes: boolean;
}

/**
 * What must be said so that the told turns after `before` become `turns`. What was told rightly up to
 * the first difference stands. Of the rest, turns too many are taken back, the last one first, and
 * each right turn takes the place of the one told in its stead. The last message of a person is right.
 */
export function stageCorrections(
  before: Stage | undefined,
  told: readonly ToldStage[],
  turns: readonly { readonly at: EventTime; readonly stage: Stage }[],
): StageTelling[] {
  const isRight = ([at, stage]: ToldStage, i: number) =>
    turns[i]?.at === at && turns[i]?.stage === stage;
  const firstWrong = told.findIndex((turn, i) => !isRight(turn, i));
  const same = firstWrong < 0 ? told.length : firstWrong;
  const tellings: StageTelling[] = [];
  for (const turn of told.slice(Math.max(same, turns.length)).reverse()) {
    const stage = turns.findLast(({ at }) => at <= turn[0])?.stage ?? before ?? turn[1];
    tellings.push({ at: turn[0], stage, insteadOf: turn, undoes: true });
  }
  for (let i = same; i < turns.length; i += 1) {
    const turn = turns[i] as (typeof turns)[number];
    const { at, stage } = turn;
    tellings.push({ at, stage, insteadOf: told[i] ?? null, undoes: false });
  }
  return tellings;
}
