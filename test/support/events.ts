import { createReadStream, existsSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { ShopMessage } from "../../operators/simulated-shop/message.ts";
import { SimulatedShop } from "../../operators/simulated-shop/simulated-shop.ts";
import {
  type EventTime,
  eventTime,
  type Millis,
  plus,
  seconds,
} from "../../src/time/event-time.ts";
import { ROOT } from "./job.ts";

/** Saturday 13:00 in Shanghai. */
export const SHOP_OPENS = eventTime(Date.parse("2026-09-12T13:00:00+08:00"));

/** Two hours of real behaviour; not part of this repository, so a checkout alone has not got it. */
export const TAOBAO = join(ROOT, "..", "shared", "data", "taobao", "UserBehavior-2h.csv");
export const hasTaobao = existsSync(TAOBAO);
export const NO_TAOBAO = `${TAOBAO} is not there`;

/** A message of the shop as a line of a file that `replay --format events` reads. */
export const shopLine = ({ subject, body }: ShopMessage): string =>
  JSON.stringify({ subject, data: body });

export interface ShopRun {
  readonly seed: number;
  readonly people: number;
  readonly rate?: number;
  readonly items?: number;
  readonly lasts: Millis;
}

export const openShop = ({ lasts: _lasts, ...options }: ShopRun): SimulatedShop =>
  new SimulatedShop({ ...options, start: SHOP_OPENS });

/** Everything the shop says, second by second: what it hears meanwhile changes what it says next. */
export function* shopMessages(shop: SimulatedShop, lasts: Millis): Generator<ShopMessage> {
  yield* shop.facts();
  const end = plus(SHOP_OPENS, lasts);
  for (let at: EventTime = SHOP_OPENS; at <= end; at = plus(at, seconds(1)))
    yield* shop.advance(at);
}

/** The first `count` lines of a file. */
export async function firstLines(path: string, count: number): Promise<string[]> {
  const lines: string[] = [];
  const file = createInterface({ input: createReadStream(path) });
  for await (const line of file) {
    if (lines.push(line) >= count) break;
  }
  return lines;
}
