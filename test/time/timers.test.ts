import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { decode, encode } from "@msgpack/msgpack";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type EventTime, eventTime, MAX_TIME, MIN_TIME } from "../../src/time/event-time.ts";
import type { KeyTimer } from "../../src/time/sleeping-timers.ts";
import { type PendingTimer, Timers } from "../../src/time/timers.ts";

/** The contract, slowly: a list sorted on every look. */
class SortedTimers {
  list: PendingTimer[] = [];
  set(owner: number, key: string, name: string, at: EventTime): void {
    this.clear(owner, key, name);
    this.list.push({ owner, key, name, at });
  }
  clear(owner: number, key: string, name: string): void {
    this.list = this.list.filter((t) => t.owner !== owner || t.key !== key || t.name !== name);
  }
  clearKey(owner: number, key: string): void {
    this.list = this.list.filter((t) => t.owner !== owner || t.key !== key);
  }
  /** Which sleep never shows. */
  sleep(): void {}
  replace(key: string, timers: readonly KeyTimer[]): void {
    this.list = this.list.filter((t) => t.key !== key);
    for (const { owner, name, at } of timers) this.set(owner, key, name, at);
  }
  allOf(key: string): PendingTimer[] {
    return this.list.filter((t) => t.key === key);
  }
  sorted(): PendingTimer[] {
    const text = (a: string, b: string) => (a === b ? 0 : a < b ? -1 : 1);
    return [...this.list].sort(
      (a, b) => a.at - b.at || text(a.key, b.key) || a.owner - b.owner || text(a.name, b.name),
    );
  }
  pop(upTo: EventTime): PendingTimer | undefined {
    const first = this.sorted()[0];
    if (first === undefined || first.at > upTo) return undefined;
    this.clear(first.owner, first.key, first.name);
    return first;
  }
}

const owner = fc.integer({ min: 0, max: 2 });
const key = fc.constantFrom("", "a", "b", "ab", "鞋", "\u{1f45f}", "\uffff");
const name = fc.constantFrom("", "n", "m", "bn", "窗");
/** Some lie farther apart than a number can tell. */
const at = fc.oneof(
  { weight: 30, arbitrary: fc.integer({ min: -20, max: 40 }).map(eventTime) },
  { weight: 1, arbitrary: fc.constantFrom(MIN_TIME, MAX_TIME) },
);
const command = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(fc.constant("set" as const), owner, key, name, at) },
  { weight: 2, arbitrary: fc.tuple(fc.constant("clear" as const), owner, key, name, at) },
  { weight: 1, arbitrary: fc.tuple(fc.constant("clearKey" as const), owner, key, name, at) },
  { weight: 2, arbitrary: fc.tuple(fc.constant("pop" as const), owner, key, name, at) },
  { weight: 3, arbitrary: fc.tuple(fc.constant("sleep" as const), owner, key, name, at) },
  { weight: 1, arbitrary: fc.tuple(fc.constant("replace" as const), owner, key, name, at) },
  { weight: 1, arbitrary: fc.tuple(fc.constant("restore" as const), owner, key, name, at) },
);

const commands = fc.array(command, { maxLength: 120, size: "max" });

type Command = typeof command extends fc.Arbitrary<infer T> ? T : never;

/** None, one, or a few, by chance. */
const replacing = (owner: number, name: string, at: EventTime): KeyTimer[] =>
  [0, 1, 2].slice(0, name.length * 3).map((i) => ({ owner: (owner + i) % 3, name, at }));

function apply(timers: Timers | SortedTimers, [what, o, k, n, t]: Command): void {
  if (what === "set") timers.set(o, k, n, t);
  else if (what === "clear") timers.clear(o, k, n);
  else if (what === "sleep") timers.sleep(k);
  else if (what === "replace") timers.replace(k, replacing(o, n, t));
  else timers.clearKey(o, k);
}

/** `look`: also at what moves them to get ready. */
function expectSame(timers: Timers, slow: SortedTimers, one: Command, look: boolean): void {
  const [what, o, k, n] = one;
  const [first] = slow.sorted();
  if (look) {
    expect(byOwner(timers.allOf(k))).toEqual(byOwner(slow.allOf(k)));
    expect(timers.peekKey()).toBe(first?.key);
  }
  expect(timers.size).toBe(slow.list.length);
  expect(timers.peekTime()).toBe(first?.at);
  // It would wake.
  if (what === "sleep") return;
  const same = slow.list.find((x) => x.owner === o && x.key === k && x.name === n);
  expect(timers.get(o, k, n)).toBe(same?.at);
}

const byOwner = (timers: readonly KeyTimer[]) =>
  timers.map(({ owner, name, at }) => `${owner} ${name} ${at}`).sort();

const drained = (timers: Timers): PendingTimer[] => {
  const all: PendingTimer[] = [];
  for (let t = timers.pop(MAX_TIME); t !== undefined; t = timers.pop(MAX_TIME)) all.push(t);
  return all;
};

describe("timers", () => {
  test("behave like a sorted list under any commands, restored at any step", () => {
    fc.assert(
      fc.property(commands, fc.boolean(), (list, look) => {
        let timers = new Timers();
        const slow = new SortedTimers();
        for (const one of list) {
          const [what, , , , t] = one;
          if (what === "pop") expect(timers.pop(t)).toEqual(slow.pop(t));
          else if (what !== "restore") for (const each of [timers, slow]) apply(each, one);
          else timers = Timers.restore(decode(encode(timers.snapshot())));
          expectSame(timers, slow, one, look);
        }
        expect(drained(timers)).toEqual(slow.sorted());
      }),
    );
  });

  test("a snapshot does not depend on the order in which timers were set", () => {
    const timer = fc.tuple(owner, key, name, at);
    const distinct = fc.uniqueArray(timer, { selector: ([o, k, n]) => `${o}|${k}|${n}` });
    fc.assert(
      fc.property(distinct, (list) => {
        const [forth, back] = [new Timers(), new Timers()];
        for (const [o, k, n, t] of list) forth.set(o, k, n, t);
        for (const [o, k, n, t] of list.toReversed()) back.set(o, k, n, t);
        expect(forth.snapshot()).toEqual(back.snapshot());
      }),
    );
  });

  test("survive growing to many and shrinking to few", () => {
    const timers = new Timers();
    const due = (i: number) => eventTime((i * 7919) % 5003);
    for (let i = 0; i < 20_000; i++) timers.set(i % 3, `k${i % 7000}`, `n${i}`, due(i));
    for (let i = 0; i < 20_000; i++)
      if (i % 100 !== 0) timers.clear(i % 3, `k${i % 7000}`, `n${i}`);
    expect(timers.size).toBe(200);
    const left = drained(timers);
    expect(left.map((t) => t.at)).toEqual(left.map((t) => t.at).sort((a, b) => a - b));
    expect(new Set(left.map((t) => t.name)).size).toBe(200);
  });

  test("those of a key are told by owner, also while the first of them is being handled", () => {
    fc.assert(
      fc.property(commands, owner, key, (list, o, k) => {
        const timers = new Timers();
        const slow = new SortedTimers();
        for (const [what, by, of, n, t] of list) {
          if (what === "sleep") timers.sleep(of);
          else if (what === "pop") {
            timers.pop(t);
            slow.pop(t);
          } else {
            timers.set(by, of, n, t);
            slow.set(by, of, n, t);
          }
        }
        const all = byOwner(slow.allOf(k));
        expect(byOwner(timers.allOf(k))).toEqual(all);
        const mine = slow.list.filter((timer) => timer.owner === o && timer.key === k);
        expect(new Map(timers.ofKey(o, k))).toEqual(new Map(mine.map((t) => [t.name, t.at])));
        expect(new Set(timers.keys())).toEqual(new Set(slow.list.map((t) => t.key)));
      }),
    );
  });

  test("many that are due together come in order, whatever is set while they fire", () => {
    const timers = new Timers();
    const slow: string[] = [];
    for (let i = 0; i < 3000; i++) {
      const name = `k${(i * 7919) % 3000}`;
      timers.set(0, name, "n", eventTime(i % 3));
      slow.push(`${i % 3} ${name}`);
    }
    const fired: string[] = [];
    for (let t = timers.pop(MAX_TIME); t !== undefined; t = timers.pop(MAX_TIME)) {
      fired.push(`${t.at} ${t.key}`);
      if (t.at === 1 && fired.length % 2 === 0) timers.clear(0, t.key, "later");
      if (t.at === 0) timers.set(0, t.key, "later", eventTime(fired.length % 2));
    }
    const again = fired.filter((one, i) => one === fired[i - 1]);
    expect(again.length).toBeGreaterThan(0);
    const once = new Set(fired);
    for (const one of slow) expect(once.has(one), one).toBe(true);
    for (const [i, one] of fired.entries()) expect(one >= (fired[i - 1] ?? "")).toBe(true);
  });

  test("a timer out of a million takes at most 200 bytes", () => {
    setFlagsFromString("--expose-gc");
    const collect: () => void = runInNewContext("gc");
    collect();
    const keys = Array.from({ length: 250_000 }, (_, i) => `p_${i.toString(16)}`);
    const usage = () => process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers;
    const before = usage();
    const timers = new Timers();
    for (let i = 0; i < 1_000_000; i++) {
      timers.set(i & 3, keys[i >> 2] ?? "", "idle", eventTime(i));
    }
    collect();
    expect((usage() - before) / timers.size).toBeLessThan(200);
  });

  test("a key that sleeps takes a fraction of its timers' bytes", () => {
    setFlagsFromString("--expose-gc");
    const collect: () => void = runInNewContext("gc");
    const usage = () => {
      collect();
      collect();
      return process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers;
    };
    const before = usage();
    const timers = new Timers();
    for (let i = 0; i < 60_000; i++) {
      const own = Array.from({ length: 12 }, (_, n) => ({
        owner: n,
        name: "quiet",
        at: due(i + n),
      }));
      timers.replace(`p_${i.toString(16)}`, own);
    }
    expect(timers.size).toBe(12 * 60_000);
    expect((usage() - before) / 60_000).toBeLessThan(600);
  });
});

const due = (seconds: number): EventTime => eventTime(1_790_000_000_000 + seconds * 1000);
