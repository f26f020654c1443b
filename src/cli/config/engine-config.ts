import { userInfo } from "node:os";
import { type NatsConnection, NatsError } from "nats";
import { type Difference, differences, isSame, livesOf } from "../../config/generation.ts";
import {
  bytesOf,
  CONFIG_SUBJECT,
  encodeGeneration,
  type GenerationRecord,
  MOST_BYTES,
} from "../../config/generation-record.ts";
import { LIVE, type LiveName, type LiveTexts } from "../../config/live.ts";
import { Fault } from "../../faults.ts";
import { lastOf, manager, namesOf } from "../../nats/streams.ts";
import { makeLog } from "../../watch/log.ts";
import type { ConfigAnswer } from "../ask-config.ts";
import type { Environment } from "../environment.ts";
import { openBroker } from "../open-broker.ts";
import { type OpenJob, openJob, requireLive } from "../open-job.ts";
import { tooLarge } from "../start-generation.ts";

/** Options that all commands about configuration share. */
export interface ConfigOptions {
  readonly config?: string;
  readonly data?: string;
  readonly json?: boolean;
  readonly pack?: string;
}

/** An engine's broker, for as long as `use` runs. */
export async function withBroker<T>(
  folder: string | undefined,
  { data, pack }: ConfigOptions,
  env: Environment,
  use: (nc: NatsConnection, open: OpenJob) => Promise<T>,
): Promise<T> {
  const open = await openJob(folder, env, { quiet: true, pack });
  const log = makeLog("warn");
  const of = { config: open.config, env, dataDir: data, log };
  const broker = await openBroker(of, "freshet config");
  try {
    return await use(broker.nc, open);
  } finally {
    await broker.close();
  }
}

const PATIENCE_MS = 5000;
const SETTLING_MS = 30_000;
const ASK_AGAIN_MS = 200;

/** What the engine that runs has in force; one that has just started is given time to read what that is. */
export async function askEngine(nc: NatsConnection, prefix: string): Promise<ConfigAnswer> {
  const end = Date.now() + SETTLING_MS;
  for (;;) {
    const answer = await askOnce(nc, prefix);
    if (answer.generation >= 0) return answer;
    if (Date.now() >= end)
      throw new Fault(
        "CHANGE_PENDING",
        `the engine has not read its log up to the first configuration after ${SETTLING_MS} ms`,
      );
    await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
  }
}

async function askOnce(nc: NatsConnection, prefix: string): Promise<ConfigAnswer> {
  const subject = `${prefix}.ask.config`;
  const reply = await nc
    .request(subject, "{}", { timeout: PATIENCE_MS })
    .catch((error: unknown) => {
      if (!(error instanceof NatsError)) throw error;
      throw new Fault("ENGINE_SILENT", `nobody answers on ${subject}: ${error.message}`);
    });
  return reply.json<ConfigAnswer>();
}

export type Changes = Readonly<Record<LiveName, Difference>>;

/** How one version of the live files differs from another; both are read with the rest of a folder. */
export function changesBetween(open: OpenJob, from: LiveTexts, to: LiveTexts): Changes {
  const lives = (texts: LiveTexts) => livesOf(requireLive(open.config, texts));
  return differences(lives(from), lives(to));
}

/** One line for each definition that differs. */
export function toldChanges(changes: Changes): string[] {
  const lines = LIVE.flatMap((file) => {
    const { added, changed, revised, removed } = changes[file];
    const say = (sign: string, ids: readonly string[], what: string) =>
      ids.map((id) => `${sign} ${file}  ${id}${what}`);
    return [
      ...say("+", added, ""),
      ...say("~", changed, "  (starts anew)"),
      ...say("~", revised, "  (keeps its state)"),
      ...say("-", removed, ""),
    ];
  });
  const kept = LIVE.map((file) => changes[file].kept).reduce((a, b) => a + b, 0);
  return [...lines, isSame(changes) ? "no definition differs" : `${kept} stay as they are`];
}

/** Puts a generation into the log; throws CONFIG_OVERTAKEN when another came first. */
export async function publishGeneration(
  nc: NatsConnection,
  prefix: string,
  record: GenerationRecord,
): Promise<void> {
  const bytes = bytesOf(record.texts);
  if (bytes > MOST_BYTES) throw tooLarge(bytes);
  const names = namesOf(prefix);
  const subject = names.subject(CONFIG_SUBJECT);
  const last = await lastOf(await manager(nc), names.in, subject);
  const known = last === undefined ? -1 : generationIn(last.data);
  const { generation, digest } = record;
  const overtaken = (cause?: unknown) =>
    new Fault(
      "CONFIG_OVERTAKEN",
      `somebody else has applied a generation ${generation} meanwhile`,
      { generation },
      cause,
    );
  if (known >= generation) throw overtaken();
  try {
    await nc.jetstream().publish(subject, encodeGeneration(record), {
      msgID: `config-${generation}-${digest}`,
      expect: { lastSubjectSequence: last?.seq ?? 0 },
    });
  } catch (error) {
    if (/wrong last sequence/.test(String(error))) throw overtaken(error);
    throw error;
  }
}

function generationIn(data: Uint8Array): number {
  try {
    const { generation } = JSON.parse(Buffer.from(data).toString("utf8")) as {
      generation?: unknown;
    };
    return typeof generation === "number" ? generation : -1;
  } catch {
    return -1;
  }
}

/**
 * Waits until a generation is in force in every key group, for so long at the most. What is to come
 * into force later than that is only waited for until it is accepted.
 */
export async function untilInForce(
  nc: NatsConnection,
  prefix: string,
  generation: number,
  waitMs: number,
): Promise<{ readonly at: string; readonly inForce: boolean }> {
  const end = Date.now() + waitMs;
  for (;;) {
    const { generation: now, at, waits } = await askEngine(nc, prefix);
    if (now >= generation && at !== null) return { at, inForce: true };
    if (waits?.generation === generation && Date.parse(waits.at) > end)
      return { at: waits.at, inForce: false };
    if (Date.now() >= end) {
      throw new Fault(
        "CHANGE_PENDING",
        `generation ${generation} is in the log and not yet in force everywhere after ${waitMs} ms`,
        { generation },
      );
    }
    await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
  }
}

/** Who changes something, where nobody says. */
export function somebody(): string {
  try {
    return userInfo().username;
  } catch {
    return "unknown";
  }
}
