import { hash128 } from "../../src/codec/hash.ts";
import { erasureFaults } from "./erasures.ts";
import type { FaultClass } from "./faults.ts";
import { jobs } from "./job.ts";
import {
  bookFaults,
  differences,
  oracleFaults,
  orderFaults,
  published,
  straight,
  takenIn,
} from "./judge.ts";
import { accountOf } from "./oracle.ts";
import { type Cut, planOf } from "./plan.ts";
import { World } from "./world.ts";

export interface SeedResult {
  readonly seed: number;
  readonly violations: readonly string[];
  readonly events: number;
  readonly outputs: number;
  /** How often each fault really happened. */
  readonly faults: Readonly<Partial<Record<FaultClass, number>>>;
  /** Of everything stored: two runs of a seed have the same. */
  readonly digest: string;
}

/** One seed from its plan to the verdict. */
export async function runSeed(
  seed: number,
  cut: Cut = {},
  trace?: (line: string) => void,
): Promise<SeedResult> {
  const makeJob = await jobs();
  const plan = planOf(seed, cut);
  const world = new World(plan, makeJob, trace);
  await world.run();
  const { broker, violations, traffic, happened } = world;
  const intake = takenIn(broker);
  const got = published(broker);
  if (violations.length === 0) {
    const { groups, operators } = plan;
    const job = makeJob({ groups, operators });
    const wanted = await straight(job, intake);
    violations.push(...differences(got, wanted), ...orderFaults(got, wanted));
    const account = accountOf(intake);
    violations.push(...bookFaults(job, account), ...oracleFaults(job, broker, account));
    violations.push(...erasureFaults(broker));
  }
  return {
    seed,
    violations,
    events: traffic.events,
    outputs: got.length,
    faults: Object.fromEntries(happened),
    digest: hash128(
      [...intake.map(({ subject, time }) => `${subject} ${time}`), ...got].join("\n"),
    ),
  };
}
