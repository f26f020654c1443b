const MOST_AUTO = 8;

/** Threads for the key groups: `auto` leaves one processor to the broker. */
export function threadsFor(setting: number | "auto", processors: number): number {
  if (setting !== "auto") return setting;
  return Math.max(1, Math.min(MOST_AUTO, processors - 1));
}
