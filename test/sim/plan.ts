import { Random } from "../../operators/simulated-shop/random.ts";
import { type Fault, planFaults } from "./faults.ts";
import { type Chosen, chooseOperators, type Groups } from "./job.ts";

/** What a seed says about a run. */
export interface Plan {
  readonly seed: number;
  readonly groups: Groups;
  readonly operators: Chosen;
  /** Parts that an engine runs in, each with a connection of its own. */
  readonly threads: number;
  /** Rows of a group that are kept as objects. */
  readonly hotRows: number;
  /** The broker's duplicate window, in milliseconds. */
  readonly windowMs: number;
  readonly checkpointEveryMs: number;
  /** Records of a group after which a checkpoint does not wait for that time. */
  readonly checkpointRecords: number;
  /** Simulated milliseconds for which trackers have something to say. */
  readonly lastsMs: number;
  /** Whether some people ask to be forgotten. */
  readonly erases: boolean;
  /** At least so many events. */
  readonly events: number;
  readonly faults: readonly Fault[];
  readonly random: Random;
}

/** Less than a seed's whole run: to find out what a failure takes. */
export interface Cut {
  /** Indexes of the faults that happen. */
  readonly faults?: readonly number[];
  readonly events?: number;
  /** The shop's operators, in place of those that the seed chooses. */
  readonly operators?: readonly string[];
}

const EVENTS = 2000;
const ERASES = 0.25;
const GATE = "person";

export function planOf(seed: number, cut: Cut = {}): Plan {
  const random = new Random(seed, 1);
  const shape = random.fork("shape");
  const windowMs = shape.between(1000, 4000);
  const groups = { shopper: shape.between(2, 4), demand: shape.between(1, 2) };
  const checkpointEveryMs = shape.between(800, 4000);
  const hotRows = shape.pick([3, 1000, 1000, 1000]);
  const lastsMs = shape.between(18_000, 30_000);
  const checkpointRecords = shape.pick([150, 500_000, 500_000]);
  const gate = cut.operators?.includes(GATE) ?? true;
  const erases = gate && random.fork("erasures").chance(ERASES);
  const all = planFaults(random.fork("faults"), { lastsMs, windowMs, erases });
  const chosen = chooseOperators(random.fork("operators"));
  return {
    seed,
    groups,
    // Nobody but the gate makes the others forget.
    operators: (name) =>
      cut.operators?.includes(name) ?? (chosen(name) || (erases && name === GATE)),
    threads: random.fork("threads").pick([1, 1, 2, 3]),
    hotRows,
    windowMs,
    checkpointEveryMs,
    checkpointRecords,
    lastsMs,
    erases,
    events: cut.events ?? EVENTS,
    faults: all.filter(({ index }) => cut.faults?.includes(index) ?? true),
    random,
  };
}
