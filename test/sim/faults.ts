import type { Random } from "../../operators/simulated-shop/random.ts";

/** What the plan of a run may hold. */
const PLANNED = [
  "message-delay",
  "request-lost",
  "ack-lost",
  "duplicate-delivery",
  "reordered-retries",
  "slow-acks",
  "disk-full",
  "connection-cut",
  "broker-crash",
  "engine-crash",
  "zombie",
  "long-pause",
  "pause-at-send",
  "clean-stop",
  "checkpoint-rot",
] as const;
/** What is in the traffic of every run, or of those in which people are erased. */
const IN_TRAFFIC = [
  "tracker-skew",
  "tracker-duplicates",
  "interleaved-groups",
  "erasure",
  "return-of-the-erased",
] as const;
/** An engine dies while it takes people out of the logs. */
const WHILE_ERASING = "crash-while-erasing";

export type PlannedFault = (typeof PLANNED)[number] | typeof WHILE_ERASING;
export type FaultClass = PlannedFault | (typeof IN_TRAFFIC)[number];
export const FAULT_CLASSES: readonly FaultClass[] = [...PLANNED, WHILE_ERASING, ...IN_TRAFFIC];

export interface Fault {
  /** Its place in the plan: names it when a plan is cut down. */
  readonly index: number;
  readonly kind: PlannedFault;
  /** Simulated milliseconds since the beginning. */
  readonly at: number;
  /** Milliseconds. */
  readonly lasts: number;
  /** For what else it needs to draw. */
  readonly random: Random;
}

const LOSSY: ReadonlySet<PlannedFault> = new Set(["request-lost", "ack-lost", "disk-full"]);
const FEWEST = 5;
const MOST = 9;

/** The faults of a run; one more or less does not change the others. */
export function planFaults(
  random: Random,
  { lastsMs, windowMs, erases }: { lastsMs: number; windowMs: number; erases: boolean },
): readonly Fault[] {
  const count = random.between(FEWEST, MOST);
  const faults: Fault[] = [];
  const add = (kind: PlannedFault, at: number, own: Random) => {
    const lasts = lastingOf(kind, own, windowMs);
    faults.push({ index: faults.length, kind, at: Math.floor(at), lasts, random: own });
    return lasts;
  };
  for (let n = 0; n < count; n += 1) {
    const own = random.fork("fault", n);
    const kind = own.pick(PLANNED);
    const at = lastsMs * (0.03 + 0.9 * own.fraction());
    const lasts = add(kind, at, own);
    // Who dies while messages are lost does not get to send them again.
    if (LOSSY.has(kind) && own.chance(0.6)) {
      add("engine-crash", at + lasts * own.fraction(), own.fork("crash"));
    }
  }
  if (erases) add(WHILE_ERASING, 0, random.fork("erasing"));
  return faults.sort((a, b) => a.at - b.at);
}

function lastingOf(kind: PlannedFault, random: Random, windowMs: number): number {
  // Both sides of the duplicate window, and of half of it, matter.
  const around = Math.floor(windowMs * (0.1 + 2.4 * random.fraction()));
  switch (kind) {
    case "connection-cut":
      return random.chance(0.5) ? random.below(400) : around;
    case "disk-full":
      return random.between(200, 3000);
    case "broker-crash":
    case "engine-crash":
    case "clean-stop":
    case "checkpoint-rot":
    case "crash-while-erasing":
      return random.chance(0.3) ? random.below(200) : around;
    case "long-pause":
    case "pause-at-send":
      return Math.floor(windowMs * (0.3 + 2.5 * random.fraction()));
    default:
      return random.between(1500, 9000);
  }
}
