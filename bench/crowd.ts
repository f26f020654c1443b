import { setImmediate as turn } from "node:timers/promises";
import { scoringFunctions } from "../operators/scoring.ts";
import { SimulatedShop } from "../operators/simulated-shop/simulated-shop.ts";
import { openJob } from "../src/cli/open-job.ts";
import { type Identifier, makeIdentifier } from "../src/codec/identifier.ts";
import type { FlowGroup } from "../src/flow/flow-group.ts";
import { keyGroup } from "../src/flow/key-group.ts";
import { MemoryLog } from "../src/replay/memory-log.ts";
import { InlineScoring } from "../src/score/inline.ts";
import { unpacked } from "../src/state/packed.ts";
import { encodePlain } from "../src/state/plain.ts";
import { type Common, RowCoder } from "../src/state/row-coder.ts";
import { type EventTime, eventTime, millis, minutes, plus } from "../src/time/event-time.ts";
import { processorTime, randomBelow } from "./harness.ts";

const START = eventTime(Date.parse("2026-09-12T13:00:00+08:00"));
const KIND = "login";
const SKU = /"sku":"[^"]*"/g;
/** Events between two moments at which time passes for all. */
const TOGETHER = 500;
/** Ten thousand a second of log time: a shop of a million people has so many, and as few timers due meanwhile. */
const EVENTS_A_MS = 10;
/** Of the hash of an identifier, in the name of the person who was first seen by it. */
const PERSON_DIGITS = 16;

/** What is known of keys, as small as the engine has it: their states in rows, and timers as checkpoints write them. */
export interface Known {
  readonly common: Common;
  readonly rows: readonly Row[];
}
interface Row {
  readonly row: Uint8Array;
  readonly timers: readonly (string | number)[];
}

/** A message, its body as JSON. */
interface Told {
  readonly subject: string;
  readonly body: Buffer;
}

/** What an afternoon of the simulated shop leaves behind: persons and items, and what was said. */
export interface Afternoon {
  readonly people: Known;
  readonly items: Known;
  readonly facts: readonly Told[];
  readonly events: readonly Told[];
  readonly end: EventTime;
  /** Of rows and messages. */
  readonly bytes: number;
}

const scoring = new InlineScoring(scoringFunctions);

/** The shipped job in memory that knows the shop's goods, and nobody yet. */
async function openLog(facts: readonly Told[], onOutput: () => void) {
  const { job, config } = await openJob(undefined, {}, { trustRecv: true, quiet: true });
  const log = new MemoryLog(job, scoring, { frameSize: 128, onOutput });
  for (const { subject, body } of facts) append(log, subject, body, START);
  await log.settle();
  return { log, key: config.job.collect.tenantKey as string };
}

function append(log: MemoryLog, subject: string, data: Buffer, time: EventTime): void {
  log.append({ subject, data, contentType: "application/json", time, msgId: undefined });
}

export async function afternoon(count: number): Promise<Afternoon> {
  const shop = new SimulatedShop({ seed: 3, start: START, people: 12_000 });
  const facts = shop.facts().map(({ subject, body }) => ({ subject, body: asJson(body) }));
  const { log } = await openLog(facts, () => undefined);
  const events: Told[] = [];
  let at = START;
  for (; events.length < count; at = plus(at, minutes(1))) {
    for (const { subject, body } of shop.advance(at)) {
      if (!subject.startsWith("in.event.")) continue;
      append(log, subject, asJson({ ...body, ts: at, recv: at }), at);
      events.push({ subject, body: asJson(body) });
    }
    await log.settle();
  }
  const people = knownOf(log.job.shoppers, "p_");
  const items = knownOf(log.job.demands, "item:");
  const kept = [...people.rows, ...items.rows].map(({ row }) => row.length);
  const told = [...facts, ...events].map(({ body }) => body.length);
  const bytes = [...kept, ...told].reduce((sum, length) => sum + length, 0);
  return { people, items, facts, events, end: at, bytes };
}

const asJson = (body: object): Buffer => Buffer.from(JSON.stringify(body));

/** Of the keys that begin so. */
function knownOf(groups: readonly FlowGroup[], prefix: string): Known {
  const coder = new RowCoder();
  const nothing = coder.commonSize;
  const rows: Row[] = [];
  for (const { task } of groups) {
    for (const [key, timers] of timersOf(task)) {
      if (key?.startsWith(prefix) !== true) continue;
      const states = task.operators.map(([name]) => task.stateOf(name, key));
      if (states.every((state) => state === undefined)) continue;
      rows.push({ row: coder.pack(states).slice(), timers });
    }
  }
  return { common: coder.commonSince(nothing), rows };
}

/** All keys of a task with their timers, as a checkpoint has them. */
function* timersOf(task: FlowGroup["task"]): Generator<[string | null, Row["timers"]]> {
  const pieces: Uint8Array[] = [];
  for (const piece of task.parts()[0]?.cut(true).pieces() ?? []) {
    if (piece !== undefined) pieces.push(piece.bytes);
  }
  for (const entry of unpacked(Buffer.concat(pieces))) {
    const [key, , timers] = entry as [string | null, unknown, Row["timers"]];
    yield [key, timers];
  }
}

/** Copies of those who were there, under keys of their own, restored as from a checkpoint. */
function populate(
  groups: readonly FlowGroup[],
  { common: { names, dictionary }, rows }: Known,
  keys: Iterable<string>,
): void {
  const waiting = groups.map((): Uint8Array[] => [encodePlain([null, names, dictionary])]);
  const flush = (g: number): void => {
    groups[g]?.task.parts()[0]?.restore(Buffer.concat(waiting[g] ?? []), 0);
    waiting[g] = [];
  };
  let i = 0;
  for (const key of keys) {
    const { row, timers } = rows[i % rows.length] as Row;
    const g = keyGroup(key, groups.length);
    const entry = encodePlain([key, row, timers]);
    if ((waiting[g]?.push(entry) ?? 0) >= 500) flush(g);
    i += 1;
  }
  groups.forEach((_, g) => {
    flush(g);
  });
}

const loginOf = (i: number): string => `somebody-of-the-bench-${i}`;
const skuOf = (i: number): string => `sku-of-the-bench-${i}`;

/**
 * People and items after an afternoon, and its events anew for anybody of them, through the three flows in
 * memory. What `collect` remembers of identifiers it learns as they come; the catalogue is the shop's,
 * however many items there are.
 */
export class Crowd {
  readonly #from: Afternoon;
  readonly #log: MemoryLog;
  readonly #identify: (login: string) => string;
  readonly #below = randomBelow(9);
  #people = 0;
  #items = 0;
  #sent = 0;
  #now: EventTime;

  /** Nobody is there until they are let in. */
  static async open(from: Afternoon, onOutput = () => {}): Promise<Crowd> {
    const { log, key } = await openLog(from.facts, onOutput);
    return new Crowd(from, log, makeIdentifier({ key }));
  }
  private constructor(from: Afternoon, log: MemoryLog, identifier: Identifier) {
    this.#from = from;
    this.#log = log;
    this.#identify = (login) => identifier.identify(KIND, login);
    this.#now = from.end;
  }

  /** Once, before anybody else comes. */
  letPeopleIn(count: number): void {
    const keyOf = (i: number) => `p_${this.#identify(loginOf(i)).slice(0, PERSON_DIGITS)}`;
    populate(this.#log.job.shoppers, this.#from.people, keysOf(count, keyOf));
    this.#people = count;
  }
  /** Once, before any other item comes. */
  letItemsIn(count: number): void {
    const keyOf = (i: number) => `item:${skuOf(i)}`;
    populate(this.#log.job.demands, this.#from.items, keysOf(count, keyOf));
    this.#items = count;
  }

  /** People of whom something is known. */
  get known(): number {
    return this.#log.job.shoppers.reduce((sum, { task }) => sum + task.keys, 0);
  }

  /** Lets the last minute of the afternoon end for all who came in; seconds of processor time that what was due took. */
  async endMinute(): Promise<number> {
    const taken = processorTime();
    await this.#log.advance(this.#now);
    return taken();
  }

  /** Events that come many at a time; how many a second of processor time, the collector's included. */
  async rate(events: number): Promise<number> {
    const messages = this.#next(events, EVENTS_A_MS);
    const taken = processorTime();
    for (const [i, [subject, body, time]] of messages.entries()) {
      append(this.#log, subject, body, time);
      if ((i + 1) % TOGETHER !== 0) continue;
      await this.#log.advance(time);
      await turn();
    }
    await this.#log.settle();
    return events / taken();
  }

  /**
   * One event at a time: milliseconds from being handed over until everything that it leads to has been
   * said, by demand too, for which time passes to that of the event.
   */
  async waits(events: number): Promise<number[]> {
    const waits: number[] = [];
    for (const [subject, body, time] of this.#next(events, 1)) {
      const begun = performance.now();
      append(this.#log, subject, body, time);
      await this.#log.advance(time);
      waits.push(performance.now() - begun);
      if (waits.length % TOGETHER === 0) await turn();
    }
    return waits;
  }

  /** The next events of the afternoon, each of anybody and about anything. */
  #next(count: number, aMs: number): (readonly [subject: string, body: Buffer, time: EventTime])[] {
    const { events } = this.#from;
    const anything = () => `"sku":"${skuOf(this.#below(this.#items))}"`;
    const before = this.#now;
    return Array.from({ length: count }, (_, i) => {
      const { subject, body } = events[this.#sent % events.length] as Told;
      const ids = [{ k: KIND, v: loginOf(this.#below(this.#people)) }];
      this.#now = plus(before, millis(1 + Math.floor(i / aMs)));
      const anew = { id: `bench-${this.#sent}`, ts: this.#now, recv: this.#now, ids };
      const told = JSON.stringify({ ...JSON.parse(body.toString()), ...anew });
      this.#sent += 1;
      return [subject, Buffer.from(told.replace(SKU, anything)), this.#now] as const;
    });
  }
}

function* keysOf(count: number, keyOf: (i: number) => string): Generator<string> {
  for (let i = 0; i < count; i += 1) yield keyOf(i);
}
