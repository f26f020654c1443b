import type { EventTime } from "../../src/time/event-time.ts";
import { type ShopEvent, textProp } from "../event.ts";

/** 种草 → 咨询 → 下单 → 支付 → 售后 → 复购. Stage 0 of a machine is none of them yet. */
export const JOURNEY_STAGES = [
  "seeding",
  "consulting",
  "ordering",
  "paying",
  "aftersales",
  "repurchase",
] as const;
export type JourneyStage = (typeof JOURNEY_STAGES)[number];

/** The first stage. */
export const SEEDING = 1;
const [CONSULTING, ORDERING, PAYING, AFTERSALES, REPURCHASE] = [2, 3, 4, 5, 6];

/** What an event can mean for the journey. `asks`: a question to people; `service`: to the shop's. */
export type MarkKind = "seen" | "asks" | "service" | "served" | "ordered" | "paid" | "cancelled";

/** An event of the journey: kind, order, and by which it is named as evidence. */
export interface Mark {
  at: EventTime;
  kind: MarkKind;
  order: string | null;
  type: string;
  /** The tracker's own id of the event. */
  id: string;
}

const KINDS: ReadonlyMap<string, MarkKind> = new Map(
  Object.entries<MarkKind>({
    "article.opened": "seen",
    "article.read": "seen",
    "video.played": "seen",
    "live.entered": "seen",
    "content.liked": "seen",
    "content.commented": "seen",
    "content.created": "seen",
    "product.viewed": "seen",
    "product.clicked": "seen",
    "product.favorited": "seen",
    "product.shared": "seen",
    "product.listed": "seen",
    searched: "seen",
    "cart.added": "seen",
    subscribed: "seen",
    "group.joined": "seen",
    "group.message.posted": "asks",
    "group.message.replied": "asks",
    "contact.added": "asks",
    "cs.started": "service",
    "service.booked": "served",
    "order.refunded": "served",
    "order.placed": "ordered",
    "order.paid": "paid",
    "order.cancelled": "cancelled",
  }),
);

export function markOf(event: ShopEvent): Mark | undefined {
  const kind = KINDS.get(event.type);
  if (kind === undefined) return undefined;
  const order = textProp(event, "order_id") ?? null;
  return { at: event.at, kind, order, type: event.type, id: event.clientId };
}

/** Orders of one person that the machine tells apart, of each kind. */
const KNOWN_ORDERS = 8;

/** Where a person stands on the journey. */
export interface Standing {
  /** 0 before the first stage; else one more than the index in `JOURNEY_STAGES`. */
  stage: number;
  since: EventTime;
  purchases: number;
  /** Orders placed and not paid, and orders paid, the newest last; null is one without an id. */
  open: (string | null)[];
  paid: string[];
  /** The stage to go back to when what was ordered is cancelled; 0 when nothing is. */
  before: number;
}

export const noStanding = (): Standing => ({
  stage: 0,
  since: 0 as EventTime,
  purchases: 0,
  open: [],
  paid: [],
  before: 0,
});

/**
 * Where the mark leads; the standing it was handed is not changed. Looking and asking lead on until
 * something is ordered, never back. After a payment, asking the shop is after-sales, and a further
 * order is a repurchase, whether it is placed or paid that is seen of it. An order that is cancelled
 * unpaid leads back to where it was placed.
 */
export function moved(from: Standing, { at, kind, order }: Mark): Standing {
  switch (kind) {
    case "seen":
      return from.stage === 0 ? entered(from, SEEDING, at) : from;
    case "asks":
      return from.stage < CONSULTING ? entered(from, CONSULTING, at) : from;
    case "service":
      if (from.purchases > 0) return entered(from, AFTERSALES, at);
      return from.stage < CONSULTING ? entered(from, CONSULTING, at) : from;
    case "served":
      return from.purchases > 0 ? entered(from, AFTERSALES, at) : from;
    case "ordered":
      return placed(from, order, at);
    case "paid":
      return paidFor(from, order, at);
    case "cancelled":
      return cancelled(from, order, at);
  }
}

/** A stage entered for good: there is no order to take back any more that led there. */
function entered(from: Standing, stage: number, at: EventTime): Standing {
  if (from.stage === stage) return from;
  const { purchases, open, paid } = from;
  return { stage, since: at, purchases, open, paid, before: 0 };
}

function placed(from: Standing, order: string | null, at: EventTime): Standing {
  if (order !== null && (from.open.includes(order) || from.paid.includes(order))) return from;
  const stage = from.purchases > 0 ? REPURCHASE : ORDERING;
  const to = { ...from, open: [...from.open, order].slice(-KNOWN_ORDERS) };
  if (from.stage === stage) return to;
  return { ...to, stage, since: at, before: Math.max(from.stage, SEEDING) };
}

function paidFor(from: Standing, order: string | null, at: EventTime): Standing {
  if (order !== null && from.paid.includes(order)) return from;
  const stage = from.purchases > 0 ? REPURCHASE : PAYING;
  const to = {
    ...from,
    purchases: from.purchases + 1,
    open: without(from.open, order),
    paid: order === null ? from.paid : [...from.paid, order].slice(-KNOWN_ORDERS),
    before: 0,
  };
  return from.stage === stage ? to : { ...to, stage, since: at };
}

function cancelled(from: Standing, order: string | null, at: EventTime): Standing {
  const open = without(from.open, order);
  if (open.length === from.open.length) return from;
  if (open.length > 0 || from.before === 0) return { ...from, open };
  return { ...from, open, stage: from.before, since: at, before: 0 };
}

/** One order fewer: that of this id, else one without an id. */
function without(orders: readonly (string | null)[], order: string | null): (string | null)[] {
  const place = orders.includes(order) ? orders.indexOf(order) : orders.indexOf(null);
  return orders.filter((_, i) => i !== place);
}
