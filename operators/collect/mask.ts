import { sequenceAt } from "../../src/codec/guard.ts";
import { isKnownKind } from "./identifiers.ts";
import { isRecord } from "./plain.ts";

/** What a dead letter shows of the original: never an identifier, at most 4 kB. */
export interface Original {
  readonly original: string;
  readonly encoding: "json" | "text" | "base64";
  readonly truncated: boolean;
}

const MAX_TEXT = 4096;
const MAX_BINARY = 3072;
const MAX_SECRETS = 64;
const MAX_NODES = 5000;
const SHORTEST_SECRET = 6;
const LONGEST_WORD = 32;

/** Words of the canonical event, its dictionary and the facts: nobody is told by them. */
const WORDS = `id type ts recv sent touchpoint ids k session props src trace codec source scene utm
mp gzh channels wecom group pay page pos ec erp unknown json msgpack
unionid openid external_userid login mobile_hash mp_id device anon
viewed clicked favorited shared listed searched added removed claimed used placed paid cancelled
received refunded opened read played entered left liked commented created subscribed unsubscribed
joined message posted replied started ended rated booked done cast answered link unlink consent
delivered exposed ignored closed purchased blocked served
path dwell_ms title sku line category section price_minor spec review price sort filters query results
qty coupon coupon_id amount_minor currency order order_id lines total_minor region content article
content_id completion skus video live_id live kind launch normal menu key privacy purpose status
granted withdrawn cart product group_id keyword cs topic dur_ms rating service vote survey attribute
value contact channel feedback rec_id item recommendation
brand margin site inventory on_hand reserved supply lead_days review_days moq multiple on_order
supplier about catalog bom calendar version entries true false null`.split(/\s+/);

/** Names of identifiers, and of what is often made of one: their values are never shown. */
const TELLING: ReadonlySet<string> = new Set(
  "unionid openid external_userid login mobile_hash mp_id device anon session".split(" "),
);

/** In `ids` nothing is shown but the kinds. */
type How = "shown" | "hidden" | "ids";

const isKind = (value: unknown): boolean => typeof value === "string" && isKnownKind(value);

/** The words a mask leaves, together with those of the tracking plan. */
export function knownWords(plan: Iterable<string> = []): ReadonlySet<string> {
  return new Set([...WORDS, ...plan]);
}

const isLetter = (c: number): boolean => (c >= 0x61 && c <= 0x7a) || (c >= 0x41 && c <= 0x5a);
const isDigit = (c: number): boolean => c >= 0x30 && c <= 0x39;
const isWord = (c: number): boolean => isLetter(c) || isDigit(c) || c === 0x5f;

/** The kind of a character instead of the character: `x`, `9`, `*` beyond ASCII; punctuation stays. */
function shapeOf(c: number): number {
  if (isLetter(c)) return 0x78;
  if (isDigit(c)) return 0x39;
  return c < 0x80 ? c : 0x2a;
}

function shape(text: string): string {
  let out = "";
  const end = Math.min(text.length, MAX_TEXT);
  for (let i = 0; i < end; i += 1) out += String.fromCharCode(shapeOf(text.charCodeAt(i)));
  return out;
}

/**
 * Writes a decoded value as JSON. Values under keys nobody declared, `ids[].v` among them, keep
 * their shape only, and what they said is struck out wherever else it stands.
 */
class Masker {
  readonly #known: ReadonlySet<string>;
  readonly #secrets: string[] = [];
  #nodes = 0;
  #text = "";

  constructor(known: ReadonlySet<string>) {
    this.#known = known;
  }

  write(value: unknown): Original {
    this.#search(value, "shown");
    this.#nodes = 0;
    this.#value(value, "shown");
    const truncated = this.#text.length > MAX_TEXT;
    return { original: cut(this.#text), encoding: "json", truncated };
  }

  /** How the value under `key` of a record is to be written. */
  #under(key: string, value: unknown, how: How): How {
    if (how === "ids") return key === "k" && isKind(value) ? "shown" : "hidden";
    if (how === "hidden" || !this.#known.has(key) || TELLING.has(key)) return "hidden";
    return key === "ids" ? "ids" : "shown";
  }

  #search(value: unknown, how: How): void {
    this.#nodes += 1;
    if (this.#nodes > MAX_NODES) return;
    if (Array.isArray(value)) {
      for (const item of value) this.#search(item, how);
    } else if (isRecord(value)) {
      for (const key of Object.keys(value)) {
        this.#search(value[key], this.#under(key, value[key], how));
      }
    } else if (how !== "shown") {
      this.#remember(value);
    }
  }

  #remember(value: unknown): void {
    if (typeof value !== "string" && typeof value !== "number") return;
    const secret = String(value).trim();
    if (secret.length < SHORTEST_SECRET || this.#secrets.length >= MAX_SECRETS) return;
    if (this.#known.has(secret)) return;
    this.#secrets.push(secret);
  }

  #value(value: unknown, how: How): void {
    this.#nodes += 1;
    if (this.#text.length > MAX_TEXT || this.#nodes > MAX_NODES) return;
    if (Array.isArray(value)) this.#array(value, how);
    else if (isRecord(value)) this.#record(value, how);
    else this.#leaf(value, how === "shown");
  }

  #array(values: readonly unknown[], how: How): void {
    this.#text += "[";
    for (let i = 0; i < values.length && this.#text.length <= MAX_TEXT; i += 1) {
      if (i > 0) this.#text += ",";
      this.#value(values[i], how);
    }
    this.#text += "]";
  }

  #record(record: Readonly<Record<string, unknown>>, how: How): void {
    this.#text += "{";
    let first = true;
    for (const key of Object.keys(record)) {
      if (this.#text.length > MAX_TEXT) break;
      if (!first) this.#text += ",";
      first = false;
      const named = key === "v" || this.#known.has(key);
      this.#text += `${JSON.stringify(named ? key : shape(key))}:`;
      this.#value(record[key], this.#under(key, record[key], how));
    }
    this.#text += "}";
  }

  #leaf(value: unknown, shown: boolean): void {
    if (typeof value === "string") {
      this.#text += JSON.stringify(shown ? this.#struck(value.slice(0, MAX_TEXT)) : shape(value));
    } else if (ArrayBuffer.isView(value)) {
      this.#text += `"<${value.byteLength} bytes>"`;
    } else if (typeof value === "number" && (!shown || !Number.isFinite(value))) {
      this.#text += JSON.stringify(shown ? String(value) : shape(String(value)));
    } else {
      const text = JSON.stringify(value ?? null);
      this.#text += this.#secrets.includes(text) ? JSON.stringify(shape(text)) : text;
    }
  }

  #struck(text: string): string {
    let out = text;
    for (const secret of this.#secrets) {
      if (out.includes(secret)) out = out.replaceAll(secret, shape(secret));
    }
    return out;
  }
}

/** At most the limit, and no half of a surrogate pair at its end. */
function cut(text: string): string {
  if (text.length <= MAX_TEXT) return text;
  const last = text.charCodeAt(MAX_TEXT - 1);
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? MAX_TEXT - 1 : MAX_TEXT);
}

export function maskedValue(value: unknown, known: ReadonlySet<string>): Original {
  return new Masker(known).write(value);
}

/** Masks the word that begins at `from`, unless it is known; where it ends. */
function maskWord(out: Uint8Array, from: number, known: ReadonlySet<string>): number {
  let stop = from + 1;
  while (stop < out.length && isWord(out[stop] ?? 0)) stop += 1;
  const word = stop - from <= LONGEST_WORD ? String.fromCharCode(...out.subarray(from, stop)) : "";
  if (!known.has(word)) for (let i = from; i < stop; i += 1) out[i] = shapeOf(out[i] ?? 0);
  return stop;
}

/** Byte for byte: known words stay, other letters and digits, and text beyond ASCII, keep their shape only. */
function maskBytes(data: Uint8Array, end: number, known: ReadonlySet<string>): Uint8Array {
  const out = data.slice(0, end);
  let at = 0;
  while (at < end) {
    const byte = out[at] ?? 0;
    if (isWord(byte)) {
      at = maskWord(out, at, known);
      continue;
    }
    // A sequence that the end cuts in two is masked as well.
    const length = byte < 0x80 ? 1 : sequenceAt(data, at, data.length);
    if (length > 1) out.fill(0x2a, at, Math.min(at + length, end));
    at += Math.max(1, length);
  }
  return out;
}

const isText = (byte: number): boolean =>
  (byte >= 0x20 && byte < 0x7f) || byte === 0x0a || byte === 0x0d || byte === 0x09;

/** For bodies that no decoder could read: nobody knows where in them an identifier stands. */
export function maskedBytes(data: Uint8Array, known: ReadonlySet<string>): Original {
  const masked = maskBytes(data, Math.min(data.length, MAX_TEXT), known);
  if (masked.every(isText)) {
    const original = String.fromCharCode(...masked);
    return { original, encoding: "text", truncated: data.length > MAX_TEXT };
  }
  const original = btoa(String.fromCharCode(...masked.subarray(0, MAX_BINARY)));
  return { original, encoding: "base64", truncated: data.length > MAX_BINARY };
}
