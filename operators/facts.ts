import type { FactIndex } from "../src/flow/fact-store.ts";
import type { Facts } from "../src/flow/operator.ts";
import { withFields } from "../src/flow/with-fields.ts";

/** What can be sold of a sku now, over all sites that told. Unknown stock counts as sellable. */
interface Stock {
  readonly sellable: number;
  readonly sites: Readonly<Record<string, number>>;
}

const ITEMS_A_CATEGORY = 200;
const CONTENTS_A_SKU = 20;

/**
 * Facts worked out from facts: `stock` of a sku from `inventory` of its sites, `category_items`
 * from `catalog`, `content_about` from `content`. Lists keep the order in which the log told them.
 */
export const shopFacts: FactIndex = (kind, _key, value, facts, put) => {
  if (typeof value !== "object" || value === null) return;
  const fact = value as Readonly<Record<string, unknown>>;
  if (kind === "inventory") indexStock(fact, facts, put);
  else if (kind === "catalog")
    addTo("category_items", fact["category"], fact["sku"], ITEMS_A_CATEGORY, facts, put);
  else if (kind === "content")
    addTo("content_about", fact["about"], fact["content_id"], CONTENTS_A_SKU, facts, put);
};

type Put = Parameters<FactIndex>[4];

function indexStock(fact: Readonly<Record<string, unknown>>, facts: Facts, put: Put): void {
  const { site, sku, on_hand: onHand, reserved } = fact;
  if (typeof site !== "string" || typeof sku !== "string" || typeof onHand !== "number") return;
  const before = stockOf(facts, sku)?.sites ?? {};
  const sellableHere = Math.max(0, onHand - (typeof reserved === "number" ? reserved : 0));
  const sites: Record<string, number> = withFields(before, { [site]: sellableHere });
  let sellable = 0;
  for (const name of Object.keys(sites)) sellable += sites[name] ?? 0;
  put("stock", sku, { sellable, sites });
}

function addTo(
  index: string,
  key: unknown,
  member: unknown,
  most: number,
  facts: Facts,
  put: Put,
): void {
  if (typeof key !== "string" || typeof member !== "string") return;
  const members = (facts.get(index, key) as readonly string[] | undefined) ?? [];
  if (members.length >= most || members.includes(member)) return;
  put(index, key, [...members, member]);
}

const stockOf = (facts: Facts, sku: string): Stock | undefined =>
  facts.get("stock", sku) as Stock | undefined;
