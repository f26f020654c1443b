import { Decoder } from "@msgpack/msgpack";
import type { Piece } from "./part.ts";

/** A piece fits into a message of the broker (1 MiB by default) with room to spare. */
const PIECE_BYTES = 512 * 1024;
/** Entries between two places where others may run. */
const BREATH = 32;

/**
 * msgpack values behind each other, cut into pieces wherever a piece is full: a value may begin in
 * one and end in the next. Yields undefined now and then, see `Cut.pieces`.
 */
export function* packed(values: Iterable<Uint8Array>, era: number): Generator<Piece | undefined> {
  let buffer = new Uint8Array(SMALL);
  let used = 0;
  let count = 0;
  for (const drawn of values) {
    let value = drawn;
    let from = 0;
    while (from < value.length) {
      const room = PIECE_BYTES - used;
      const part = Math.min(room, value.length - from);
      if (used + part > buffer.length) buffer = grown(buffer, used + part);
      buffer.set(value.subarray(from, from + part), used);
      used += part;
      from += part;
      if (used < PIECE_BYTES) continue;
      // Others run before the rest is taken, and what was drawn may be a view of what they use.
      value = value.slice(from);
      from = 0;
      yield { era, bytes: buffer };
      buffer = new Uint8Array(PIECE_BYTES);
      used = 0;
    }
    count += 1;
    if (count % BREATH === 0) yield undefined;
  }
  if (used > 0) yield { era, bytes: buffer.slice(0, used) };
}

const SMALL = 4096;

function grown(buffer: Uint8Array, atLeast: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(Math.min(PIECE_BYTES, Math.max(atLeast, buffer.length * 2)));
  larger.set(buffer);
  return larger;
}

const decoder = new Decoder();

/** The values that were packed, from all pieces of one cut behind each other. */
export const unpacked = (bytes: Uint8Array): Generator<unknown> => decoder.decodeMulti(bytes);
