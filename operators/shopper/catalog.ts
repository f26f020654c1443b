import type { Facts } from "../../src/flow/operator.ts";
import { type ShopEvent, textProp } from "../event.ts";

export type Fields = Readonly<Record<string, unknown>>;

/** The fact as an object; undefined when there is none or it is something else. */
export function fieldsOf(facts: Facts, kind: string, key: string): Fields | undefined {
  const value = facts.get(kind, key);
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Fields)
    : undefined;
}

export function textOf(fields: Fields | undefined, name: string): string | undefined {
  const value = fields?.[name];
  return typeof value === "string" ? value : undefined;
}

export function numberOf(fields: Fields | undefined, name: string): number | undefined {
  const value = fields?.[name];
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

/** The category of the event's sku, else of its content, else the one the event itself names. */
export function categoryOf(event: ShopEvent, facts: Facts): string | undefined {
  const sku = textProp(event, "sku");
  const ofSku = sku === undefined ? undefined : textOf(fieldsOf(facts, "catalog", sku), "category");
  if (ofSku !== undefined) return ofSku;
  const stated = textProp(event, "category");
  if (stated !== undefined) return stated;
  const content = textProp(event, "content_id");
  return content === undefined
    ? undefined
    : textOf(fieldsOf(facts, "content", content), "category");
}

/** Whether the event's content tells of certain goods, by its fact or by the event itself. */
export function isAboutGoods(event: ShopEvent, facts: Facts): boolean {
  const content = textProp(event, "content_id");
  if (content === undefined) return false;
  const fields = fieldsOf(facts, "content", content);
  if (textOf(fields, "about") !== undefined) return true;
  return (
    textOf(fields, "type")?.startsWith("review") === true || textProp(event, "sku") !== undefined
  );
}

/** Units that can be sold now, over all sites; undefined when nobody told, which counts as sellable. */
export function sellableOf(facts: Facts, sku: string): number | undefined {
  return numberOf(fieldsOf(facts, "stock", sku), "sellable");
}

/** Skus of an order: its `lines`, else its one `sku`. */
export function orderedSkus(event: ShopEvent): readonly string[] {
  const lines = event.props["lines"];
  if (!Array.isArray(lines)) {
    const sku = textProp(event, "sku");
    return sku === undefined ? [] : [sku];
  }
  const skus: string[] = [];
  for (const line of lines) {
    const sku = (line as { sku?: unknown } | null)?.sku;
    if (typeof sku === "string") skus.push(sku);
  }
  return skus;
}
