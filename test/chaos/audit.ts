import type { NatsConnection } from "nats";
import { scoringFunctions } from "../../operators/scoring.ts";
import { openJob } from "../../src/cli/open-job.ts";
import { BrokerLog } from "../../src/replay/broker-log.ts";
import { headerOf, type StoredLog, type StoredMessage } from "../../src/replay/stored-message.ts";
import { type Example, type Verdict, verify } from "../../src/replay/verify.ts";
import { InlineScoring } from "../../src/score/inline.ts";
import { type EventTime, isoTime } from "../../src/time/event-time.ts";
import { makeLog } from "../../src/watch/log.ts";
import type { Acknowledged } from "./ledger.ts";

export interface Audit {
  readonly events: number;
  readonly outputsExpected: number;
  readonly outputsGot: number;
  /** Outputs that stand there more than once. */
  readonly duplicates: number;
  /** Outputs that should be there and are not, and acknowledged messages that are not in `IN`. */
  readonly missing: number;
  /** Outputs that should not be there, or not so. */
  readonly wrong: number;
  /** A few of each, for people. */
  readonly examples: readonly string[];
}

export interface AuditOptions {
  readonly nc: NatsConnection;
  /** Folder of the configuration that the engines ran with. */
  readonly config: string;
  readonly acknowledged: readonly Acknowledged[];
  /** Everything that records of `IN` up to this sequence cause must be there by now. */
  readonly doneTo: number;
}

const EXAMPLES = 4;

/**
 * Works out from the stored `IN` what must stand on the broker. Beside it, without the engine: what
 * was acknowledged to the load stands where the broker said, and what it spoilt was refused.
 */
export async function audit(options: AuditOptions): Promise<Audit> {
  const { nc, config, acknowledged, doneTo } = options;
  // OUT first, and all of it before the long work begins: a busy process is given up by the broker.
  const out = await KeptLog.read(nc, "FRESHET_OUT");
  const intake = await KeptLog.read(nc, "FRESHET_IN");
  const verdict = await verified(config, { intake, out, doneTo });
  const lost = acknowledged.filter(({ id, seq }) => intake.idAt(seq) !== id);
  const ignored = spoiltAndNotRefused(intake, out, doneTo);
  const where = whereabouts([...out.messages, ...intake.messages]);
  return {
    events: acknowledged.reduce((sum, { events }) => sum + events, 0),
    outputsExpected: verdict.expected - verdict.inFlight - verdict.agedOut,
    outputsGot: verdict.same + verdict.different + verdict.extra + verdict.beyond,
    duplicates: verdict.twice,
    missing: verdict.missing + lost.length + ignored.length,
    wrong: verdict.different + verdict.extra + verdict.beyond,
    examples: [
      ...verdict.examples.map((example) => show(example) + where(example.id)),
      ...lost.slice(0, EXAMPLES).map((one) => `acknowledged, not in IN: ${JSON.stringify(one)}`),
      ...ignored.slice(0, EXAMPLES).map((seq) => `spoilt record ${seq} was not refused`),
    ],
  };
}

/** A stream read to its end and kept in memory. */
class KeptLog implements StoredLog {
  readonly from: EventTime | undefined;
  readonly until: EventTime;
  readonly messages: readonly StoredMessage[];

  private constructor({ from, until }: StoredLog, messages: readonly StoredMessage[]) {
    this.from = from;
    this.until = until;
    this.messages = messages;
  }
  static async read(nc: NatsConnection, stream: string): Promise<KeptLog> {
    const log = await BrokerLog.open(nc, { stream, prefix: "freshet", log: makeLog("warn") });
    const messages: StoredMessage[] = [];
    for await (const message of log.read()) messages.push(message);
    return new KeptLog(log, messages);
  }

  async *read(): AsyncGenerator<StoredMessage> {
    yield* this.messages;
  }
  async at(seq: number): Promise<StoredMessage | undefined> {
    return this.#at(seq);
  }
  idAt(seq: number): string | undefined {
    const message = this.#at(seq);
    return message && headerOf(message, "Nats-Msg-Id");
  }
  #at(seq: number): StoredMessage | undefined {
    return this.messages[seq - (this.messages[0]?.seq ?? 1)];
  }
}

/** `freshet verify` over both, where all that was caused before the second of `doneTo` must be. */
async function verified(
  config: string,
  { intake, out, doneTo }: { intake: KeptLog; out: KeptLog; doneTo: number },
): Promise<Verdict> {
  const { job: definition } = await openJob(config, {}, { quiet: true });
  const done = (await intake.at(doneTo))?.time ?? 0;
  // Outputs are told by whole seconds of IN: of the last one some causes are behind `doneTo`.
  const settled = (Math.floor(done / 1000) * 1000 - 1) as EventTime;
  return verify({
    definition,
    scoring: new InlineScoring(scoringFunctions),
    out,
    intake,
    settled: { IN: settled, OUT: settled },
    examples: EXAMPLES,
  });
}

/** The load spoils some messages: every record of one is refused with a dead letter that names it. */
function spoiltAndNotRefused(intake: KeptLog, out: KeptLog, doneTo: number): number[] {
  const letters = out.messages.filter(({ subject }) => subject.startsWith("deadletter."));
  const refused = new Set(letters.map(({ data }) => seqOf(data)));
  return intake.messages
    .map(({ seq }) => seq)
    .filter((seq) => seq <= doneTo && intake.idAt(seq)?.startsWith("spoilt-"))
    .filter((seq) => !refused.has(seq));
}

const seqOf = (letter: Uint8Array): unknown =>
  (JSON.parse(Buffer.from(letter).toString()) as { seq?: unknown }).seq;

const show = ({ kind, subject, id, differences = [] }: Example): string =>
  `${kind}: ${subject} ${id} ${differences.join("; ")}`;

/** Where and when an output was stored, and by whose hand. */
function whereabouts(stored: readonly StoredMessage[]): (id: string) => string {
  const byId = new Map<string, string>();
  for (const message of stored) {
    const id = headerOf(message, "ce-id");
    if (id === undefined) continue;
    const by = `${headerOf(message, "ce-source")} ${headerOf(message, "freshet-group")}`;
    const place = `\n    ${message.seq} at ${isoTime(message.time)} from ${by}`;
    byId.set(id, (byId.get(id) ?? "") + place);
  }
  return (id) => byId.get(id) ?? "";
}
