import { mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { FAULT_CLASSES, type FaultClass } from "./faults.ts";
import { runSeeds } from "./many-seeds.ts";
import type { Cut } from "./plan.ts";
import { runSeed, type SeedResult } from "./seed-run.ts";
import { shrink } from "./shrink.ts";

/** With so many seeds every kind of fault must have happened. */
const ENOUGH_SEEDS = 500;
/** Failing seeds that are looked into; more of them say nothing new. */
const SHRUNK = 3;

const print = (line: string) => void process.stdout.write(`${line}\n`);

function commandFor(seed: number, { faults, events }: Cut): string {
  const only = faults === undefined ? "" : ` --faults ${faults.join(",") || "none"}`;
  return `npm run -s sim -- --seed ${seed}${only}${events === undefined ? "" : ` --events ${events}`}`;
}

/** One seed, cut down if told so; its story with `trace`. */
async function replay(seed: number, cut: Cut, trace: boolean): Promise<void> {
  const result = await runSeed(seed, cut, trace ? print : undefined);
  print(JSON.stringify(result, undefined, 1));
  if (result.violations.length > 0) process.exitCode = 1;
}

function* range(from: number, count: number, enough: () => boolean): Generator<number> {
  for (let seed = from; seed < from + count && !enough(); seed += 1) yield seed;
}

class Tally {
  readonly failed: SeedResult[] = [];
  readonly #faults = new Map<FaultClass, number>(FAULT_CLASSES.map((kind) => [kind, 0]));
  #seeds = 0;
  #events = 0;
  #outputs = 0;

  add(result: SeedResult): void {
    this.#seeds += 1;
    this.#events += result.events;
    this.#outputs += result.outputs;
    for (const kind of FAULT_CLASSES) {
      this.#faults.set(kind, (this.#faults.get(kind) ?? 0) + (result.faults[kind] ?? 0));
    }
    if (result.violations.length > 0) this.failed.push(result);
  }
  /** Kinds of faults that never happened, once there were seeds enough. */
  get missing(): FaultClass[] {
    if (this.#seeds < ENOUGH_SEEDS) return [];
    return FAULT_CLASSES.filter((kind) => this.#faults.get(kind) === 0);
  }
  summary(seconds: number): string {
    return JSON.stringify({
      seeds: this.#seeds,
      events: this.#events,
      outputs: this.#outputs,
      violations: this.failed.length,
      faults: Object.fromEntries(this.#faults),
      neverHappened: this.missing,
      seconds,
    });
  }
}

/** Says how to see a failure again, and keeps it to be tried with every test from now on. */
async function lookInto({ seed, violations }: SeedResult): Promise<void> {
  print(`seed ${seed} fails: ${violations[0]}`);
  const { cut, result } = await shrink(seed);
  print(`  ${commandFor(seed, cut)}`);
  for (const violation of result.violations) print(`  ${violation.slice(0, 500)}`);
  const folder = join("test", "sim", "regressions");
  mkdirSync(folder, { recursive: true });
  const kept = { seed, ...cut, failed: violations[0]?.slice(0, 120) };
  writeFileSync(join(folder, `seed-${seed}.json`), `${JSON.stringify(kept)}\n`);
}

interface Many {
  readonly from: number;
  readonly count: number;
  readonly workers: number;
  /** Ends with the first failure, and does not look into it. */
  readonly first: boolean;
}

async function many({ from, count, workers, first }: Many): Promise<void> {
  const began = performance.now();
  const tally = new Tally();
  const seeds = range(from, count, () => first && tally.failed.length > 0);
  await runSeeds(seeds, workers, (result) => tally.add(result));
  const seconds = Math.round((performance.now() - began) / 100) / 10;
  tally.failed.sort((a, b) => a.seed - b.seed);
  if (first)
    for (const { seed, violations } of tally.failed) print(`seed ${seed}: ${violations[0]}`);
  else for (const failure of tally.failed.slice(0, SHRUNK)) await lookInto(failure);
  if (tally.failed.length > SHRUNK) {
    print(`and ${tally.failed.slice(SHRUNK).map(({ seed }) => seed)} fail as well`);
  }
  for (const kind of tally.missing)
    print(`${kind} never happened: these seeds prove nothing of it`);
  print(tally.summary(seconds));
  if (tally.failed.length > 0 || tally.missing.length > 0) process.exitCode = 1;
}

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    faults: { type: "string" },
    events: { type: "string" },
    operators: { type: "string" },
    trace: { type: "boolean", default: false },
    first: { type: "boolean", default: false },
    seeds: { type: "string", default: "100" },
    from: { type: "string", default: "1" },
    workers: { type: "string", default: String(availableParallelism()) },
  },
});
if (values.seed === undefined) {
  await many({
    from: Number(values.from),
    count: Number(values.seeds),
    workers: Number(values.workers),
    first: values.first,
  });
} else {
  const cut = {
    ...(values.faults === undefined
      ? {}
      : { faults: values.faults === "none" ? [] : values.faults.split(",").map(Number) }),
    ...(values.events === undefined ? {} : { events: Number(values.events) }),
    ...(values.operators === undefined ? {} : { operators: values.operators.split(",") }),
  };
  await replay(Number(values.seed), cut, values.trace);
}
