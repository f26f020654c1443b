import type { CollectInput } from "../../../operators/collect/contract.ts";
import { json, msgpack, sent, T0 } from "./harness.ts";

/** splitmix32: a small generator of its own, so that a printed seed is the whole story. */
export function dice(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x9e3779b9) | 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return Math.floor((((z ^ (z >>> 15)) >>> 0) / 0x1_0000_0000) * below);
  };
}

export const pick = <T>(roll: (below: number) => number, from: readonly T[]): T =>
  from[roll(from.length)] as T;

/** Identifiers long and odd enough to be recognised wherever they stand. */
export const identifierOf = (kind: string, person: number): string =>
  `${kind.replace(/[^a-z]/g, "")}~Zq${person}Xw~${(person * 7919 + 104_729).toString(36)}K`;

const KINDS = ["unionid", "openid:wx1", "openid:wx2", "login", "device", "anon"];

function someIds(roll: (below: number) => number): { k: string; v: string }[] {
  const person = roll(40);
  return Array.from({ length: 1 + roll(3) }, () => {
    const k = pick(roll, KINDS);
    return { k, v: identifierOf(k, person) };
  });
}

function someEvent(
  roll: (below: number) => number,
  n: number,
  now: number,
): Record<string, unknown> {
  const kind = roll(4);
  const [type, props] = (
    [
      ["product.viewed", { sku: `s${roll(20)}`, dwell_ms: roll(60_000) }],
      ["searched", { query: pick(roll, ["跑鞋", "帐篷", "water bottle"]) }],
      ["order.paid", { order_id: `o${n}`, sku: `s${roll(20)}`, total_minor: roll(100_000) }],
      ["product.viewed", { sku: `s${roll(20)}`, note: "undeclared" }],
    ] as const
  )[kind] ?? ["searched", { query: "x" }];
  return {
    id: `good-${n}-${(n * 2_654_435_761) % 0x1_0000_0000}`,
    type,
    ts: roll(2) === 0 ? now - roll(8000) : new Date(now - roll(8000)).toISOString(),
    touchpoint: pick(roll, ["mp", "gzh", "channels", "kiosk"]),
    ids: someIds(roll),
    session: `session-${roll(9)}`,
    props,
    ...(roll(4) === 0 ? { sent: now - roll(1000) } : {}),
  };
}

/** Good traffic: single events and batches, JSON and msgpack, some facts, knowledge and ticks. */
export function goodTraffic(seed: number, records: number): CollectInput[] {
  const roll = dice(seed);
  let now = T0;
  let n = 0;
  return Array.from({ length: records }, (_, seq): CollectInput => {
    now += roll(400);
    const over = { seq: seq + 1, time: now, msgId: `m${seq}` };
    const form = roll(2) === 0 ? json : msgpack;
    switch (roll(20)) {
      case 0:
        return sent(form({ sku: `s${roll(20)}`, title: "鞋", price_minor: roll(9999) }), {
          ...over,
          subject: "in.fact.catalog.x",
        });
      case 1:
        return sent(form({ kind: "covisit", version: seq, entries: { s1: [["s2", roll(9)]] } }), {
          ...over,
          subject: `in.knowledge.covisit.${roll(3)}`,
        });
      case 2:
        return sent(new Uint8Array(0), { ...over, subject: "in.tick" });
      default: {
        const batch = Array.from({ length: 1 + roll(4) }, () => {
          n += 1;
          return someEvent(roll, n, now);
        });
        return sent(form(batch.length === 1 ? batch[0] : batch), over);
      }
    }
  });
}
