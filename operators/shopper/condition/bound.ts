import type { Facts } from "../../../src/flow/operator.ts";
import type { ShopEvent } from "../../event.ts";
import { fieldsOf, orderedSkus } from "../catalog.ts";
import type { BoundValues } from "./leaf.ts";

/** Properties that rules may say again: `$trigger.sku`. */
const BOUND = [
  "sku",
  "content_id",
  "live_id",
  "order_id",
  "category",
  "service",
  "group_id",
  "keyword",
  "query",
  "coupon_id",
] as const;
const MOST_TEXT = 128;

/** What a rule may say of an event. Without a sku of its own: the first of its lines, or of what its content is about. */
export function boundOf(event: ShopEvent, facts: Facts): BoundValues {
  const bound: Record<string, string | number | boolean> = {};
  for (const name of BOUND) {
    const value = event.props[name];
    if (typeof value === "string" && value.length <= MOST_TEXT) bound[name] = value;
  }
  const sku = bound["sku"] ?? orderedSkus(event)[0] ?? skuAbout(event, facts);
  if (sku !== undefined) bound["sku"] = sku;
  return bound;
}

function skuAbout(event: ShopEvent, facts: Facts): string | undefined {
  const id = event.props["live_id"] ?? event.props["content_id"];
  const fact = typeof id === "string" ? fieldsOf(facts, "content", id) : undefined;
  const skus = fact?.["skus"] ?? event.props["skus"];
  const about = fact?.["about"] ?? (Array.isArray(skus) ? skus[0] : undefined);
  return typeof about === "string" ? about : undefined;
}

/** The values of a property: of a sku, those of all lines. Text and numbers alike as text. */
export function valuesOf(event: ShopEvent, name: string): readonly string[] {
  if (name === "sku") return [...new Set(orderedSkus(event))];
  const value = event.props[name];
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean"
    ? [String(value)]
    : [];
}
