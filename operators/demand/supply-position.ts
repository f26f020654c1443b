import type { Facts } from "../../src/flow/operator.ts";

/** What `supply` tells about a sku, with defaults. */
export interface SupplyTerms {
  readonly leadDays: number;
  readonly reviewDays: number;
  readonly moq: number;
  readonly multiple: number;
  readonly onOrder: number;
  readonly supplier: string | undefined;
  readonly uom: string;
}
/** Stock of one region. */
export interface RegionStock {
  readonly region: string;
  readonly sites: readonly string[];
  readonly onHand: number;
  readonly reserved: number;
}

/** The region of sites that no `site` fact places. */
const NOWHERE = "all";

const fields = (value: unknown): Readonly<Record<string, unknown>> | undefined =>
  typeof value === "object" && value !== null
    ? (value as Readonly<Record<string, unknown>>)
    : undefined;
const positive = (value: unknown, fallback: number): number =>
  typeof value === "number" && Number.isFinite(value) && value > 0 ? value : fallback;

/** Undefined when nobody told the lead time: then there is nothing to plan with. */
export function supplyTerms(facts: Facts, sku: string): SupplyTerms | undefined {
  const fact = fields(facts.get("supply", sku));
  const lead = fact?.["lead_days"];
  if (fact === undefined || typeof lead !== "number" || !(lead >= 0)) return undefined;
  const { supplier, uom } = fact;
  return {
    leadDays: lead,
    reviewDays: positive(fact["review_days"], 1),
    moq: positive(fact["moq"], 1),
    multiple: positive(fact["multiple"], 1),
    onOrder: positive(fact["on_order"], 0),
    supplier: typeof supplier === "string" ? supplier : undefined,
    uom: typeof uom === "string" ? uom : "ea",
  };
}

/** Stock by region, in the order of their names; undefined when no stock was ever told. */
export function stockByRegion(facts: Facts, sku: string): RegionStock[] | undefined {
  const sites = fields(fields(facts.get("stock", sku))?.["sites"]);
  if (sites === undefined) return undefined;
  const regions = new Map<string, { sites: string[]; onHand: number; reserved: number }>();
  for (const site of Object.keys(sites).sort()) {
    const placed = fields(facts.get("site", site))?.["region"];
    const region = typeof placed === "string" && placed !== "" ? placed : NOWHERE;
    const held = fields(facts.get("inventory", `${site}.${sku}`));
    const stock = regions.get(region) ?? { sites: [], onHand: 0, reserved: 0 };
    stock.sites.push(site);
    stock.onHand += positive(held?.["on_hand"], held === undefined ? positive(sites[site], 0) : 0);
    stock.reserved += positive(held?.["reserved"], 0);
    regions.set(region, stock);
  }
  return [...regions]
    .map(([region, stock]) => ({ region, ...stock }))
    .sort((a, b) => (a.region < b.region ? -1 : 1));
}
