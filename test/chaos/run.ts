import { setTimeout as sleep } from "node:timers/promises";
import type { NatsConnection } from "nats";
import { type Audit, audit } from "./audit.ts";
import { Faults } from "./faults.ts";
import { type Member, progressOf } from "./fleet.ts";
import { LoadProcess } from "./load-process.ts";
import { clear, keep, type Say, type Stage, setUp } from "./stage.ts";

export interface ChaosOptions {
  readonly seed: number;
  /** How long faults begin, milliseconds. */
  readonly forMs: number;
  /** What happens, for people. */
  readonly say: Say;
}

export interface Outcome extends Audit {
  readonly engineKills: number;
  readonly brokerKills: number;
  readonly zombies: number;
  readonly seconds: number;
  /** What must not happen either: engines that gave up, or did not stop when they were asked to. */
  readonly complaints: readonly string[];
}

/** A frame that nobody acknowledges is sent again after 2 s; by then it is counted as such. */
const RESENT_MS = 2200;
const POLL_MS = 200;
const SETTLE_MS = 120_000;

/** The real thing under load while things go wrong; then the books are opened. */
export async function runChaos(options: ChaosOptions): Promise<Outcome> {
  const { seed, say } = options;
  const stage = await setUp(seed, say);
  let clean = false;
  try {
    const outcome = await course(stage, options);
    clean = isClean(outcome);
    return outcome;
  } catch (error) {
    for (const complaint of stage.fleet.complaints) say(complaint);
    throw error;
  } finally {
    if (!clean) await keep(stage, say);
    await clear(stage);
  }
}

export const isClean = ({ duplicates, missing, wrong, complaints }: Outcome): boolean =>
  duplicates === 0 && missing === 0 && wrong === 0 && complaints.length === 0;

async function course(stage: Stage, { seed, forMs, say }: ChaosOptions): Promise<Outcome> {
  const { broker, config, fleet, nc } = stage;
  const began = performance.now();
  fleet.start();
  const load = new LoadProcess(broker.url, seed, broker.folder);
  const faults = new Faults(stage, say);
  await faults.all(seed, forMs);
  const acknowledged = await load.stop();
  say("no more faults, no more load");
  const last = await fleet.settle();
  const doneTo = await workedOff(nc, last);
  await fleet.stop(last);
  say(`worked off to record ${doneTo} and stopped; the books are opened`);
  const books = await audit({ nc, config: config.folder, acknowledged, doneTo });
  const { engineKills, brokerKills, zombies } = faults;
  const seconds = Math.round((performance.now() - began) / 100) / 10;
  return { ...books, engineKills, brokerKills, zombies, seconds, complaints: fleet.complaints };
}

/**
 * Waits until everything that the present end of `IN` and what is before it cause has been read,
 * but for what a clean stop finishes. Returns that end.
 */
async function workedOff(nc: NatsConnection, engine: Member): Promise<number> {
  const end = await endOf(nc, "IN");
  await readTo(engine, "in", end);
  await readTo(engine, "events", await endOf(nc, "EVENTS"));
  await readTo(engine, "demand", await endOf(nc, "DEMAND"));
  return end;
}

async function endOf(nc: NatsConnection, name: string): Promise<number> {
  const jsm = await nc.jetstreamManager({ timeout: 5000 });
  return (await jsm.streams.info(`FRESHET_${name}`)).state.last_seq;
}

/** Waits until a log has been read to `end` and what that caused stands in the next one. */
async function readTo(engine: Member, log: string, end: number): Promise<void> {
  const deadline = Date.now() + SETTLE_MS;
  while (Date.now() < deadline) {
    if (engine.cli.child.exitCode !== null) throw new Error(`${engine.name} has ended`);
    const { read, hops, resent } = await progressOf(engine);
    if (read(log) >= end && hops === 0) {
      await sleep(RESENT_MS);
      if ((await progressOf(engine)).resent === resent) return;
    }
    await sleep(POLL_MS);
  }
  const { text } = await progressOf(engine);
  throw new Error(`${engine.name} has not read ${log} to ${end} in ${SETTLE_MS} ms:\n${text}`);
}
