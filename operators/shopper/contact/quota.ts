import type { ContactPolicy, MessageClass, Way } from "../../../src/config/rule-ast.ts";
import type { EventTime } from "../../../src/time/event-time.ts";
import type { LocalTime } from "../../../src/time/local-time.ts";
import { kept, withOne, without } from "../records.ts";
import { isSpent, spend, type Usage, usedOf } from "./limit.ts";

/** What the platforms let through to one person. Plain data. */
export interface Ledger {
  /** By channel, way and limit. */
  used: Readonly<Record<string, Usage>>;
  /** By channel, way and grant: how many are left, and until when (0: for ever). */
  grants: Readonly<Record<string, [left: number, until: EventTime]>>;
}

export const noLedger = (): Ledger => ({ used: {}, grants: {} });

/** A way that is open, with what is used of its limits before a message goes. */
export interface OpenWay {
  readonly way: Way | null;
  readonly shown: Readonly<Record<string, string>>;
}

/** The first way of a channel for this class that has something left; undefined when none has. */
export function openWay(
  ledger: Ledger,
  policy: ContactPolicy,
  channel: string,
  of: MessageClass,
  at: EventTime,
  local: LocalTime,
): OpenWay | undefined {
  const ways = policy.quotas[channel];
  if (ways === undefined) return { way: null, shown: {} };
  const way = ways.find(
    (one) => one.classes.includes(of) && isOpen(ledger, channel, one, at, local),
  );
  return way === undefined ? undefined : { way, shown: shownOf(ledger, channel, way, at, local) };
}

function isOpen(ledger: Ledger, channel: string, way: Way, at: EventTime, local: LocalTime) {
  const spent = way.limits.some((limit) =>
    isSpent(ledger.used[limitKey(channel, way, limit.every)], limit, at, local),
  );
  if (spent) return false;
  return (
    way.grants.length === 0 || way.grants.some((_, i) => leftOf(ledger, channel, way, i, at) > 0)
  );
}

function leftOf(ledger: Ledger, channel: string, way: Way, i: number, at: EventTime): number {
  const [left, until] = ledger.grants[grantKey(channel, way, i)] ?? [0, 0];
  return until === 0 || at <= until ? left : 0;
}

/** One message by a way. Grants do not add up: it counts against each that is in force. */
export function useWay(
  ledger: Ledger,
  channel: string,
  way: Way,
  at: EventTime,
  local: LocalTime,
): void {
  for (const limit of way.limits) {
    const key = limitKey(channel, way, limit.every);
    ledger.used = withOne(ledger.used, key, spend(ledger.used[key], limit, at, local));
  }
  way.grants.forEach((_, i) => {
    const key = grantKey(channel, way, i);
    const [left, until] = ledger.grants[key] ?? [0, 0 as EventTime];
    ledger.grants =
      left <= 1 ? without(ledger.grants, key) : withOne(ledger.grants, key, [left - 1, until]);
  });
}

/** Takes in an event that meets these matchers: grants it gives or takes back. */
export function hearGrants(
  ledger: Ledger,
  policy: ContactPolicy,
  met: readonly number[],
  at: EventTime,
): void {
  for (const [channel, ways] of Object.entries(policy.quotas)) {
    for (const way of ways) {
      for (const [i, grant] of way.grants.entries()) {
        if (!met.includes(grant.of.index)) continue;
        if (grant.revokes) revoke(ledger, channel, way);
        else give(ledger, channel, way, i, at);
      }
    }
  }
}

function revoke(ledger: Ledger, channel: string, way: Way): void {
  for (const i of way.grants.keys())
    ledger.grants = without(ledger.grants, grantKey(channel, way, i));
}

function give(ledger: Ledger, channel: string, way: Way, i: number, at: EventTime): void {
  const grant = way.grants[i];
  if (grant === undefined) return;
  const left = leftOf(ledger, channel, way, i, at);
  const next = grant.adds ? left + grant.max : Math.max(left, grant.max);
  const until = (grant.within === undefined ? 0 : at + grant.within) as EventTime;
  if (next > 0) ledger.grants = withOne(ledger.grants, grantKey(channel, way, i), [next, until]);
}

/** Drops what can no longer count. */
export function pruneLedger(ledger: Ledger, at: EventTime): void {
  ledger.grants = kept(ledger.grants, ([, until]) => until === 0 || until >= at);
}

const limitKey = (channel: string, { id }: Way, every: unknown): string =>
  `${channel}/${id}/${every}`;
const grantKey = (channel: string, { id }: Way, i: number): string => `${channel}/${id}/${i}`;

/** `{wecom_month: "1/4"}`: used and allowed. */
function shownOf(ledger: Ledger, channel: string, way: Way, at: EventTime, local: LocalTime) {
  const shown: Record<string, string> = {};
  for (const limit of way.limits) {
    const used = usedOf(ledger.used[limitKey(channel, way, limit.every)], limit, at, local);
    const name = typeof limit.every === "number" ? `${limit.every}ms` : limit.every;
    shown[`${channel}_${name}`] = `${used}/${limit.max}`;
  }
  if (way.grants.length > 0) {
    const left = Math.max(...way.grants.map((_, i) => leftOf(ledger, channel, way, i, at)));
    shown[`${channel}_granted`] = String(left);
  }
  return shown;
}
