import { type Cut, planOf } from "./plan.ts";
import { runSeed, type SeedResult } from "./seed-run.ts";

/** Below so many events little is left of a run. */
const FEWEST_EVENTS = 60;

/** Less of a seed that still fails: faults it does without, then events. */
export async function shrink(seed: number): Promise<{ cut: Cut; result: SeedResult }> {
  let cut: Cut = { faults: planOf(seed).faults.map(({ index }) => index) };
  let result = await runSeed(seed, cut);
  const tries = async (smaller: Cut): Promise<boolean> => {
    const again = await runSeed(seed, smaller);
    if (again.violations.length === 0) return false;
    cut = smaller;
    result = again;
    return true;
  };
  for (const index of cut.faults ?? []) {
    await tries({ ...cut, faults: (cut.faults ?? []).filter((other) => other !== index) });
  }
  for (let events = planOf(seed).events / 2; events >= FEWEST_EVENTS; events /= 2) {
    if (!(await tries({ ...cut, events: Math.floor(events) }))) break;
  }
  return { cut, result };
}
