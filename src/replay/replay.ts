import type { JobDefinition } from "../flow/job.ts";
import type { Output } from "../flow/output.ts";
import type { Scoring } from "../score/seam.ts";
import { type EventTime, isoTime, latest, MIN_TIME } from "../time/event-time.ts";
import { dumpLine } from "./dump.ts";
import {
  eventsLine,
  type FileMessage,
  type LineReader,
  type RecordReader,
  taobaoLine,
} from "./formats.ts";
import { MemoryLog } from "./memory-log.ts";

export const FORMATS: Readonly<Record<string, LineReader>> = {
  taobao: taobaoLine,
  events: eventsLine,
  dump: dumpLine,
};

export interface ReplayOptions<Line = string> {
  readonly lines: AsyncIterable<Line> | Iterable<Line>;
  readonly format: RecordReader<Line>;
  readonly definition: JobDefinition;
  readonly scoring: Scoring;
  /** Records a frame holds at the most; no output depends on it. */
  readonly frameSize?: number;
  /** False where the lines are a log that was stored: what demand told `IN` is there already. */
  readonly loop?: boolean;
  /** Brings every watermark to this time behind the last event. */
  readonly until?: EventTime | undefined;
  /** Puts a person's identifiers, as they stand in the file, beside the outputs about them. */
  readonly reveal?: Reveal | undefined;
  /** Also writes what the operator of this name emits, as lines of subject `trace.<operator>`. */
  readonly trace?: string | undefined;
  readonly onLine: (line: OutputLine) => void;
  readonly onBadLine: (number: number, why: string) => void;
}

/** An output as a line of JSON. */
export interface OutputLine {
  readonly subject: string;
  readonly id: string;
  readonly time: string;
  readonly data: unknown;
  readonly ids?: readonly unknown[];
}

/** Finds the person of identifiers; only a replay, whose user has the file, may show them. */
export interface Reveal {
  resolve(ids: unknown): string | undefined;
}

export interface ReplaySummary {
  readonly lines: number;
  readonly badLines: number;
  readonly outputs: number;
  readonly scored: number;
}

/** Runs a file through the flows in virtual time over logs in memory. */
export async function replay<Line = string>(options: ReplayOptions<Line>): Promise<ReplaySummary> {
  const { definition, scoring, format, onLine, onBadLine, trace } = options;
  const revealed = new Map<string, Map<string, unknown>>();
  let outputs = 0;
  const write = (line: OutputLine) => {
    outputs += 1;
    const person = (line.data as { person?: unknown } | undefined)?.person;
    const ids = typeof person === "string" ? revealed.get(person) : undefined;
    onLine(ids === undefined ? line : { ...line, ids: [...ids.values()] });
  };
  const log = new MemoryLog(definition, scoring, {
    frameSize: options.frameSize ?? 128,
    loop: options.loop ?? true,
    onOutput: (output) => {
      if (!output.subject.startsWith("in.")) write(lineOf(output));
    },
    ...(trace === undefined
      ? {}
      : {
          trace: (operator: string, out: unknown, now: EventTime) => {
            if (operator === trace) onLine(traceLine(operator, out, now));
          },
        }),
  });
  const { reveal } = options;
  const { lines, badLines } = await feed(log, {
    lines: options.lines,
    format,
    onBadLine,
    onMessage: ({ ids }) => {
      if (reveal !== undefined) remember(reveal, ids, revealed);
    },
  });
  await log.settle();
  if (options.until !== undefined) await log.advance(options.until);
  const scored = log.job.shoppers.reduce((sum, group) => sum + group.task.scored, 0);
  return { lines, badLines, outputs, scored };
}

export interface Feed<Line> {
  readonly lines: AsyncIterable<Line> | Iterable<Line>;
  readonly format: RecordReader<Line>;
  readonly onBadLine: (number: number, why: string) => void;
  readonly onMessage?: (message: FileMessage) => void;
  /** Asked of each message before it enters the log: whether it and the rest are left out. */
  readonly isLater?: (message: FileMessage) => boolean;
  /** Asked whenever a second has been settled: whether the rest is to be left out. */
  readonly isEnough?: () => boolean;
}

/** Puts lines into a log, second by second; what the last second causes is still to be settled. */
export async function feed<Line>(
  log: Pick<MemoryLog, "append" | "settle">,
  of: Feed<Line>,
): Promise<{ readonly lines: number; readonly badLines: number; readonly time: EventTime }> {
  const clock = new LogClock();
  let lines = 0;
  let badLines = 0;
  for await (const line of of.lines) {
    lines += 1;
    const message = of.format(line, lines);
    if (message === undefined) continue;
    if ("bad" in message) {
      badLines += 1;
      of.onBadLine(lines, message.bad);
      continue;
    }
    if (of.isLater?.(message) === true) break;
    if (clock.entersSecond(message.time)) {
      await log.settle();
      if (of.isEnough?.() === true) break;
    }
    log.append(entryOf(message, clock.now));
    of.onMessage?.(message);
  }
  return { lines, badLines, time: clock.now };
}

/** What was stored enters the log as it stood there, anything else at the time of the file. */
function entryOf({ subject, body, time, stored }: FileMessage, now: EventTime) {
  const data = typeof body === "string" ? Buffer.from(body) : body;
  if (stored !== undefined) {
    const { seq, contentType, msgId } = stored;
    return { subject, data, time: time ?? now, seq, contentType, msgId };
  }
  return { subject, data, contentType: "application/json", time: now, msgId: undefined };
}

/** Broker time of a file: `recv`, else `ts`, kept monotone. */
class LogClock {
  #now: EventTime = MIN_TIME;

  get now(): EventTime {
    return this.#now === MIN_TIME ? (0 as EventTime) : this.#now;
  }
  /** Moves on to `time`; true when that is a later second. */
  entersSecond(time: EventTime | undefined): boolean {
    if (time === undefined) return false;
    const before = this.#now;
    this.#now = latest(before, time);
    return Math.floor(this.#now / 1000) > Math.floor(before / 1000);
  }
}

function remember(reveal: Reveal, ids: unknown, revealed: Map<string, Map<string, unknown>>): void {
  const person = reveal.resolve(ids);
  if (person === undefined || !Array.isArray(ids)) return;
  let known = revealed.get(person);
  if (known === undefined) {
    known = new Map();
    revealed.set(person, known);
  }
  for (const id of ids) known.set(JSON.stringify(id), id);
}

const lineOf = ({ subject, id, time, data }: Output): OutputLine => ({
  subject,
  id,
  time: isoTime(time),
  data,
});

function traceLine(operator: string, out: unknown, now: EventTime): OutputLine {
  return { subject: `trace.${operator}`, id: "", time: isoTime(now), data: out };
}
