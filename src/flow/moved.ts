import { decodePlain, encodePlain } from "../state/plain.ts";
import type { EventTime } from "../time/event-time.ts";

/** What one operator knew of a key that left, and the timers it had set. */
export interface LeftState {
  readonly operator: string;
  /** Of the state's shape. */
  readonly version: number;
  readonly state: unknown;
  readonly timers: readonly (readonly [name: string, at: EventTime])[];
}

/** An event of the key that waited for the watermark. */
export interface LeftEvent {
  readonly time: EventTime;
  readonly operator: string;
  readonly cause: string;
  readonly event: unknown;
}

/** All that a key group knew of one key, on its way to the key it turned out to be; plain data. */
export interface Moved {
  readonly states: readonly LeftState[];
  readonly waiting: readonly LeftEvent[];
}

export const encodeMoved = (moved: Moved): Uint8Array => encodePlain(moved);

/** Wherever the name of who left stands as a value, it becomes the name of who they are. */
export const decodeMoved = (bytes: Uint8Array, from: string, to: string): Moved =>
  renamed(decodePlain(bytes), from, to) as Moved;

function renamed(value: unknown, from: string, to: string): unknown {
  if (value === from) return to;
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value;
  if (Array.isArray(value)) return value.map((one) => renamed(one, from, to));
  const record: Record<string, unknown> = {};
  for (const [name, one] of Object.entries(value)) record[name] = renamed(one, from, to);
  return record;
}
