import type { DemandRecord, PartialCounts } from "../../../operators/demand/partial.ts";
import type { Hop, Node, Operator } from "../../../src/flow/operator.ts";
import { type Played, type PlayOptions, play, type ScriptLine } from "../../support/play.ts";

/** 2026-01-05T00:00:00Z, a Monday; every test's time counts from here. */
export const T0 = Date.UTC(2026, 0, 5);

export interface Line {
  readonly at: number;
  readonly key: string;
  readonly payload: PartialCounts;
}

/**
 * Runs demand operators as their flow does: records in time order, timers between them, late ones
 * (in their place in the list) behind the watermark.
 */
export function playDemand(
  nodes: readonly Node[],
  lines: readonly (Line | { readonly fact: readonly [string, string, unknown] })[],
  until: number,
  options: PlayOptions = {},
): Promise<Played> {
  const script: ScriptLine[] = [];
  lines.forEach((line, i) => {
    if ("fact" in line) {
      script.push(line);
      return;
    }
    const { at, key, payload } = line;
    const cause = `c${i}`;
    const record = { key, time: at, cause, payload } as unknown as DemandRecord;
    script.push({ watermark: at - 1 }, { at, key, event: record, id: cause });
  });
  script.push({ watermark: until });
  return play(nodes, script, { ...options, ordered: true });
}

/** Publishes whatever reaches it, so that a test can see what an operator emitted. */
export function probe(name: string): Operator<object, object, number[]> {
  return {
    name,
    version: 1,
    order: "event-time",
    key: () => name,
    init: () => [],
    onEvent(event, state, ctx) {
      ctx.emit(event);
      return state;
    },
    publish: (out) => ({ subject: name, data: out as Record<string, unknown> }),
  };
}

/** Views of an item in one second. */
export const views = (since: number, count: number): PartialCounts => [
  "item",
  [since, 100, 100],
  [["", count, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
];
/** An item row with the named measures. */
export function itemRow(
  region: string,
  of: { views?: number; carts?: number; favs?: number; orders?: number; qty?: number } & {
    content?: number;
    searches?: number;
    recViews?: number;
    recCarts?: number;
  },
): readonly [string, ...number[]] {
  const { views = 0, carts = 0, favs = 0, orders = 0, qty = orders } = of;
  const { content = 0, searches = 0, recViews = 0, recCarts = 0 } = of;
  return [region, views, 0, carts, favs, orders, qty, content, searches, recViews, recCarts, 0];
}

export const keysOf = (hops: readonly Hop[]): string[] => hops.map((hop) => hop.key);
