import { ITEM_MEASURES, type ItemMeasure } from "./partial.ts";

/**
 * Counts of one item that its demand is forecast from, by pane of time and region. Rates are plain
 * counts over time, so that a person can work a signal out by hand.
 */
export type ForecastMeasure = Exclude<ItemMeasure, "touches">;
export const FORECAST_MEASURES = ITEM_MEASURES.filter(
  (measure): measure is ForecastMeasure => measure !== "touches",
);
export type Counts = Readonly<Record<ForecastMeasure, number>>;

export type ForecastRow = [pane: number, region: string, counts: number[]];

export interface ForecastOptions {
  readonly pane: number;
  /** Time whose rate is taken for the usual one, and the recent time that shows a surge. */
  readonly window: number;
  readonly fast: number;
  /** How long a surge is expected to go on. */
  readonly surgeLife: number;
  /** Units that one event of a kind is expected to end in. */
  readonly conversion: Readonly<
    Record<"views" | "carts" | "favs" | "searches" | "content_views", number>
  >;
  /** Variance of a day's demand over its mean. */
  readonly dispersion: number;
  /** Standard deviations of safety. */
  readonly z: number;
}

const DAY = 86_400_000;

/** Adds counts to their pane and region; rows stay in order of panes. */
export function addCounts(
  rows: ForecastRow[],
  pane: number,
  region: string,
  counts: readonly number[],
): void {
  let i = rows.length;
  for (; i > 0; i -= 1) {
    const row = rows[i - 1] as ForecastRow;
    if (row[0] < pane) break;
    if (row[0] !== pane || row[1] !== region) continue;
    for (let m = 0; m < counts.length; m += 1) row[2][m] = (row[2][m] ?? 0) + (counts[m] ?? 0);
    return;
  }
  rows.splice(i, 0, [pane, region, [...counts]]);
}

/** Sums of the rows of panes from `first` on, of one region or of all. */
export function sumCounts(rows: readonly ForecastRow[], first: number, region?: string): Counts {
  const sum = FORECAST_MEASURES.map(() => 0);
  for (const [pane, of, counts] of rows) {
    if (pane < first || (region !== undefined && of !== region)) continue;
    for (let m = 0; m < sum.length; m += 1) sum[m] = (sum[m] ?? 0) + (counts[m] ?? 0);
  }
  return Object.fromEntries(FORECAST_MEASURES.map((name, m) => [name, sum[m] ?? 0])) as Counts;
}

/**
 * Units demanded: those ordered, or those that carts, favourites, searches and views lead one to
 * expect, whichever is more; so a surge shows before its first order.
 */
export function unitsOf(counts: Counts, conversion: ForecastOptions["conversion"]): number {
  const expected =
    conversion.carts * Math.max(counts.carts, counts.rec_carts) +
    conversion.favs * counts.favs +
    conversion.views * Math.max(counts.views, counts.rec_views) +
    conversion.searches * counts.searches +
    conversion.content_views * counts.content_views;
  return Math.max(counts.qty, counts.rec_orders, expected);
}

export interface Forecast {
  /** Units a day, as usual. */
  readonly rate: number;
  /** Units a day of late, by which the usual rate is multiplied while a surge lasts. */
  readonly surge: number;
  /** Of a length of time from now, in days. */
  units(days: number): number;
  /** Units held for safety over that time: z · σ · √days, with σ² = dispersion · rate. */
  safety(days: number): number;
}

/** The forecast at `now` for an item of a shop that has been watched since `since`. */
export function forecastAt(
  rows: readonly ForecastRow[],
  of: { readonly now: number; readonly since: number },
  options: ForecastOptions,
): Forecast {
  const { pane, window, fast, conversion, surgeLife, dispersion, z } = options;
  const current = Math.floor(of.now / pane);
  const age = Math.max(of.now - of.since, fast);
  const usual = unitsOf(sumCounts(rows, current - window / pane + 1), conversion);
  const late = unitsOf(sumCounts(rows, current - fast / pane + 1), conversion);
  const rate = usual / (Math.min(age, window) / DAY);
  const extra = Math.max(0, late / (fast / DAY) - rate);
  const units = (days: number) => rate * days + extra * Math.min(days, surgeLife / DAY);
  return {
    rate,
    surge: rate > 0 ? (rate + extra) / rate : 1,
    units,
    safety: (days) => z * Math.sqrt(dispersion * units(days)),
  };
}

/** Rounded up to the multiple, at least the minimum order; 0 when nothing is needed. */
export function orderQty(need: number, moq: number, multiple: number): number {
  // A rounding error in the last digits must not cost a whole multiple.
  if (need <= 1e-9) return 0;
  return Math.ceil(Math.max(need, moq) / multiple - 1e-9) * multiple;
}
