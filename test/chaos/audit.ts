import type { NatsConnection } from "nats";
import { scoringFunctions } from "../../operators/scoring.ts";
import { openJob } from "../../src/cli/open-job.ts";
import { BrokerLog } from "../../src/replay/broker-log.ts";
import { type Example, verify } from "../../src/replay/verify.ts";
import { InlineScoring } from "../../src/score/inline.ts";
import { type EventTime, isoTime } from "../../src/time/event-time.ts";
import { makeLog } from "../../src/watch/log.ts";
import { readStream, type Stored } from "../support/oracle.ts";
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
  const { nc, acknowledged, doneTo } = options;
  const intake = await readStream(nc, "FRESHET_IN");
  const out = await readStream(nc, "FRESHET_OUT");
  const done = intake.find(({ seq }) => seq === doneTo)?.time ?? 0;
  const verdict = await verified(options, done as EventTime);
  const lost = acknowledged.filter(({ id, seq }) => idAt(intake, seq) !== id);
  const uncounted = spoiltAndNotRefused(intake, out, doneTo);
  const where = whereabouts([...out, ...intake]);
  return {
    events: acknowledged.reduce((sum, { events }) => sum + events, 0),
    outputsExpected: verdict.expected - verdict.inFlight - verdict.agedOut,
    outputsGot: verdict.same + verdict.different + verdict.extra + verdict.beyond,
    duplicates: verdict.twice,
    missing: verdict.missing + lost.length + uncounted.length,
    wrong: verdict.different + verdict.extra + verdict.beyond,
    examples: [
      ...verdict.examples.map((example) => show(example) + where(example.id)),
      ...lost.slice(0, EXAMPLES).map((one) => `acknowledged, not in IN: ${JSON.stringify(one)}`),
      ...uncounted.slice(0, EXAMPLES).map((seq) => `spoilt record ${seq} was not refused`),
    ],
  };
}

/** `freshet verify` over what the broker holds, where all that was caused before `done` must be. */
async function verified({ nc, config }: AuditOptions, done: EventTime) {
  const { job: definition } = await openJob(config, {}, { quiet: true });
  const open = (stream: string) =>
    BrokerLog.open(nc, { stream, prefix: "freshet", log: makeLog("warn") });
  // Outputs are told by whole seconds of IN: of the last one some causes are behind `doneTo`.
  const settled = (Math.floor(done / 1000) * 1000 - 1) as EventTime;
  return verify({
    definition,
    scoring: new InlineScoring(scoringFunctions),
    out: await open("FRESHET_OUT"),
    intake: await open("FRESHET_IN"),
    settled: { IN: settled, OUT: settled },
    examples: EXAMPLES,
  });
}

/** The load spoils some messages: every record of one is refused with a dead letter that names it. */
function spoiltAndNotRefused(
  intake: readonly Stored[],
  out: readonly Stored[],
  doneTo: number,
): number[] {
  const letters = out.filter(({ subject }) => subject.startsWith("deadletter."));
  const refused = new Set(letters.map(({ data }) => seqOf(data)));
  return intake
    .filter(({ header, seq }) => seq <= doneTo && header("Nats-Msg-Id")?.startsWith("spoilt-"))
    .map(({ seq }) => seq)
    .filter((seq) => !refused.has(seq));
}

const seqOf = (letter: Uint8Array): unknown =>
  (JSON.parse(Buffer.from(letter).toString()) as { seq?: unknown }).seq;

const idAt = (intake: readonly Stored[], seq: number): string | undefined =>
  intake[seq - (intake[0]?.seq ?? 1)]?.header("Nats-Msg-Id");

const show = ({ kind, subject, id, differences = [] }: Example): string =>
  `${kind}: ${subject} ${id} ${differences.join("; ")}`;

/** Where and when an output was stored, and by whose hand. */
function whereabouts(stored: readonly Stored[]): (id: string) => string {
  const byId = new Map<string, string>();
  for (const { header, seq, time } of stored) {
    const id = header("ce-id");
    if (id === undefined) continue;
    const by = `${header("ce-source")} ${header("freshet-group")}`;
    const place = `\n    ${seq} at ${isoTime(time as EventTime)} from ${by}`;
    byId.set(id, (byId.get(id) ?? "") + place);
  }
  return (id) => byId.get(id) ?? "";
}
