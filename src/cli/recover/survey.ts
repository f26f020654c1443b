import type { JetStreamManager, NatsConnection } from "nats";
import { isFault } from "../../faults.ts";
import type { AckInbox } from "../../nats/ack-inbox.ts";
import { BrokerCheckpoints } from "../../nats/checkpoint-store.ts";
import { checkTails } from "../../nats/log-check.ts";
import { manager, type Names } from "../../nats/streams.ts";
import { tornBy } from "../../state/checkpointer.ts";
import type { Marker } from "../../state/marker.ts";
import type { Log } from "../../watch/log.ts";

export type LogName = "in" | "events" | "demand" | "out";

/** A log as it stands on the broker. */
export interface LogState {
  readonly stream: string;
  readonly firstSeq: number;
  readonly lastSeq: number;
  readonly messages: number;
  /** Milliseconds; undefined when it is empty. */
  readonly firstTime: number | undefined;
  readonly lastTime: number | undefined;
}

export interface CheckpointState {
  readonly marker: Marker;
  readonly bytes: number;
  /** Why it cannot be used. */
  readonly torn: string | undefined;
  /** When the broker stored the record it ends at; undefined when that record is not there. */
  readonly recordTime: number | undefined;
}

export interface GroupState {
  readonly name: string;
  readonly log: Exclude<LogName, "out">;
  /** The latest first. */
  readonly checkpoints: readonly CheckpointState[];
}

/** A stream that no longer holds the last message that was acknowledged on it. */
export interface LostTail {
  readonly log: LogName;
  readonly why: string;
}

export interface Survey {
  readonly logs: Readonly<Record<LogName, LogState | undefined>>;
  readonly groups: readonly GroupState[];
  readonly lost: readonly LostTail[];
}

export interface SurveyOptions {
  readonly nc: NatsConnection;
  readonly inbox: AckInbox;
  readonly names: Names;
  readonly groups: readonly Pick<GroupState, "name" | "log">[];
  readonly log: Log;
}

/** The checkpoint a start would take. */
export const usable = ({ checkpoints }: GroupState): CheckpointState | undefined =>
  checkpoints.find(({ torn }) => torn === undefined);

/** Looks at every log and reads every checkpoint; changes nothing. */
export async function survey(options: SurveyOptions): Promise<Survey> {
  const { nc, names } = options;
  const jsm = await manager(nc);
  const logs = {
    in: await logState(jsm, names.in),
    events: await logState(jsm, names.events),
    demand: await logState(jsm, names.demand),
    out: await logState(jsm, names.out),
  };
  const stored = await logState(jsm, names.state);
  const groups: GroupState[] = [];
  for (const { name, log } of options.groups) {
    const checkpoints = stored === undefined ? [] : await checkpointsOf(options, jsm, name, log);
    groups.push({ name, log, checkpoints });
  }
  return { logs, groups, lost: await lostTails(nc, names, groups) };
}

/** What the checkpoints a start would take had seen acknowledged must stand there. */
async function lostTails(
  nc: NatsConnection,
  names: Names,
  groups: readonly GroupState[],
): Promise<LostTail[]> {
  const acknowledged = groups.flatMap((group) => usable(group)?.marker.acknowledged ?? []);
  const lost: LostTail[] = [];
  for (const log of ["in", "events", "demand", "out"] as const) {
    const tails = acknowledged.filter(({ stream }) => stream === names[log]);
    await checkTails(await manager(nc), tails).catch((error: unknown) => {
      if (!isFault(error)) throw error;
      lost.push({ log, why: error.message });
    });
  }
  return lost;
}

async function logState(jsm: JetStreamManager, stream: string): Promise<LogState | undefined> {
  const info = await jsm.streams.info(stream).catch((error: unknown) => {
    if (/stream not found/.test(String(error))) return undefined;
    throw error;
  });
  if (info === undefined) return undefined;
  const { first_seq: firstSeq, last_seq: lastSeq, messages, first_ts, last_ts } = info.state;
  const time = (text: string) => (messages === 0 ? undefined : Date.parse(text));
  const times = { firstTime: time(first_ts), lastTime: time(last_ts) };
  return { stream, firstSeq, lastSeq, messages, ...times };
}

async function checkpointsOf(
  { nc, inbox, names, log }: SurveyOptions,
  jsm: JetStreamManager,
  group: string,
  of: GroupState["log"],
): Promise<CheckpointState[]> {
  const store = new BrokerCheckpoints(nc, inbox, names, group, log);
  const checkpoints: CheckpointState[] = [];
  for (const marker of await store.markers()) {
    const bytes = marker.pieces.reduce((sum, piece) => sum + piece.bytes, 0);
    const torn = await tornBy(store, marker);
    const recordTime = await timeOf(jsm, names[of], marker.seq);
    checkpoints.push({ marker, bytes, torn, recordTime });
  }
  return checkpoints;
}

/** When a record was stored; undefined when it is gone, and before the first. */
async function timeOf(
  jsm: JetStreamManager,
  stream: string,
  seq: number,
): Promise<number | undefined> {
  if (seq === 0) return undefined;
  try {
    return (await jsm.streams.getMessage(stream, { seq })).time.getTime();
  } catch (error) {
    if (/no message found|stream not found/.test(String(error))) return undefined;
    throw error;
  }
}
