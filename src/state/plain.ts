import { Decoder } from "@msgpack/msgpack";
import { MsgpackWriter } from "../codec/msgpack-writer.ts";

/**
 * State is plain data: numbers, strings, booleans, null, arrays, plain objects and Uint8Array.
 * Its bytes are msgpack; a value and its round trip are the same state.
 */
const writer = new MsgpackWriter();
const decoder = new Decoder();

export const encodePlain = (value: unknown): Uint8Array => writer.encode(value);
export const decodePlain = (bytes: Uint8Array): unknown => decoder.decode(bytes);

/** A deep copy of plain data. A shallow copy first, as the engine clones shapes fast; then what is inside. */
export function copyPlain<T>(value: T): T {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return copyArray(value) as T;
  if (value instanceof Uint8Array) return value.slice() as T;
  const copy = { ...value } as Record<string, unknown>;
  for (const name in copy) {
    const inner = copy[name];
    if (typeof inner === "object" && inner !== null) copy[name] = copyPlain(inner);
  }
  return copy as T;
}

function copyArray(array: readonly unknown[]): unknown[] {
  const copy = array.slice();
  for (let i = 0; i < copy.length; i += 1) {
    const inner = copy[i];
    if (typeof inner === "object" && inner !== null) copy[i] = copyPlain(inner);
  }
  return copy;
}
