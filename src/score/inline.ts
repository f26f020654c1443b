import {
  answer,
  type ScoreAnswer,
  type ScoreTask,
  type Scoring,
  type ScoringFunctions,
} from "./seam.ts";

/** Scores on the calling thread: for small shops, two cores and tests. */
export class InlineScoring implements Scoring {
  readonly #functions: ScoringFunctions;

  constructor(functions: ScoringFunctions) {
    this.#functions = functions;
  }
  score(tasks: readonly ScoreTask[]): readonly ScoreAnswer[] {
    return tasks.map((task) => answer(this.#functions, task));
  }
  async close(): Promise<void> {}
}
