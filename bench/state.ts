import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { SimulatedShop } from "../operators/simulated-shop/simulated-shop.ts";
import { openScoring } from "../src/cli/open-job.ts";
import { keyGroup } from "../src/flow/key-group.ts";
import { taobaoLine } from "../src/replay/formats.ts";
import { MemoryLog } from "../src/replay/memory-log.ts";
import { Compact } from "../src/state/compact.ts";
import { encodePlain } from "../src/state/plain.ts";
import { type EventTime, eventTime, minutes, plus, seconds } from "../src/time/event-time.ts";
import { ROOT, replayJob } from "../test/support/job.ts";
import { type BenchOptions, type Figure, median, type Report } from "./harness.ts";

/** What a typical person may take. */
const WANTED_BYTES = 1024;
const TAOBAO = join(ROOT, "..", "shared", "data", "taobao", "UserBehavior-2h.csv");
const START = eventTime(Date.parse("2026-09-12T13:00:00+08:00"));

/** Bytes of one person's state: by operator, and of the whole row before the dictionary makes it less. */
interface Weighed {
  readonly row: number;
  /** The same as msgpack. */
  readonly plain: number;
  readonly byOperator: ReadonlyMap<string, number>;
}

interface Happening {
  readonly subject: string;
  readonly body: string;
  readonly time: EventTime;
  readonly ids: unknown;
  /** Counts as an event of its person; facts do not. */
  readonly counts: boolean;
}

/**
 * How many bytes the shipped operators keep of a person: of the Taobao sample after its two hours,
 * and of people of the simulated shop, across all touchpoints, at their 10th and their 30th event.
 */
export async function state({ short }: BenchOptions): Promise<Report> {
  const figures: Figure[] = [];
  const tables: { title: string; rows: string[] }[] = [];
  const add = (title: string, people: readonly Weighed[], bound: boolean) => {
    if (people.length === 0) return;
    figures.push({
      name: `${title}: median of ${people.length} people`,
      value: median(people.map(({ row }) => row)),
      unit: "bytes",
      ...(bound ? { bound: { kind: "most", value: WANTED_BYTES } } : {}),
    });
    figures.push({
      name: `${title}: as msgpack`,
      value: median(people.map(({ plain }) => plain)),
      unit: "bytes",
    });
    tables.push({ title: `${title}: mean bytes by operator`, rows: shares(people) });
  };
  if (existsSync(TAOBAO)) {
    const [all = []] = await weigh(taobao(short ? 2_000 : 20_000), [Number.POSITIVE_INFINITY]);
    add("Taobao", all, true);
  }
  const [ten = [], thirty = []] = await weigh(simulated(short ? 1 : 3), [10, 30]);
  add("Simulated shop, at the 10th event", ten, true);
  add("Simulated shop, at the 30th event", thirty, false);
  return { comparisons: [], figures, tables };
}

function shares(people: readonly Weighed[]): string[] {
  const sums = new Map<string, number>();
  for (const { byOperator } of people)
    for (const [name, bytes] of byOperator) sums.set(name, (sums.get(name) ?? 0) + bytes);
  return [...sums]
    .sort(([, a], [, b]) => b - a)
    .map(([name, bytes]) => `${name.padEnd(14)} ${(bytes / people.length).toFixed(0).padStart(6)}`);
}

/** By each count of `at`, those who came so far, weighed right then; at the end for infinity. */
async function weigh(happenings: Iterable<Happening>, at: readonly number[]): Promise<Weighed[][]> {
  const job = await replayJob();
  const scoring = openScoring(0);
  const log = new MemoryLog(job, scoring, { frameSize: 128, onOutput: () => undefined });
  const compact = new Compact();
  const found = at.map((): Weighed[] => []);
  const counts = new Map<string, number>();
  let due: [string, number][] = [];
  const weighed = (person: string): Weighed => {
    const task = log.job.shoppers[keyGroup(person, job.groups)]?.task;
    if (task === undefined) throw new Error("no group has the person");
    const states = task.operators.map(([name]) => task.stateOf(name, person));
    const byOperator = new Map<string, number>();
    states.forEach((one, i) => {
      const name = task.operators[i]?.[0] ?? "";
      if (one !== undefined) byOperator.set(name, compact.encode(one).length);
    });
    const boxes = states.map((one) => (one === undefined ? null : [one]));
    const [row, plain] = [compact.encode(boxes).length, encodePlain(boxes).length];
    return { row, plain, byOperator };
  };
  const settle = async () => {
    await log.settle();
    for (const [person, place] of due) found[place]?.push(weighed(person));
    due = [];
  };
  let second = 0;
  for (const { subject, body, time, ids, counts: isEvent } of happenings) {
    if (Math.floor(time / 1000) > second) await settle();
    second = Math.max(second, Math.floor(time / 1000));
    const data = Buffer.from(body);
    const now = (second * 1000) as EventTime;
    log.append({ subject, data, contentType: "application/json", time: now, msgId: undefined });
    const person = isEvent ? job.intake.resolve(ids) : undefined;
    if (person === undefined) continue;
    const count = (counts.get(person) ?? 0) + 1;
    counts.set(person, count);
    const place = at.indexOf(count);
    if (place >= 0) due.push([person, place]);
  }
  await settle();
  const end = at.indexOf(Number.POSITIVE_INFINITY);
  if (end >= 0) for (const person of counts.keys()) found[end]?.push(weighed(person));
  await scoring.close();
  return found;
}

function* taobao(most: number): Generator<Happening> {
  let number = 0;
  for (const line of readFileSync(TAOBAO, "utf8").split("\n")) {
    number += 1;
    if (number > most) return;
    const message = taobaoLine(line, number);
    if (message === undefined || "bad" in message || message.time === undefined) continue;
    const { subject, body, time, ids } = message;
    yield { subject, body: String(body), time, ids, counts: true };
  }
}

function* simulated(hours: number): Generator<Happening> {
  const shop = new SimulatedShop({ seed: 3, start: START, people: 1200 });
  for (const { subject, body } of shop.facts())
    yield { subject, body: JSON.stringify(body), time: START, ids: undefined, counts: false };
  const end = plus(START, minutes(60 * hours));
  for (let at = START; at < end; at = plus(at, seconds(1))) {
    for (const { subject, body } of shop.advance(at)) {
      const counts = subject.startsWith("in.event.");
      yield { subject, body: JSON.stringify(body), time: at, ids: body["ids"], counts };
    }
  }
}
