import { isUtf8 } from "node:buffer";
import { Fault } from "../faults.ts";
import { type EventTime, isoTime } from "../time/event-time.ts";
import { fileLines } from "./file-lines.ts";
import { type LineReader, readTime } from "./formats.ts";
import { replayed, type StoredLog, type StoredMessage } from "./stored-message.ts";

/*
 * A dump is JSON lines: a head, one line a message, an end. The end tells a whole dump from one
 * that was cut off.
 *
 *     {"dump":"freshet","version":1,"log":"IN","from":null,"until":"2026-11-22T20:49:00.000Z"}
 *     {"seq":1,"time":"…","subject":"in.event.mp.page.viewed","headers":{"Content-Type":"…"},"data":"{…}"}
 *     {"end":1,"messages":1}
 *
 * `data` is the payload as text; one that is not UTF-8 stands under `base64` instead.
 */

export interface DumpHead {
  readonly log: "IN" | "OUT";
  readonly from: EventTime | undefined;
  readonly until: EventTime;
}

export function headLine({ log, from, until }: DumpHead): string {
  const begins = from === undefined ? null : isoTime(from);
  return JSON.stringify({ dump: "freshet", version: 1, log, from: begins, until: isoTime(until) });
}

export const endLine = (lastSeq: number, messages: number): string =>
  JSON.stringify({ end: lastSeq, messages });

export function messageLine(message: StoredMessage): string {
  const { seq, time, subject, data } = message;
  const headers = Object.fromEntries(
    Object.entries(message.headers).map(([name, values]) => [
      name,
      values.length === 1 ? values[0] : values,
    ]),
  );
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const body = isUtf8(bytes)
    ? { data: bytes.toString("utf8") }
    : { base64: bytes.toString("base64") };
  return JSON.stringify({ seq, time: isoTime(time), subject, headers, ...body });
}

type Line = Readonly<Record<string, unknown>>;

function parseLine(text: string): Line | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Line) : undefined;
  } catch {
    return undefined;
  }
}

function messageOf(line: Line): StoredMessage | undefined {
  const { seq, subject, headers, data, base64 } = line;
  const time = readTime(line["time"]);
  if (typeof seq !== "number" || typeof subject !== "string" || time === undefined)
    return undefined;
  const body = typeof data === "string" ? Buffer.from(data) : undefined;
  const bytes = typeof base64 === "string" ? Buffer.from(base64, "base64") : body;
  if (bytes === undefined || typeof headers !== "object" || headers === null) return undefined;
  const read = Object.entries(headers).map(([name, values]) => [
    name,
    Array.isArray(values) ? values.map(String) : [String(values)],
  ]);
  return { seq, time, subject, headers: Object.fromEntries(read), data: bytes };
}

function headOf(line: Line | undefined, path: string): DumpHead {
  const { log, version } = line ?? {};
  const until = readTime(line?.["until"]);
  if (line?.["dump"] !== "freshet" || until === undefined || (log !== "IN" && log !== "OUT"))
    throw new Fault("DUMP_INVALID", `${path} is no dump of freshet`, { path });
  if (version !== 1)
    throw new Fault("DUMP_INVALID", `${path} is a dump of version ${String(version)}`, { path });
  return { log, from: readTime(line["from"]), until };
}

/** `replay --format dump`: the messages of a dump of `IN`; its head and its end are no messages. */
export const dumpLine: LineReader = (text) => {
  if (text === "") return undefined;
  const line = parseLine(text);
  if (line === undefined) return { bad: "not a JSON object" };
  if (line["dump"] !== undefined || line["end"] !== undefined) return undefined;
  const message = messageOf(line);
  return message === undefined ? { bad: "no message of a dump" } : replayed(message);
};

/** A dump as the log it was made of; DUMP_INVALID when it is another log's, damaged or cut off. */
export class DumpFile implements StoredLog {
  readonly #path: string;
  readonly #head: DumpHead;

  private constructor(path: string, head: DumpHead) {
    this.#path = path;
    this.#head = head;
  }

  static async open(path: string, log: DumpHead["log"]): Promise<DumpFile> {
    let first: string | undefined;
    for await (const line of fileLines(path)) {
      first = line;
      break;
    }
    const head = headOf(first === undefined ? undefined : parseLine(first), path);
    if (head.log !== log)
      throw new Fault("DUMP_INVALID", `${path} is a dump of ${head.log}, not of ${log}`, { path });
    return new DumpFile(path, head);
  }

  get from(): EventTime | undefined {
    return this.#head.from;
  }
  get until(): EventTime {
    return this.#head.until;
  }

  async *read(): AsyncGenerator<StoredMessage> {
    const path = this.#path;
    let number = 0;
    let last = 0;
    let messages = 0;
    for await (const text of fileLines(path)) {
      number += 1;
      if (number === 1) continue;
      const line = parseLine(text);
      if (line?.["end"] === last && line["messages"] === messages) return;
      const message = line === undefined ? undefined : messageOf(line);
      if (message === undefined || message.seq <= last) {
        throw new Fault("DUMP_INVALID", `${path}:${number} is not the message behind ${last}`, {
          path,
        });
      }
      last = message.seq;
      messages += 1;
      yield message;
    }
    throw new Fault("DUMP_INVALID", `${path} is cut off behind message ${last}`, { path });
  }

  async at(seq: number): Promise<StoredMessage | undefined> {
    for await (const message of this.read()) if (message.seq === seq) return message;
    return undefined;
  }
}
