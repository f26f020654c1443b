import type { LogRecord } from "../codec/frame.ts";
import { buildJob, type JobDefinition } from "../flow/job.ts";
import { keyGroup } from "../flow/key-group.ts";
import type { Note } from "../flow/keyed-task.ts";
import type { Output } from "../flow/output.ts";
import type { Scoring } from "../score/seam.ts";
import { type EventTime, isoTime, latest, MIN_TIME } from "../time/event-time.ts";
import { type FileMessage, ownTimeOf, type RecordReader } from "./formats.ts";
import { MemoryLog } from "./memory-log.ts";
import { differencesOf, digestOfOutput, digestOfStored } from "./published.ts";
import { feed, type Reveal } from "./replay.ts";
import { headerOf, type StoredLog, type StoredMessage } from "./stored-message.ts";

type Definition = JobDefinition & { readonly intake: JobDefinition["intake"] & Reveal };

/** Whose things are to be explained, or which decision. */
export type Asked =
  | { readonly person: string }
  | { readonly ids: unknown }
  | { readonly rec: string; readonly person: string };

export interface ExplainOptions<Line> {
  readonly asked: Asked;
  /** The log, to be read twice. */
  readonly lines: () => AsyncIterable<Line>;
  readonly format: RecordReader<Line>;
  /** False where the log is one that was stored: what demand told `IN` is there already. */
  readonly loop: boolean;
  /** Whether the times that events name themselves stand for those of the broker. */
  readonly trusts: boolean;
  /** A job has state: one for each reading. */
  readonly define: () => Promise<Definition>;
  readonly scoring: Scoring;
  /** The moment to be explained, by what had entered the log then; the end of the log without one. */
  readonly at: EventTime | undefined;
  /** Decisions that are made again, the last of them. */
  readonly most: number;
  /** What was published, to compare with; undefined: nothing is compared. */
  readonly out: StoredLog | undefined;
  /** The person whom a record of the journal erases, if it does. */
  readonly erasedBy: (record: LogRecord) => string | undefined;
}

/** A decision that came out again, and what it was made of. */
export interface Retold {
  readonly id: string;
  readonly subject: string;
  readonly time: string;
  readonly data: Output["data"];
  readonly cause: string;
  readonly stored: string | null;
  readonly digest: string;
  readonly reproduced: boolean | null;
  readonly differences?: readonly string[];
  readonly made_of: readonly unknown[];
}

export type Explanation = Readonly<Record<string, unknown>> & {
  readonly person: string | null;
  readonly retold?: readonly Retold[];
};

/** Subjects of what is decided about a person. */
const DECISIONS = /^(segment|recommendation|suppressed|tag|crm)\./;
/** Notes of one person that are kept for decisions to come. */
const KEPT_NOTES = 512;

/**
 * Replays the log up to the moment that is asked for, or up to the decision, and tells how everything
 * stood then and what the decisions were made of; compares these with what was published, byte for
 * byte. Who was erased at any later place of the log is not explained.
 */
export async function explainPast<Line>(options: ExplainOptions<Line>): Promise<Explanation> {
  const { asked, at, define, scoring, loop } = options;
  const person = await personOf(options);
  if (person === undefined) return nobody(at);
  const notes: Note[] = [];
  const made: Made[] = [];
  const most = "rec" in asked ? 1 : options.most;
  let stored = MIN_TIME;
  const log = new MemoryLog(await define(), scoring, {
    frameSize: 128,
    loop,
    onNote: (note) => {
      if (note.key === person && notes.push(note) > KEPT_NOTES) notes.shift();
    },
    onOutput: (output) => {
      if (!isAskedFor(output, person, asked) || most === 0) return;
      const about = notes.filter((note) => concerns(note, output));
      made.push({ output, stored, notes: about });
      if (made.length > most) made.shift();
    },
  });
  const isFound = () => "rec" in asked && made.length > 0;
  const { time } = await feed(log, {
    lines: options.lines(),
    format: options.format,
    onBadLine: () => undefined,
    onMessage: (message) => {
      stored = latest(stored, message.time ?? stored);
    },
    isLater: laterThan(at, options.trusts),
    isEnough: isFound,
  });
  await log.settle();
  if (at !== undefined && !isFound()) await log.advance(at);
  const retold = await compared(made, options.out);
  const moment = isFound() ? (made[0]?.output.time ?? time) : (at ?? time);
  return documentOf(log, person, moment, retold, "rec" in asked);
}

interface Made {
  readonly output: Output;
  /** When the last record of its second entered the log. */
  readonly stored: EventTime;
  readonly notes: readonly Note[];
}

const nobody = (at: EventTime | undefined): Explanation => ({
  person: null,
  at: at === undefined ? null : isoTime(at),
  group: "shopper-0",
  seq: 0,
  watermark: null,
});

/**
 * Who is asked for, by the identities at the moment asked for; undefined where nobody is known by it,
 * or the person was erased since. Reads the whole log through collect alone.
 */
async function personOf<Line>(options: ExplainOptions<Line>): Promise<string | undefined> {
  const { asked, at, erasedBy } = options;
  const definition = await options.define();
  const erased = new Set<string>();
  const back: Output[] = [];
  const sink = {
    hop: (_target: string, record: LogRecord) => {
      const whom = erasedBy(record);
      if (whom !== undefined) erased.add(whom);
    },
    output: (output: Output) => {
      if (options.loop && output.subject.startsWith("in.")) back.push(output);
    },
  };
  const moves = { put: () => undefined, get: () => Promise.resolve(undefined) };
  const { intake } = buildJob(definition, options.scoring, { of: () => sink, moves });
  const named = () => ("person" in asked ? asked.person : definition.intake.resolve(asked.ids));
  let person: string | undefined;
  let isPast = false;
  let seq = 0;
  let now = 0 as EventTime;
  const append: MemoryLog["append"] = (message) => {
    seq = message.seq ?? seq + 1;
    now = message.time;
    intake.handle({ ...message, seq });
  };
  /** What collect told `IN` comes in behind the second in which it did. */
  const settle = (): Promise<void> => {
    for (const output of back.splice(0)) append(messageOf(output, now));
    return Promise.resolve();
  };
  const { lines, format } = options;
  const isLater = laterThan(at, options.trusts);
  await feed(
    { append, settle },
    {
      lines: lines(),
      format,
      onBadLine: () => undefined,
      isLater: (message) => {
        if (!isPast && isLater(message)) {
          isPast = true;
          person = named();
        }
        return false;
      },
    },
  );
  await settle();
  person = isPast ? person : named();
  return person === undefined || erased.has(person) ? undefined : person;
}

/** Whether a message entered the log after a moment; what names no time came with what came before it. */
function laterThan(at: EventTime | undefined, trusts: boolean) {
  let now = MIN_TIME;
  return (message: FileMessage): boolean => {
    const time = trusts ? ownTimeOf(message) : message.time;
    now = latest(now, time ?? now);
    return at !== undefined && now > at;
  };
}

/** What an output for `IN` is there. */
const messageOf = ({ subject, data, id }: Output, time: EventTime) => ({
  subject,
  data: new TextEncoder().encode(JSON.stringify(data)),
  contentType: "application/json",
  time,
  msgId: id,
});

function isAskedFor({ subject, data }: Output, person: string, asked: Asked): boolean {
  if (!DECISIONS.test(subject) || data["person"] !== person) return false;
  return !("rec" in asked) || data["rec_id"] === asked.rec;
}

type Fields = Readonly<Record<string, unknown>>;

/** Whether a note is of what came to this output: it names it, or what it proposes. */
function concerns({ what, cause }: Note, output: Output): boolean {
  const { data, id } = output;
  const note = what as Fields;
  if (note["id"] !== undefined) return note["id"] === id;
  const rec = data["rec_id"];
  if (typeof rec === "string" && note["rec_id"] === rec) return true;
  const isSameRule = note["rule"] !== undefined && note["rule"] === (data["rule"] ?? "recommend");
  if (isSameRule && note["true_at"] === data["at"]) return true;
  return note["of"] === "recommend" && cause === output.cause && data["rule"] === null;
}

async function compared(
  made: readonly Made[],
  out: StoredLog | undefined,
): Promise<readonly Retold[]> {
  const wanted = new Map(made.map(({ output }) => [output.id, output]));
  const found = new Map<
    string,
    { readonly isSame: boolean; readonly differences: readonly string[] }
  >();
  if (out !== undefined && wanted.size > 0) {
    for await (const message of out.read()) {
      const id = headerOf(message, "ce-id") ?? "";
      const output = wanted.get(id);
      if (output !== undefined && !found.has(id)) found.set(id, comparedWith(message, output));
      if (found.size === wanted.size) break;
    }
  }
  return made.map(({ output, stored, notes }): Retold => {
    const { id, subject, time, data, cause } = output;
    const same = found.get(id);
    const missing = ["nothing was published under this id"];
    const differences = out === undefined ? [] : (same?.differences ?? missing);
    return {
      id,
      subject,
      time: isoTime(time),
      data,
      cause,
      stored: stored === MIN_TIME ? null : isoTime(stored),
      digest: digestOfOutput(output),
      reproduced: out === undefined ? null : (same?.isSame ?? false),
      ...(differences.length === 0 ? {} : { differences }),
      made_of: notes.map(({ operator, what }) => ({ operator, ...(what as Fields) })),
    };
  });
}

function comparedWith(message: StoredMessage, output: Output) {
  const isSame = digestOfStored(message) === digestOfOutput(output);
  return { isSame, differences: isSame ? [] : differencesOf(message, output) };
}

/** `decisionOnly`: of the person nothing but the decision is told. */
function documentOf(
  log: MemoryLog,
  person: string,
  at: EventTime,
  retold: readonly Retold[],
  decisionOnly: boolean,
): Explanation {
  const { shoppers } = log.job;
  const group = shoppers[keyGroup(person, shoppers.length)];
  if (group === undefined) throw new Error("a job has no shopper group");
  const isKnown = decisionOnly ? retold.length > 0 : group.task.knows(person);
  const { watermark } = group.task;
  return {
    person: isKnown ? person : null,
    at: isoTime(at),
    group: group.name,
    seq: group.seq,
    watermark: watermark === MIN_TIME ? null : isoTime(watermark),
    ...(isKnown && !decisionOnly ? group.task.explanationOf(person, at) : {}),
    ...(isKnown ? { retold } : {}),
  };
}
