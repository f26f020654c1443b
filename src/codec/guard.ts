/** Why msgpack bytes were refused before a decoder saw them. */
export type MsgpackFault =
  | "truncated"
  | "too_deep"
  | "count"
  | "trailing"
  | "ext"
  | "key"
  | "reserved"
  | "utf8";

const SCALAR = 0;
const STR = 1;
const ARRAY = 2;
const MAP = 3;
const EXT = 4;
const RESERVED = 5;

/** By head byte: what follows, how wide its length field is, and the length where the byte holds it. */
const KIND = new Uint8Array(256);
const WIDTH = new Uint8Array(256);
const LENGTH = new Uint8Array(256);

function fill(from: number, to: number, kind: number, width: number, length: number): void {
  for (let head = from; head <= to; head += 1) {
    KIND[head] = kind;
    WIDTH[head] = width;
    LENGTH[head] = length;
  }
}
for (let n = 0; n < 16; n += 1) {
  fill(0x80 + n, 0x80 + n, MAP, 0, n);
  fill(0x90 + n, 0x90 + n, ARRAY, 0, n);
}
for (let n = 0; n < 32; n += 1) fill(0xa0 + n, 0xa0 + n, STR, 0, n);
fill(0xc1, 0xc1, RESERVED, 0, 0);
for (let i = 0; i < 3; i += 1) {
  fill(0xc4 + i, 0xc4 + i, SCALAR, 2 ** i, 0); // bin 8, 16, 32
  fill(0xd9 + i, 0xd9 + i, STR, 2 ** i, 0);
}
fill(0xc7, 0xc9, EXT, 0, 0);
fill(0xca, 0xca, SCALAR, 0, 4);
fill(0xcb, 0xcb, SCALAR, 0, 8);
for (let i = 0; i < 4; i += 1) {
  fill(0xcc + i, 0xcc + i, SCALAR, 0, 2 ** i); // uint 8 to 64
  fill(0xd0 + i, 0xd0 + i, SCALAR, 0, 2 ** i); // int 8 to 64
}
fill(0xd4, 0xd8, EXT, 0, 0);
fill(0xdc, 0xdc, ARRAY, 2, 0);
fill(0xdd, 0xdd, ARRAY, 4, 0);
fill(0xde, 0xde, MAP, 2, 0);
fill(0xdf, 0xdf, MAP, 4, 0);

const MAX_LEVELS = 64;

const UTF8_LENGTH = new Uint8Array(256);
for (let lead = 0; lead < 256; lead += 1) {
  if (lead < 0x80) UTF8_LENGTH[lead] = 1;
  else if (lead >= 0xc2 && lead < 0xe0) UTF8_LENGTH[lead] = 2;
  else if (lead >= 0xe0 && lead < 0xf0) UTF8_LENGTH[lead] = 3;
  else if (lead >= 0xf0 && lead < 0xf5) UTF8_LENGTH[lead] = 4;
}
/** Least and greatest second byte by lead byte: no overlong forms, surrogates or code points too large. */
const SECOND_LEAST = new Uint8Array(256).fill(0x80);
SECOND_LEAST[0xe0] = 0xa0;
SECOND_LEAST[0xf0] = 0x90;
const SECOND_GREATEST = new Uint8Array(256).fill(0xbf);
SECOND_GREATEST[0xed] = 0x9f;
SECOND_GREATEST[0xf4] = 0x8f;

const byteAt = (bytes: Uint8Array, at: number): number => bytes[at] ?? 0;

/** Length of the UTF-8 sequence that begins at `at` and ends before `end`; 0 when there is none. */
export function sequenceAt(bytes: Uint8Array, at: number, end: number): number {
  const lead = byteAt(bytes, at);
  const length = byteAt(UTF8_LENGTH, lead);
  if (length <= 1) return length;
  if (at + length > end) return 0;
  const second = byteAt(bytes, at + 1);
  if (second < byteAt(SECOND_LEAST, lead) || second > byteAt(SECOND_GREATEST, lead)) return 0;
  for (let i = 2; i < length; i += 1) {
    if ((byteAt(bytes, at + i) & 0xc0) !== 0x80) return 0;
  }
  return length;
}

function isUtf8(bytes: Uint8Array, from: number, end: number): boolean {
  let at = from;
  while (at < end) {
    if (byteAt(bytes, at) < 0x80) {
      at += 1;
    } else {
      const length = sequenceAt(bytes, at, end);
      if (length === 0) return false;
      at += length;
    }
  }
  return true;
}

const NOTHING = new Uint8Array(0);

/** One walk at a time over reused scratch, so that a scan allocates nothing. */
class Walk {
  #bytes: Uint8Array = NOTHING;
  #at = 0;
  #depth = 0;
  #deepest = 0;
  /** By level: values still to come, and whether it is a map. */
  readonly #open = new Float64Array(MAX_LEVELS + 1);
  readonly #isMap = new Uint8Array(MAX_LEVELS + 1);

  scan(bytes: Uint8Array, maxDepth: number): MsgpackFault | undefined {
    this.#bytes = bytes;
    this.#at = 0;
    this.#depth = 0;
    this.#deepest = Math.min(maxDepth, MAX_LEVELS);
    let fault: MsgpackFault | undefined;
    do fault = this.#value();
    while (fault === undefined && this.#depth > 0);
    if (fault === undefined && this.#at !== bytes.length) fault = "trailing";
    this.#bytes = NOTHING;
    return fault;
  }

  #value(): MsgpackFault | undefined {
    if (this.#at >= this.#bytes.length) return "truncated";
    const head = byteAt(this.#bytes, this.#at);
    const kind = byteAt(KIND, head);
    if (kind >= EXT) return kind === EXT ? "ext" : "reserved";
    if (kind !== STR && this.#wantsKey()) return "key";
    const width = byteAt(WIDTH, head);
    this.#at += 1 + width;
    if (this.#at > this.#bytes.length) return "truncated";
    const length = width === 0 ? byteAt(LENGTH, head) : this.#uint(width);
    return kind <= STR ? this.#leaf(kind, length) : this.#container(kind, length);
  }

  /** In a map with an even number of values to come the next one is a key. */
  #wantsKey(): boolean {
    if (byteAt(this.#isMap, this.#depth) === 0) return false;
    return this.#depth > 0 && (this.#open[this.#depth] ?? 0) % 2 === 0;
  }

  /** The unsigned integer of `width` bytes that ends here. */
  #uint(width: number): number {
    let n = 0;
    for (let at = this.#at - width; at < this.#at; at += 1) n = n * 256 + byteAt(this.#bytes, at);
    return n;
  }

  #leaf(kind: number, length: number): MsgpackFault | undefined {
    const from = this.#at;
    if (length > this.#bytes.length - from) return "truncated";
    this.#at = from + length;
    this.#closeLevels();
    return kind === STR && !isUtf8(this.#bytes, from, this.#at) ? "utf8" : undefined;
  }

  #container(kind: number, length: number): MsgpackFault | undefined {
    const values = kind === MAP ? length * 2 : length;
    if (values > this.#bytes.length - this.#at) return "count";
    if (this.#depth >= this.#deepest) return "too_deep";
    if (values === 0) {
      this.#closeLevels();
      return undefined;
    }
    this.#depth += 1;
    this.#open[this.#depth] = values;
    this.#isMap[this.#depth] = kind === MAP ? 1 : 0;
    return undefined;
  }

  /** One value more at this level; leaves every level that has got its last. */
  #closeLevels(): void {
    while (this.#depth > 0) {
      const left = (this.#open[this.#depth] ?? 0) - 1;
      this.#open[this.#depth] = left;
      if (left > 0) return;
      this.#depth -= 1;
    }
  }
}

const walk = new Walk();

/**
 * Walks the headers of one msgpack value without decoding it: at most `maxDepth` containers inside
 * each other (64 at the most), no count larger than the bytes that are left, text keys only, text in
 * valid UTF-8, no extension types, nothing behind the value. Linear, iterative, allocates nothing.
 * Undefined when a decoder may see the bytes.
 */
export function scanMsgpack(bytes: Uint8Array, maxDepth: number): MsgpackFault | undefined {
  return walk.scan(bytes, maxDepth);
}
