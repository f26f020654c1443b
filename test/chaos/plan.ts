import { Random } from "../../operators/simulated-shop/random.ts";

export const FAULT_KINDS = [
  "kill-engine",
  "stop-engine",
  "zombie",
  "silence",
  "kill-broker",
  "restart-broker",
  "full-disk",
] as const;

export interface PlannedFault {
  readonly kind: (typeof FAULT_KINDS)[number];
  /** Milliseconds since the faults began. */
  readonly at: number;
  /** Milliseconds the broker is away, a zombie asleep, replies lost, the disk full. */
  readonly lasts: number;
}

interface Habit {
  /** One in so many seconds. */
  readonly everySeconds: number;
  /** However short the run. */
  readonly atLeast: number;
  readonly lasts: readonly [shortest: number, longest: number];
}

/** Sleep and silence outlast the brokers' memory for message ids, so that nothing else can help. */
const HABITS: Readonly<Record<PlannedFault["kind"], Habit>> = {
  "kill-engine": { everySeconds: 5, atLeast: 1, lasts: [0, 0] },
  "stop-engine": { everySeconds: 40, atLeast: 0, lasts: [0, 0] },
  zombie: { everySeconds: 40, atLeast: 1, lasts: [5000, 7000] },
  silence: { everySeconds: 40, atLeast: 1, lasts: [3500, 5000] },
  "kill-broker": { everySeconds: 20, atLeast: 1, lasts: [0, 1500] },
  "restart-broker": { everySeconds: 60, atLeast: 0, lasts: [0, 500] },
  "full-disk": { everySeconds: 60, atLeast: 0, lasts: [500, 2000] },
};

/** What goes wrong when, in order: each kind once in every equal part of the time. */
export function planFaults(seed: number, forMs: number): PlannedFault[] {
  const root = new Random(seed);
  const faults = FAULT_KINDS.flatMap((kind) => {
    const { everySeconds, atLeast, lasts: bounds } = HABITS[kind];
    const random = root.fork(kind);
    const count = Math.max(atLeast, Math.round(forMs / 1000 / everySeconds));
    return Array.from({ length: count }, (_, place) => {
      const lasts = random.between(...bounds);
      const latest = Math.max(0, forMs - lasts);
      return { kind, at: Math.floor(((place + random.fraction()) / count) * latest), lasts };
    });
  });
  return faults.sort((a, b) => a.at - b.at);
}
