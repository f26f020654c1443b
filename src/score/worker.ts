import { scoringFunctions } from "../../operators/scoring.ts";
import { answer, type ScoreAnswer, type ScoreTask } from "./seam.ts";

/** The entry of a scoring thread; Piscina calls the default export. */
export default function score(tasks: readonly ScoreTask[]): readonly ScoreAnswer[] {
  return tasks.map((task) => answer(scoringFunctions, task));
}
