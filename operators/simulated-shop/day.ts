const HOUR = 3_600_000;
/** Asia/Shanghai: UTC+8 all year round. */
const SHANGHAI = 8 * HOUR;

/** How busy each local hour begins, as a share of the busiest. */
const BUSY = [
  0.3, 0.16, 0.08, 0.05, 0.05, 0.08, 0.18, 0.38, 0.5, 0.55, 0.6, 0.66, 0.8, 0.76, 0.66, 0.64, 0.66,
  0.7, 0.76, 0.85, 0.96, 1, 0.9, 0.6,
] as const;

/** How busy the shop is at a moment, in (0, 1], straight lines between the hours. */
export function busyness(at: number): number {
  const hours = ((at + SHANGHAI) % (24 * HOUR)) / HOUR;
  const hour = Math.floor(hours);
  const from = BUSY[hour] ?? 1;
  const to = BUSY[(hour + 1) % 24] ?? 1;
  return from + (to - from) * (hours - hour);
}
