import type { EventTime } from "../../src/time/event-time.ts";
import { firstText, precedence, type ShopEvent } from "../event.ts";
import { insertAt } from "./insert.ts";

/** One step of a person's way: where, what, about which thing, in which session. */
export interface PathStep {
  at: EventTime;
  touchpoint: string;
  type: string;
  /** The sku, content, live, query, page … that the act was about; null when it names none. */
  about: string | null;
  session: string | null;
}

/** What an act is about: the first of these properties that it has. */
const ABOUT = precedence([
  "sku",
  "content_id",
  "live_id",
  "query",
  "path",
  "order_id",
  "category",
  "topic",
  "group_id",
  "coupon_id",
  "service",
  "scene",
  "key",
]);
const MAX_ABOUT = 64;

export function stepOf(event: ShopEvent, session: string | null): PathStep {
  const { at, touchpoint, type } = event;
  const about = firstText(event, ABOUT)?.slice(0, MAX_ABOUT) ?? null;
  return { at, touchpoint, type, about, session };
}

/** Puts a step in by its time, behind those of the same millisecond; only the last `limit` stay. */
export function extendPath(path: PathStep[], step: PathStep, limit: number): void {
  let place = path.length;
  while (place > 0 && (path[place - 1]?.at ?? step.at) > step.at) place -= 1;
  insertAt(path, place, step);
  if (path.length > limit) path.shift();
}
