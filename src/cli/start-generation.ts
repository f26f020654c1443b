import { CONFIG, type GenerationFact, IN_FORCE } from "../config/generation.ts";
import { bytesOf, CONFIG_SUBJECT, MOST_BYTES } from "../config/generation-record.ts";
import type { Engine } from "../engine.ts";
import { Fault } from "../faults.ts";
import type { RecordWriter } from "../nats/record-writer.ts";
import type { Log } from "../watch/log.ts";
import type { StoredGeneration } from "./log-generations.ts";
import type { OpenJob } from "./open-job.ts";

/** Who brought a configuration in that somebody started the engine with. */
const BY_START = "start";

/**
 * The folder an engine is started with is what a new log begins with. Later what the log has in force
 * holds: a folder that the log has seen before changes nothing, one that is new to it comes into force
 * as if it had been applied.
 */
export async function tellFolder(
  engine: Engine,
  records: RecordWriter,
  { config }: OpenJob,
  known: readonly StoredGeneration[],
  log: Log,
): Promise<void> {
  const { texts, digest } = config.live;
  const inForce = engine.job.shoppers[0]?.task.facts.get(CONFIG, IN_FORCE) as
    | GenerationFact
    | undefined;
  const last = known.at(-1)?.record ?? inForce;
  if (last?.digest === digest) return;
  const digests = new Set([inForce?.digest, ...known.map(({ record }) => record.digest)]);
  if (last !== undefined && digests.has(digest)) {
    log.warn(
      { generation: last.generation },
      "the log has another configuration in force than the folder: `freshet config diff` shows it",
    );
    return;
  }
  if (bytesOf(texts) > MOST_BYTES) throw tooLarge(bytesOf(texts));
  const generation = last === undefined ? 0 : last.generation + 1;
  const body = {
    ...{ generation, by: BY_START, note: "", digest, at: null, restores: null, texts },
  };
  const id = `config-${generation}-${digest}`;
  await records.write({ subject: CONFIG_SUBJECT, id, body });
  if (generation > 0) log.info({ generation }, "the folder is new to the log and comes into force");
}

export const tooLarge = (bytes: number): Fault =>
  new Fault(
    "CONFIG_TOO_LARGE",
    `segments, rules and tags have ${bytes} bytes, ${MOST_BYTES} go into a record of the log`,
  );
