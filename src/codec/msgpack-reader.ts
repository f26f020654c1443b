import { unitAt } from "./unit-at.ts";

/** As deep as the writer goes. */
const MAX_DEPTH = 100;
/** Texts up to this length are remembered, so many at the most. */
const REMEMBERED_TEXT = 32;
const REMEMBERED = 4096;
/** Texts of more bytes are read by the platform: the writer has left no half of a pair in them. */
const LONG_TEXT = 150;
const FOUR_BYTES = 2 ** 32;

/**
 * Reads what `MsgpackWriter` wrote, and nothing else: the same plain data as `@msgpack/msgpack` reads
 * from it. Short texts come again and again (names, types, people): one that was read before is the
 * same string, found by its bytes, which is looked up by identity afterwards and takes no room.
 */
export class MsgpackReader {
  readonly #texts = new Array<string>(REMEMBERED).fill("");
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;

  /** What is `Uint8Array` in it are views of `bytes`. Throws RangeError on what the writer never wrote. */
  decode(bytes: Uint8Array): unknown {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#at = 0;
    const value = this.#take(1);
    if (this.#at !== bytes.length)
      throw new RangeError(`a value ends at ${this.#at}, not with its bytes`);
    return value;
  }

  #take(depth: number): unknown {
    if (depth > MAX_DEPTH) throw new RangeError(`state is nested deeper than ${MAX_DEPTH}`);
    const tag = this.#whole(1);
    if (tag < 0x80) return tag;
    if (tag < 0x90) return this.#map(tag - 0x80, depth);
    if (tag < 0xa0) return this.#array(tag - 0x90, depth);
    if (tag < 0xc0) return this.#text(tag - 0xa0);
    if (tag >= 0xe0) return tag - 0x100;
    switch (tag) {
      case 0xc0:
        return null;
      case 0xc2:
        return false;
      case 0xc3:
        return true;
      case 0xc4:
        return this.#binary(this.#whole(1));
      case 0xc5:
        return this.#binary(this.#whole(2));
      case 0xc6:
        return this.#binary(this.#whole(4));
      case 0xcb:
        this.#at += 8;
        return this.#bytes.readDoubleBE(this.#at - 8);
      case 0xcc:
        return this.#whole(1);
      case 0xcd:
        return this.#whole(2);
      case 0xce:
        return this.#whole(4);
      case 0xcf:
        return this.#whole(4) * FOUR_BYTES + this.#whole(4);
      case 0xd0:
        return (this.#whole(1) << 24) >> 24;
      case 0xd1:
        return (this.#whole(2) << 16) >> 16;
      case 0xd2:
        return this.#whole(4) | 0;
      case 0xd3:
        return (this.#whole(4) | 0) * FOUR_BYTES + this.#whole(4);
      case 0xd9:
        return this.#text(this.#whole(1));
      case 0xda:
        return this.#text(this.#whole(2));
      case 0xdb:
        return this.#text(this.#whole(4));
      case 0xdc:
        return this.#array(this.#whole(2), depth);
      case 0xdd:
        return this.#array(this.#whole(4), depth);
      case 0xde:
        return this.#map(this.#whole(2), depth);
      case 0xdf:
        return this.#map(this.#whole(4), depth);
      default:
        throw new RangeError(`no value begins with ${tag}`);
    }
  }

  /** A whole number from 0 on in so many bytes, the highest first. */
  #whole(size: 1 | 2 | 4): number {
    const bytes = this.#bytes;
    const at = this.#at;
    this.#at += size;
    if (this.#at > bytes.length) throw new RangeError("a value goes on behind its bytes");
    if (size === 1) return bytes[at] as number;
    const high = ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
    if (size === 2) return high;
    return high * 0x10000 + (((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number));
  }

  #array(size: number, depth: number): unknown[] {
    // Each has a byte at least: no room is made for what cannot be there.
    if (size > this.#bytes.length - this.#at)
      throw new RangeError(`a list of ${size} goes on behind its bytes`);
    const array = new Array<unknown>(size);
    for (let i = 0; i < size; i += 1) array[i] = this.#take(depth + 1);
    return array;
  }

  #map(size: number, depth: number): Record<string, unknown> {
    const map: Record<string, unknown> = {};
    for (let i = 0; i < size; i += 1) {
      const name = this.#take(depth);
      if (typeof name !== "string" || name === "__proto__")
        throw new RangeError(`${name} is no name of a field`);
      map[name] = this.#take(depth + 1);
    }
    return map;
  }

  #binary(length: number): Uint8Array {
    const bytes = this.#bytes;
    const from = this.#skip(length);
    return new Uint8Array(bytes.buffer, bytes.byteOffset + from, length);
  }

  #text(length: number): string {
    const bytes = this.#bytes;
    const from = this.#skip(length);
    const to = this.#at;
    if (length > REMEMBERED_TEXT)
      return isAscii(bytes, from, to) ? bytes.toString("latin1", from, to) : this.#wide(from, to);
    let hash = length;
    let all = 0;
    for (let i = from; i < to; i += 1) {
      const byte = bytes[i] as number;
      all |= byte;
      hash = Math.imul(hash ^ byte, 0x01000193);
    }
    if (all >= 0x80) return this.#wide(from, to);
    const place = (hash ^ (hash >>> 15)) & (REMEMBERED - 1);
    const known = this.#texts[place] as string;
    if (isText(known, bytes, from, to)) return known;
    const text = bytes.toString("latin1", from, to);
    this.#texts[place] = text;
    return text;
  }

  /** A text that is not plain ASCII; half a pair is read as it was written. */
  #wide(from: number, to: number): string {
    const bytes = this.#bytes;
    if (to - from > LONG_TEXT) return bytes.toString("utf8", from, to);
    const units: number[] = [];
    let at = from;
    const more = () => (bytes[at++] as number) & 0x3f;
    while (at < to) {
      const byte = bytes[at++] as number;
      if (byte < 0x80) units.push(byte);
      else if (byte < 0xe0) units.push(((byte & 0x1f) << 6) | more());
      else if (byte < 0xf0) units.push(((byte & 0xf) << 12) | (more() << 6) | more());
      else {
        const point = ((byte & 7) << 18) | (more() << 12) | (more() << 6) | more();
        units.push(0xd7c0 + (point >> 10), 0xdc00 | (point & 0x3ff));
      }
    }
    return String.fromCharCode(...units);
  }

  /** Goes behind so many bytes; where they begin. */
  #skip(length: number): number {
    const from = this.#at;
    this.#at += length;
    if (this.#at > this.#bytes.length) throw new RangeError("a value goes on behind its bytes");
    return from;
  }
}

function isAscii(bytes: Uint8Array, from: number, to: number): boolean {
  let all = 0;
  for (let i = from; i < to; i += 1) all |= bytes[i] as number;
  return all < 0x80;
}

function isText(text: string, bytes: Uint8Array, from: number, to: number): boolean {
  if (text.length !== to - from) return false;
  for (let i = from; i < to; i += 1) if (unitAt(text, i - from) !== bytes[i]) return false;
  return true;
}
