import type { Message } from "../../src/flow/operator.ts";
import { type EventTime, isoTime } from "../../src/time/event-time.ts";
import type { Counts } from "./forecast.ts";
import type { RegionStock, SupplyTerms } from "./supply-position.ts";
import { rounded } from "./surprise.ts";
import { token } from "./token.ts";

/** A need of one region, before it becomes a message. */
export interface Restock {
  readonly sku: string;
  readonly at: EventTime;
  readonly id: string;
  readonly plan: string;
  readonly supersedes: string | null;
  readonly qty: number;
  readonly terms: SupplyTerms;
  readonly stock: RegionStock;
  readonly onOrder: number;
  readonly forecast: number;
  readonly untilArrival: number;
  readonly safety: number;
  readonly perDay: number;
  readonly surge: number;
  readonly counts: Counts;
  readonly from: number;
  readonly confidence: number;
}

const DAY = 86_400_000;

export function restockMessage(signal: Restock): Message {
  const { terms, stock, counts, at, qty } = signal;
  const { onHand, reserved, region, sites } = stock;
  const position = onHand + signal.onOrder - reserved;
  const cover = signal.perDay > 0 ? Math.max(0, position) / signal.perDay : 0;
  const byRec = counts.rec_views + counts.rec_carts + counts.rec_orders;
  const all = Math.max(byRec, counts.views + counts.carts + counts.orders);
  const rec = all > 0 ? byRec / all : 0;
  const spread = 1.2816 * Math.sqrt(signal.forecast);
  return {
    subject: `restock.${token(region)}`,
    data: {
      signal_id: signal.id,
      plan_id: signal.plan,
      sku: signal.sku,
      ...(sites.length === 1 ? { site: sites[0] } : {}),
      region,
      window: { from: isoTime(signal.from as EventTime), to: isoTime(at) },
      confidence: rounded(signal.confidence),
      evidence: {
        orders: counts.orders,
        searches: counts.searches,
        carts: counts.carts,
        favs: counts.favs,
        views: counts.views,
        content_views: counts.content_views,
      },
      cause: { organic: rounded(1 - rec), rec: rounded(rec) },
      qty,
      uom: terms.uom,
      moq: terms.moq,
      multiple: terms.multiple,
      need_by: isoTime((at + Math.round(cover * DAY)) as EventTime),
      lines: [{ supplier: terms.supplier ?? null, qty, lead_days: terms.leadDays }],
      shortfall: Math.ceil(Math.max(0, signal.untilArrival - position) - 1e-9),
      on_hand: onHand,
      reserved,
      on_order: rounded(signal.onOrder),
      forecast: rounded(signal.forecast),
      forecast_range: [
        rounded(Math.max(0, signal.forecast - spread)),
        rounded(signal.forecast + spread),
      ],
      surge: rounded(signal.surge),
      cover_days: rounded(cover),
      lead_days: terms.leadDays,
      safety: rounded(signal.safety),
      lane: cover < terms.leadDays ? "fast" : "normal",
      valid_to: isoTime((at + Math.round(Math.max(1, terms.reviewDays) * DAY)) as EventTime),
      status_subject: `in.supply.status.${signal.id}`,
      supersedes: signal.supersedes,
      at: isoTime(at),
    },
  };
}
