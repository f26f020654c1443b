import { Decoder, Encoder } from "@msgpack/msgpack";

/**
 * State is plain data: numbers, strings, booleans, null, arrays, plain objects and Uint8Array.
 * Its bytes are msgpack; a value and its round trip are the same state.
 */
const encoder = new Encoder({ ignoreUndefined: true });
const decoder = new Decoder();

export const encodePlain = (value: unknown): Uint8Array => encoder.encode(value);
export const decodePlain = (bytes: Uint8Array): unknown => decoder.decode(bytes);

/** A deep copy of plain data. */
export function copyPlain<T>(value: T): T {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) {
    const copy = new Array(value.length);
    for (let i = 0; i < value.length; i += 1) copy[i] = copyPlain(value[i]);
    return copy as T;
  }
  if (value instanceof Uint8Array) return value.slice() as T;
  const copy: Record<string, unknown> = {};
  const source = value as Record<string, unknown>;
  for (const name in source) copy[name] = copyPlain(source[name]);
  return copy as T;
}
