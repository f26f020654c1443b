import { createHash } from "node:crypto";
import type { ShopMessage } from "../../../operators/simulated-shop/message.ts";
import {
  type ShopOptions,
  SimulatedShop,
} from "../../../operators/simulated-shop/simulated-shop.ts";
import { type EventTime, eventTime, hours } from "../../../src/time/event-time.ts";

/** Saturday 13:00 in Shanghai. */
export const START = eventTime(Date.parse("2026-09-12T13:00:00+08:00"));
export const at = (ms: number): EventTime => eventTime(START + ms);

export interface Behaviour {
  readonly subject: string;
  readonly id: string;
  readonly type: string;
  readonly ts: number;
  readonly recv: number;
  readonly touchpoint: string;
  readonly ids: readonly { readonly k: string; readonly v: string }[];
  readonly props: Readonly<Record<string, unknown>>;
}

export const openShop = (options: Partial<ShopOptions> = {}): SimulatedShop =>
  new SimulatedShop({ seed: 7, start: START, people: 1200, ...options });

/** A small afternoon, in one go. */
export const afternoon = (options: Partial<ShopOptions> = {}): ShopMessage[] =>
  openShop(options).advance(at(hours(5)));

/** The behaviour events that trackers meant to send: no spoilt ones, each once. */
export function behaviours(messages: readonly ShopMessage[]): Behaviour[] {
  const seen = new Set<string>();
  const found: Behaviour[] = [];
  for (const { subject, body } of messages) {
    const id = String(body["id"]);
    if (!subject.startsWith("in.event.") || isSpoilt(id) || seen.has(id)) continue;
    seen.add(id);
    found.push({ ...(body as unknown as Behaviour), subject });
  }
  return found;
}

export const isSpoilt = (id: string): boolean => id.endsWith("-x");

export function fingerprint(messages: readonly ShopMessage[]): string {
  const hash = createHash("sha256");
  for (const { subject, body } of messages) hash.update(`${subject} ${JSON.stringify(body)}\n`);
  return hash.digest("hex");
}
