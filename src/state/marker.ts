import { createHash } from "node:crypto";
import type { OperatorVersion } from "../flow/operator-versions.ts";
import { decodePlain, encodePlain } from "./plain.ts";

/** Where a piece lies, and what it must look like. */
export interface PieceRef {
  readonly part: string;
  /** Number of the checkpoint that wrote it; the pieces of one cut and era are one run of bytes. */
  readonly cut: number;
  readonly era: number;
  /** Sequence in the stream of checkpoints. */
  readonly seq: number;
  readonly bytes: number;
  readonly digest: Uint8Array;
}

/** Position of the last record of a source that a target got. */
export type HopTail = readonly [target: string, seq: number, n: number];

/** The last message of a stream that was acknowledged to the engine. */
export interface StreamTail {
  readonly stream: string;
  readonly seq: number;
  /** Its message id. */
  readonly id: string;
}

/**
 * What makes a checkpoint valid: written last, once everything caused by records up to `seq` stands
 * on the broker. Names every piece it needs, those of earlier checkpoints included.
 */
export interface Marker {
  readonly group: string;
  /** Counts the checkpoints of the group. */
  readonly cut: number;
  /** Last message of the group's log that is included, and when the broker stored it. */
  readonly seq: number;
  readonly time: number;
  /** Of the build and its configuration. */
  readonly version: string;
  /** How many key groups the flows have: a key's group depends on it. */
  readonly layout: string;
  /** Written at a clean stop: nothing behind `seq` was read. */
  readonly clean: boolean;
  /** Whoever wrote it, to know one's own. */
  readonly owner: string;
  readonly operators: readonly OperatorVersion[];
  readonly tails: readonly HopTail[];
  /** Must stand on the broker for this checkpoint to be the continuation of what is there. */
  readonly acknowledged: readonly StreamTail[];
  readonly pieces: readonly PieceRef[];
}

/** Names a marker, however often it is sent. */
export const markerName = ({ group, owner, cut, seq }: Marker): string =>
  `${group}:${owner}:${cut}:${seq}`;

/** Since 2 the bytes of rows are packed, and what they have in common is told; those of 1 can be read. */
const FORMAT = 2;
const OLDEST_FORMAT = 1;

export const digestOf = (bytes: Uint8Array): Uint8Array =>
  createHash("sha256").update(bytes).digest();

export const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

/** The marker behind its own digest. */
export function encodeMarker(marker: Marker): Uint8Array {
  const body = encodePlain([FORMAT, marker]);
  const out = new Uint8Array(32 + body.length);
  out.set(digestOf(body));
  out.set(body, 32);
  return out;
}

/** Undefined when the bytes are not those of a marker this build can read. */
export function decodeMarker(bytes: Uint8Array): Marker | undefined {
  const body = bytes.subarray(32);
  if (!sameBytes(bytes.subarray(0, 32), digestOf(body))) return undefined;
  const [format, marker] = decodePlain(body) as [number, Marker];
  return format >= OLDEST_FORMAT && format <= FORMAT ? marker : undefined;
}
