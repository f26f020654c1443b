/** Pure functions by name: the answer depends on the input alone, on any thread. */
export type ScoringFunctions = Readonly<Record<string, (input: unknown) => unknown>>;

/** One question of a batch: the name of a scoring function and what it needs to know. */
export interface ScoreTask {
  readonly scorer: string;
  readonly input: unknown;
}

/** An answer, or why there is none; a scorer that throws concerns its own request only. */
export type ScoreAnswer =
  | { readonly ok: true; readonly result: unknown }
  | { readonly ok: false; readonly error: string };

/** The seam where scoring may leave the thread. Answers come in the order of the tasks. */
export interface Scoring {
  score(tasks: readonly ScoreTask[]): readonly ScoreAnswer[] | Promise<readonly ScoreAnswer[]>;
  close(): Promise<void>;
}

/** The arithmetic itself, the same on every thread. */
export function answer(functions: ScoringFunctions, task: ScoreTask): ScoreAnswer {
  const scorer = Object.hasOwn(functions, task.scorer) ? functions[task.scorer] : undefined;
  if (scorer === undefined) return { ok: false, error: `no scorer is called ${task.scorer}` };
  try {
    return { ok: true, result: scorer(task.input) };
  } catch (error) {
    return { ok: false, error: error instanceof Error ? error.message : String(error) };
  }
}
