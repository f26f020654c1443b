import { Decoder } from "@msgpack/msgpack";
import { type MsgpackFault, scanMsgpack } from "./guard.ts";
import { type JsonFault, parseJson } from "./json-guard.ts";

/** Why something was not taken in. `reason` is a subject token, `remedy` a sentence for its sender. */
export interface Refusal {
  readonly ok: false;
  readonly reason: string;
  /** Path of the field at fault: `props.sku`. */
  readonly field?: string;
  readonly remedy: string;
}

/** `batch` tells an array of one value from the value alone. */
export interface Body {
  readonly ok: true;
  readonly values: readonly unknown[];
  readonly batch: boolean;
}

export interface WireLimits {
  readonly maxBytes: number;
  readonly maxDepth: number;
  readonly maxBatch: number;
}

export const WIRE_LIMITS: WireLimits = { maxBytes: 1_048_576, maxDepth: 16, maxBatch: 4096 };

export function refusal(reason: string, remedy: string, field?: string): Refusal {
  return field === undefined ? { ok: false, reason, remedy } : { ok: false, reason, remedy, field };
}

const UTF8 = refusal("bad_utf8", "Encode all text as UTF-8.");
const DEEP = refusal("too_deep", "Flatten the body: it nests deeper than the limit.");
const malformed = (what: string): Refusal => refusal("malformed", what);

const MSGPACK_REFUSALS: Readonly<Record<MsgpackFault, Refusal>> = {
  truncated: malformed("Send the whole msgpack value: it ends before its last field."),
  too_deep: DEEP,
  count: malformed("Correct the msgpack lengths: one announces more than the body holds."),
  trailing: malformed("Send one msgpack value a message, an array for several events."),
  ext: malformed(
    "Send times as ISO 8601 text or integer milliseconds: no msgpack extension types.",
  ),
  key: malformed("Use text for the keys of msgpack maps."),
  reserved: malformed("Send msgpack: the body holds the reserved byte 0xc1."),
  utf8: UTF8,
};
const JSON_REFUSALS: Readonly<Record<JsonFault, Refusal>> = {
  too_deep: DEEP,
  utf8: UTF8,
  syntax: malformed("Send valid JSON."),
};
const UNDECODABLE = malformed("Send plain msgpack maps without a key `__proto__`.");
const EMPTY = refusal("empty", "Send at least one event.");
const UNKNOWN_FORMAT = refusal(
  "unknown_format",
  "Send a JSON or msgpack object, or an array of them, and say which in Content-Type.",
);

type Format = "json" | "msgpack" | undefined;

/** By the first byte: JSON text begins with a bracket, a blank or a byte order mark, msgpack with a map or array. */
function formatOfByte(first: number): Format {
  if (first === 0x7b || first === 0x5b || first === 0x20 || first === 0xef) return "json";
  if (first === 0x0a || first === 0x0d || first === 0x09) return "json";
  if (first >= 0x80 && first <= 0x9f) return "msgpack";
  return first >= 0xdc && first <= 0xdf ? "msgpack" : undefined;
}

function formatOf(contentType: string | undefined, first: number): Format {
  if (contentType === undefined) return formatOfByte(first);
  const semicolon = contentType.indexOf(";");
  const type = (semicolon < 0 ? contentType : contentType.slice(0, semicolon)).trim().toLowerCase();
  if (type.endsWith("json")) return "json";
  return type.endsWith("msgpack") ? "msgpack" : formatOfByte(first);
}

const decoder = new Decoder();

function readValue(
  data: Uint8Array,
  format: Format,
  maxDepth: number,
): Refusal | { value: unknown } {
  if (format === "json") {
    const parsed = parseJson(data, maxDepth);
    return parsed.fault === undefined ? parsed : JSON_REFUSALS[parsed.fault];
  }
  if (format === "msgpack") {
    const fault = scanMsgpack(data, maxDepth);
    if (fault !== undefined) return MSGPACK_REFUSALS[fault];
    try {
      return { value: decoder.decode(data) };
    } catch {
      return UNDECODABLE;
    }
  }
  return UNKNOWN_FORMAT;
}

/**
 * The values of a message body, or why it is refused as a whole. Numbers may still be infinite or
 * not a number and msgpack may bring bytes: who reads a field checks it. Never throws.
 */
export function decodeBody(
  data: Uint8Array,
  contentType: string | undefined,
  limits: WireLimits,
): Body | Refusal {
  if (data.length === 0) return EMPTY;
  if (data.length > limits.maxBytes) {
    return refusal("too_large", `Send at most ${limits.maxBytes} bytes a message.`);
  }
  const read = readValue(data, formatOf(contentType, data[0] ?? 0), limits.maxDepth);
  if (!("value" in read)) return read;
  if (!Array.isArray(read.value)) return { ok: true, values: [read.value], batch: false };
  if (read.value.length === 0) return EMPTY;
  if (read.value.length > limits.maxBatch) {
    return refusal("batch_too_large", `Send at most ${limits.maxBatch} events a message.`);
  }
  return { ok: true, values: read.value, batch: true };
}
