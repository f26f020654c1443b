import { DEFAULT_WEIGHTS, FEATURES, type RankInput } from "../operators/shopper/rank.ts";
import { openScoring } from "../src/cli/open-job.ts";
import type { ScoreTask, Scoring } from "../src/score/seam.ts";
import {
  type BenchOptions,
  type Comparison,
  type Contender,
  compare,
  type Figure,
  type Report,
  randomBelow,
  ratio,
} from "./harness.ts";

const CANDIDATES = 50;
const INLINE = "on the engine's own thread";
const POOL = "in one thread of its own";

/** Requests as the recommender makes them: the weights, and a vector a candidate. */
function tasksOf(count: number): ScoreTask[] {
  const below = randomBelow(5);
  const weights = FEATURES.map((name) => DEFAULT_WEIGHTS[name]);
  return Array.from({ length: count }, (): ScoreTask => {
    const candidates = Array.from({ length: CANDIDATES }, () =>
      FEATURES.map(() => below(1000) / 1000),
    );
    return { scorer: "rank", input: { weights, candidates } satisfies RankInput };
  });
}

/** One call after the other, as a key group asks: what is gathered is waited for. */
function contender(
  name: string,
  scoring: Scoring,
  tasks: readonly ScoreTask[],
  batch: number,
  busy: Map<string, number>,
) {
  return {
    name,
    async run() {
      let sum = 0;
      const begun = performance.now();
      const before = performance.eventLoopUtilization();
      for (let i = 0; i < tasks.length; i += batch) {
        for (const answer of await scoring.score(tasks.slice(i, i + batch))) {
          if (!answer.ok) throw new Error(answer.error);
          sum += (answer.result as number[])[0] ?? 0;
        }
      }
      const seconds = (performance.now() - begun) / 1000;
      busy.set(name, performance.eventLoopUtilization(before).utilization * seconds);
      return { seconds, units: tasks.length, digest: sum.toFixed(9) };
    },
  } satisfies Contender;
}

/** Whether scoring deserves a thread: the same requests here and there, by how many go at a time. */
export async function score({ short }: BenchOptions): Promise<Report> {
  const inline = openScoring(0);
  const pool = openScoring(1);
  const tasks = tasksOf(short ? 512 : 8192);
  const comparisons: Comparison[] = [];
  const figures: Figure[] = [];
  try {
    for (const batch of [1, 64, 256]) {
      const busy = new Map<string, number>();
      const comparison = await compare(
        {
          title: `Score ${CANDIDATES} candidates, ${batch} requests a call`,
          what: `${FEATURES.length} features each; wall time, one call after the other`,
          unit: "requests/s",
          rounds: short ? 3 : 5,
        },
        [contender(INLINE, inline, tasks, batch, busy), contender(POOL, pool, tasks, batch, busy)],
      );
      comparisons.push(comparison);
      const { title } = comparison;
      figures.push(
        {
          name: `${title}: own thread / other thread`,
          value: ratio(comparison, INLINE, POOL),
          unit: "×",
        },
        {
          name: `${title}: what the engine's thread saves of its time`,
          value: 1 - (busy.get(POOL) ?? 0) / (busy.get(INLINE) ?? 1),
          unit: "of 1; less than 0: asking another thread takes more than scoring",
        },
      );
    }
  } finally {
    await pool.close();
  }
  return { comparisons, figures };
}
