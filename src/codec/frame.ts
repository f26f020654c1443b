import { MsgpackReader } from "./msgpack-reader.ts";
import { MsgpackWriter } from "./msgpack-writer.ts";

/**
 * What crosses an internal stream. Positions are (seq, n): the sequence of the input message that
 * caused the record, and the running count of records that message caused.
 */
export const KEYED = 0;
export const TIME = 1;
export const FACT = 2;
export const LINK = 3;

/** Which half of a link a record is: who leaves, who is joined, or both where they share a group. */
export const LEAVES = 0;
export const JOINS = 1;
export const MEETS = 2;

/** `[KEYED, seq, n, time, key, id, payload]`: something that happened to a key; `id` is its cause. */
export type KeyedRecord = readonly [typeof KEYED, number, number, number, string, string, unknown];
/** `[TIME, seq, n, time]`: no more records before this time come from this source. */
export type TimeRecord = readonly [typeof TIME, number, number, number];
/**
 * `[FACT, seq, n, time, kind, part, entries]`: facts that concern every key of the group, encoded
 * once for all groups. `part` counts such records of one message; with `seq` it names them.
 */
export type FactRecord = readonly [typeof FACT, number, number, number, string, number, Uint8Array];
export type FactEntries = readonly (readonly [key: string, value: unknown])[];
/**
 * `[LINK, seq, n, time, from, to, id, half]`: from here on `from` is `to`. Where the two lie in
 * different groups each gets its half, `from` first; `id` is the cause, the same for both.
 */
export type LinkRecord = readonly [
  typeof LINK,
  number,
  number,
  number,
  string,
  string,
  string,
  typeof LEAVES | typeof JOINS | typeof MEETS,
];
export type LogRecord = KeyedRecord | TimeRecord | FactRecord | LinkRecord;

/** Records of one source for one target, in order. */
export interface Frame {
  readonly source: string;
  /** Position of the last record of this source before the frame, (0, -1) at the beginning. */
  readonly previous: readonly [seq: number, n: number];
  readonly records: readonly LogRecord[];
}

const VERSION = 1;
const writer = new MsgpackWriter();
const reader = new MsgpackReader();

export const encodeFacts = (entries: FactEntries): Uint8Array => writer.encode(entries);
export const decodeFacts = (bytes: Uint8Array): FactEntries => reader.decode(bytes) as FactEntries;

export function encodeFrame(frame: Frame): Uint8Array {
  return writer.encode([VERSION, frame.source, frame.previous, frame.records]);
}

export function decodeFrame(bytes: Uint8Array): Frame {
  const [version, source, previous, records] = reader.decode(bytes) as [
    number,
    string,
    [number, number],
    LogRecord[],
  ];
  if (version !== VERSION)
    throw new Error(`frame of version ${version}, this build reads ${VERSION}`);
  return { source, previous, records };
}

/** Negative when `a` comes before `b`. */
export function comparePositions(
  a: readonly [number, number],
  b: readonly [number, number],
): number {
  return a[0] - b[0] || a[1] - b[1];
}
