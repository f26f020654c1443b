import { hash128 } from "../../src/codec/hash.ts";
import { isRecord } from "./plain.ts";

const MAX_SOURCE = 64;

/** What `src` of a canonical event names as its source; empty without one. */
export function sourceOf(src: unknown): string {
  if (!isRecord(src)) return "";
  const { source } = src;
  return typeof source === "string" ? source.slice(0, MAX_SOURCE) : "";
}

/** The id of an event, the cause of all it sets off; `broker` is the broker time it came in at. */
export const eventId = (source: string, clientId: string, broker: number, index: number): string =>
  hash128(`${source}\0${clientId}\0${broker}\0${index}`);
