import type { Cancel } from "../../../src/config/condition-ast.ts";
import type { EventTime } from "../../../src/time/event-time.ts";
import type { ShopEvent } from "../../event.ts";
import { insertAt } from "../insert.ts";
import { withOne } from "../records.ts";
import { valuesOf } from "./bound.ts";
import type { Histories, Leaf } from "./leaf.ts";
import { leafKey } from "./leaf-key.ts";

/** Something that cancels: when it was, and the tracker's id of it. */
export type Cancelled = [at: EventTime, id: string];
/** By partition; `*` is of all partitions. */
type CancelHistory = Record<string, Cancelled[]>;

const EVERY = "*";
/** Partitions, and cancellings of each, that may still meet something late; the oldest go first. */
const KEPT_PARTITIONS = 64;
const KEPT_CANCELS = 16;

/** What cancels, remembered once for all that it may cancel: whatever waits reads it. */
export function cancelLeaf(of: readonly Cancel[], key: readonly string[]): Leaf<CancelHistory> {
  return {
    key: leafKey("cancel", of, key),
    listens: of.map((cancel) => cancel.of.index),
    follows: null,
    add(history, { event, met }) {
      let all = history;
      for (const partition of cancelledBy(of, key, event, met)) {
        all ??= {};
        const list = all[partition] ?? [];
        all[partition] = list;
        let place = list.length;
        while (place > 0 && (list[place - 1] as Cancelled)[0] > event.at) place -= 1;
        insertAt(list, place, [event.at, event.clientId]);
        if (list.length > KEPT_CANCELS) list.shift();
        const names = Object.keys(all);
        if (names.length > KEPT_PARTITIONS) delete all[oldest(all, names)];
      }
      return all;
    },
    join(into, from) {
      for (const [partition, list] of Object.entries(from)) {
        const all = [...(into[partition] ?? []), ...list].sort((a, b) => a[0] - b[0]);
        into[partition] = all.slice(-KEPT_CANCELS);
      }
      for (let names = Object.keys(into); names.length > KEPT_PARTITIONS; ) {
        delete into[oldest(into, names)];
        names = Object.keys(into);
      }
      return into;
    },
    thin(history, horizon) {
      for (const [partition, list] of Object.entries(history)) {
        const kept = list.filter(([at]) => at >= horizon);
        if (kept.length === 0) delete history[partition];
        else history[partition] = kept;
      }
      return Object.keys(history).length === 0 ? undefined : history;
    },
  };
}

/** What cancels a partition, or all of them. */
export function cancelsOf(leaf: Leaf | undefined, all: Histories, partition: string): Cancelled[] {
  const history = leaf === undefined ? undefined : (all[leaf.key] as CancelHistory | undefined);
  if (history === undefined) return [];
  return [...(history[partition] ?? []), ...(history[EVERY] ?? [])];
}

/** Of all partitions the newest that are remembered, each once, oldest first. */
export function allCancels(leaf: Leaf | undefined, all: Histories): Cancelled[] {
  const history = leaf === undefined ? undefined : (all[leaf.key] as CancelHistory | undefined);
  const each = new Map(Object.values(history ?? {}).flatMap((list) => list.map((c) => [c[1], c])));
  return [...each.values()].sort((a, b) => a[0] - b[0]).slice(-KEPT_CANCELS);
}

function cancelledBy(
  of: readonly Cancel[],
  key: readonly string[],
  event: ShopEvent,
  met: readonly number[],
): ReadonlySet<string> {
  const partitions = new Set<string>();
  for (const cancel of of) {
    if (!met.includes(cancel.of.index)) continue;
    if (cancel.match.length === 0) partitions.add(EVERY);
    else for (const [partition] of partitionsOf(event, key)) partitions.add(partition);
  }
  return partitions;
}

function oldest(history: CancelHistory, names: readonly string[]): string {
  const lastOf = (name: string) => history[name]?.at(-1)?.[0] ?? 0;
  return names.reduce((a, b) => (lastOf(b) < lastOf(a) ? b : a));
}

/** Each combination of the values that an event has for the key; none when it lacks one. */
export function partitionsOf(
  event: ShopEvent,
  key: readonly string[],
): (readonly [partition: string, values: Readonly<Record<string, string>>])[] {
  let all: Readonly<Record<string, string>>[] = [{}];
  for (const name of key) {
    const values = valuesOf(event, name);
    const longer: typeof all = [];
    for (const one of all) for (const value of values) longer.push(withOne(one, name, value));
    all = longer;
  }
  return all.map((values) => [key.map((name) => values[name]).join("\n"), values]);
}
