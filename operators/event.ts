import type { EventTime } from "../src/time/event-time.ts";

export type PropValue =
  | string
  | number
  | boolean
  | null
  | readonly PropValue[]
  | { readonly [k: string]: PropValue };

/** A behaviour event as the shopper flow sees it: validated, clock-corrected, without identifiers. */
export interface ShopEvent {
  /** 32 hex digits, derived by collect; the cause of whatever the event sets off. */
  readonly id: string;
  /** Of the event dictionary: `product.viewed`, `order.paid`, `feedback.clicked` … */
  readonly type: string;
  readonly at: EventTime;
  /** Broker time of its record in `IN`. */
  readonly recv: EventTime;
  /** Pseudonym, `p_` and 16 hex digits. */
  readonly person: string;
  /** `mp`, `gzh`, `channels`, `wecom`, `group`, `pay`, `page`, `pos`, `ec`, `erp` or `unknown`. */
  readonly touchpoint: string;
  /** The tracker's own session id, where it sent one. */
  readonly session: string | undefined;
  /** As the tracking plan allows them: declared properties only, right types, units as declared. */
  readonly props: Readonly<Record<string, PropValue>>;
  /** The tracker's own event id (pseudonymous by nature), for evidence. */
  readonly clientId: string;
  /** Kinds and pseudonyms of its identifiers, where one of them became the person's with it. */
  readonly ids?: readonly (readonly [kind: string, pseudonym: string])[] | undefined;
}

/** The intents of the shop, in the order every vector of probabilities uses. */
export const INTENTS = [
  "browse",
  "compare_price",
  "learn_features",
  "buy",
  "seek_aftersales",
] as const;
export type Intent = (typeof INTENTS)[number];

export function textProp(event: Pick<ShopEvent, "props">, name: string): string | undefined {
  const value = event.props[name];
  return typeof value === "string" ? value : undefined;
}

/** Names of properties, each with its place. */
export type Precedence = ReadonlyMap<string, number>;
export const precedence = (names: readonly string[]): Precedence =>
  new Map(names.map((name, place) => [name, place]));

/**
 * The text of the first of these names that an event has one for: by going through the few properties
 * it has, as asking for one it has not takes longest.
 */
export function firstText(
  { props }: Pick<ShopEvent, "props">,
  names: Precedence,
): string | undefined {
  let first: string | undefined;
  let least = names.size;
  for (const name in props) {
    const place = names.get(name);
    if (place === undefined || place >= least) continue;
    const value = props[name];
    if (typeof value !== "string") continue;
    first = value;
    least = place;
  }
  return first;
}

export function numberProp(event: ShopEvent, name: string): number | undefined {
  const value = event.props[name];
  return typeof value === "number" ? value : undefined;
}
