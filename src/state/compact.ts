import { unitAt } from "../codec/unit-at.ts";

/**
 * Bytes of plain data, as few as can be read back quickly. Names of fields stand in a list that all
 * share, without which the bytes say nothing; a text met before in the same value is a reference to it;
 * times are told by how far they lie apart. What comes back is what a msgpack round trip gives.
 */
export class Compact {
  readonly #names: string[] = [];
  readonly #ids = new Map<string, number>();
  readonly #writer = new Writer();
  /** By name, which one came after it: records are alike, so it is looked at before the name is looked up. */
  readonly #follows = new Uint16Array(MOST_NAMES + 1);
  #last = 0;

  /** Names that are shared so far, by place; the list only grows. */
  get names(): readonly string[] {
    return this.#names;
  }
  /** Goes on from names that another shared, behind those that are known already. */
  adopt(names: readonly string[]): void {
    for (const name of names) this.#ids.set(name, this.#names.push(name));
  }

  /** There until the next call. */
  encode(value: unknown): Uint8Array {
    const writer = this.#writer;
    writer.begin();
    this.#put(writer, value);
    return writer.taken();
  }

  decode(bytes: Uint8Array): unknown {
    return this.#take(new Reader(bytes));
  }

  #put(to: Writer, value: unknown): void {
    // One question after the other: what `typeof` says is never made into a text that is compared.
    if (typeof value === "number") putNumber(to, value);
    else if (typeof value === "string") this.#putText(to, value);
    else if (typeof value === "boolean") to.byte(value ? Tag.True : Tag.False);
    // As in msgpack: what is undefined is nothing.
    else if (typeof value !== "object" || value === null) to.byte(Tag.Null);
    else if (Array.isArray(value)) this.#putList(to, value);
    else if (value instanceof Uint8Array) to.bytes(value);
    else this.#putRecord(to, value as Readonly<Record<string, unknown>>);
  }

  #putList(to: Writer, list: readonly unknown[]): void {
    const { length } = list;
    to.sized(Tag.ShortList, Tag.List, length);
    for (let i = 0; i < length; i += 1) this.#put(to, list[i]);
  }

  /** How many fields there are is known at the end; few of them is what room is left for. */
  #putRecord(to: Writer, record: Readonly<Record<string, unknown>>): void {
    const from = to.begun();
    let size = 0;
    for (const name in record) {
      const value = record[name];
      if (value === undefined) continue;
      this.#putName(to, name);
      this.#put(to, value);
      size += 1;
    }
    to.sizedAt(from, Tag.ShortRecord, Tag.Record, size);
  }

  /** A place in the shared list, counted from 1; 0 and the text itself when the list is full. */
  #putName(to: Writer, name: string): void {
    const expected = this.#follows[this.#last] as number;
    if (expected > 0 && this.#names[expected - 1] === name) {
      this.#last = expected;
      to.whole(expected);
      return;
    }
    const id = this.#idOf(name);
    this.#follows[this.#last] = id;
    this.#last = id;
    to.whole(id);
    if (id === 0) this.#putText(to, name);
  }
  #idOf(name: string): number {
    const id = this.#ids.get(name);
    if (id !== undefined) return id;
    // It would come back as something else than a field.
    if (name === "__proto__") throw new RangeError("no field may be called __proto__");
    if (this.#names.length >= MOST_NAMES || name.length > MOST_NAME_LENGTH) return 0;
    this.#ids.set(name, this.#names.push(name));
    return this.#names.length;
  }

  #putText(to: Writer, text: string): void {
    if (text.length < LEAST_SHARED) {
      to.text(text);
      return;
    }
    const id = this.#ids.get(text);
    if (id !== undefined) {
      to.byte(Tag.Name);
      to.whole(id);
      return;
    }
    const met = to.met.get(text);
    if (met === undefined) {
      to.met.set(text, to.met.size);
      to.text(text);
    } else {
      to.byte(Tag.Again);
      to.whole(met);
    }
  }

  #take(from: Reader): unknown {
    const tag = from.byte();
    if (tag < Tag.ShortList) return tag;
    if (tag < Tag.ShortRecord) return this.#takeList(from, tag - Tag.ShortList);
    if (tag < Tag.ShortText) return this.#takeRecord(from, tag - Tag.ShortRecord);
    if (tag < Tag.Null) return from.text(tag - Tag.ShortText);
    switch (tag) {
      case Tag.Null:
        return null;
      case Tag.True:
        return true;
      case Tag.False:
        return false;
      case Tag.Whole:
        return from.whole();
      case Tag.Negative:
        return -from.whole();
      case Tag.Later:
        return from.moved(from.whole());
      case Tag.Earlier:
        return from.moved(-from.whole());
      case Tag.Decimal:
        return from.whole() / DECIMALS;
      case Tag.Float:
        return from.float();
      case Tag.Hex:
        return from.hex(from.whole());
      case Tag.Text:
        return from.text(from.whole());
      case Tag.Wide:
        return from.wide(from.whole());
      case Tag.Name:
        return this.#names[from.whole() - 1];
      case Tag.Again:
        return from.met[from.whole()];
      case Tag.List:
        return this.#takeList(from, from.whole());
      case Tag.Record:
        return this.#takeRecord(from, from.whole());
      case Tag.Bytes:
        return from.bytes(from.whole());
      default:
        throw new RangeError(`no value begins with ${tag}`);
    }
  }

  #takeList(from: Reader, size: number): unknown[] {
    // A list that grows has room for many more: short ones are made as long as they are, others copied.
    if (size === 1) return [this.#take(from)];
    if (size === 2) return [this.#take(from), this.#take(from)];
    if (size === 3) return [this.#take(from), this.#take(from), this.#take(from)];
    const list: unknown[] = [];
    for (let i = 0; i < size; i += 1) list.push(this.#take(from));
    return list.slice();
  }

  #takeRecord(from: Reader, size: number): Record<string, unknown> {
    const record: Record<string, unknown> = {};
    for (let i = 0; i < size; i += 1) {
      const id = from.whole();
      const name = id === 0 ? String(this.#take(from)) : (this.#names[id - 1] as string);
      record[name] = this.#take(from);
    }
    return record;
  }
}

/** Field names that are shared; some records are filed by what people did, so there is no end to them. */
const MOST_NAMES = 4096;
const MOST_NAME_LENGTH = 64;
/** A shorter text is as short as a reference to it. */
const LEAST_SHARED = 4;
/** Digests and ids made of them: pairs of hexadecimal digits, so many digits at least. */
const LEAST_HEX = 8;
/** By code of ASCII, what a hexadecimal digit stands for; `NO_DIGIT` for what is none. */
const NO_DIGIT = 0x10;
const DIGITS = new Uint8Array(0x80).fill(NO_DIGIT);
for (let digit = 0; digit < 16; digit += 1) DIGITS[digit.toString(16).charCodeAt(0)] = digit;
/** Fractions of so much are whole numbers, where they come back as they were. */
const DECIMALS = 10_000;
const WORD = 2 ** 31;
/** Whole numbers from here on are times: told as the distance from the one before. */
const TIMES = 2 ** 32;

/** How a value begins. Below `ShortList` it is the whole number itself. */
const Tag = {
  ShortList: 0x40,
  ShortRecord: 0x60,
  ShortText: 0x80,
  Null: 0xc0,
  True: 0xc1,
  False: 0xc2,
  Whole: 0xc3,
  Negative: 0xc4,
  Later: 0xc5,
  Earlier: 0xc6,
  Decimal: 0xc7,
  Float: 0xc8,
  Hex: 0xc9,
  Text: 0xca,
  Wide: 0xcb,
  Name: 0xcc,
  Again: 0xcd,
  List: 0xce,
  Record: 0xcf,
  Bytes: 0xd0,
} as const;

/** Lists and records of fewer say their size with the tag. */
const SHORT_SIZES = 0x20;

function putNumber(to: Writer, value: number): void {
  if (!Number.isSafeInteger(value) || Object.is(value, -0)) {
    const scaled = Math.round(value * DECIMALS);
    if (scaled > 0 && scaled < TIMES && scaled / DECIMALS === value) {
      to.byte(Tag.Decimal);
      to.whole(scaled);
    } else to.float(value);
    return;
  }
  if (value >= 0 && value < Tag.ShortList) to.byte(value);
  else if (value >= TIMES) to.time(value);
  else if (value >= 0) {
    to.byte(Tag.Whole);
    to.whole(value);
  } else {
    to.byte(Tag.Negative);
    to.whole(-value);
  }
}

class Writer {
  /** Texts of this value that may be referred to, by when they were met. */
  readonly met = new Map<string, number>();
  #buffer = Buffer.allocUnsafe(4096);
  #used = 0;
  #time = 0;

  begin(): void {
    this.#used = 0;
    this.#time = 0;
    this.met.clear();
  }
  taken(): Uint8Array {
    return new Uint8Array(this.#buffer.buffer, this.#buffer.byteOffset, this.#used);
  }

  byte(value: number): void {
    this.#room(1);
    this.#buffer[this.#used++] = value;
  }
  /** A whole number from 0 on, seven bits a byte. */
  whole(value: number): void {
    this.#room(8);
    const buffer = this.#buffer;
    let at = this.#used;
    let large = value;
    for (; large >= WORD; large = Math.floor(large / 0x80)) buffer[at++] = (large % 0x80) + 0x80;
    // The rest of it fits into a machine word, where there is nothing to divide.
    let left = large | 0;
    for (; left >= 0x80; left >>= 7) buffer[at++] = (left & 0x7f) | 0x80;
    buffer[at++] = left;
    this.#used = at;
  }
  sized(short: number, long: number, size: number): void {
    if (size < SHORT_SIZES) this.byte(short + size);
    else {
      this.byte(long);
      this.whole(size);
    }
  }
  /** Leaves room for the head of what has a size that is not known yet; where that is. */
  begun(): number {
    this.#room(1);
    return this.#used++;
  }
  /** The head of what began there and ends here. */
  sizedAt(from: number, short: number, long: number, size: number): void {
    if (size < SHORT_SIZES) {
      this.#buffer[from] = short + size;
      return;
    }
    const end = this.#used;
    const more = this.#sizeOf(size);
    this.#room(more);
    this.#buffer.copyWithin(from + 1 + more, from + 1, end);
    this.#used = from;
    this.sized(short, long, size);
    this.#used = end + more;
  }
  time(value: number): void {
    const after = value - this.#time;
    this.#time = value;
    this.byte(after < 0 ? Tag.Earlier : Tag.Later);
    this.whole(Math.abs(after));
  }
  float(value: number): void {
    this.byte(Tag.Float);
    this.#room(8);
    this.#used = this.#buffer.writeDoubleLE(value, this.#used);
  }
  text(text: string): void {
    const { length } = text;
    this.#room(9 + length * 2);
    const buffer = this.#buffer;
    const from = this.#used;
    let at = from + (length < 0x40 ? 1 : this.#sizeOf(length) + 1);
    let digits = 0;
    for (let i = 0; i < length; i += 1) {
      const code = unitAt(text, i);
      if (code >= 0x80) {
        this.#wide(text);
        return;
      }
      digits |= DIGITS[code] as number;
      buffer[at++] = code;
    }
    if (digits < NO_DIGIT && length >= LEAST_HEX && length % 2 === 0) {
      this.#hex(text);
      return;
    }
    if (length < 0x40) buffer[from] = Tag.ShortText + length;
    else {
      this.byte(Tag.Text);
      this.whole(length);
    }
    this.#used = at;
  }
  /** One that is not plain ASCII; half a character stays what it is. */
  #wide(text: string): void {
    this.byte(Tag.Wide);
    this.whole(text.length);
    this.#used += this.#buffer.write(text, this.#used, "utf16le");
  }
  /** Two digits a byte; there is room. */
  #hex(text: string): void {
    const { length } = text;
    this.byte(Tag.Hex);
    this.whole(length / 2);
    for (let i = 0; i < length; i += 2) {
      const high = DIGITS[unitAt(text, i)] as number;
      this.#buffer[this.#used++] = (high << 4) | (DIGITS[unitAt(text, i + 1)] as number);
    }
  }
  bytes(value: Uint8Array): void {
    this.byte(Tag.Bytes);
    this.whole(value.length);
    this.#room(value.length);
    this.#buffer.set(value, this.#used);
    this.#used += value.length;
  }

  #sizeOf(value: number): number {
    let size = 1;
    for (let left = value; left >= 0x80; left = Math.floor(left / 0x80)) size += 1;
    return size;
  }
  #room(bytes: number): void {
    if (this.#used + bytes <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#used + bytes));
    larger.set(this.#buffer);
    this.#buffer = larger;
  }
}

class Reader {
  readonly met: string[] = [];
  readonly #bytes: Buffer;
  #at = 0;
  #time = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  byte(): number {
    return this.#bytes[this.#at++] as number;
  }
  whole(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 0x80) {
      const byte = this.byte();
      if (byte < 0x80) return value + byte * factor;
      value += (byte - 0x80) * factor;
    }
  }
  /** The time that lies so far from the one before. */
  moved(by: number): number {
    this.#time += by;
    return this.#time;
  }
  float(): number {
    this.#at += 8;
    return this.#bytes.readDoubleLE(this.#at - 8);
  }
  text(length: number): string {
    this.#at += length;
    return this.#met(this.#bytes.toString("latin1", this.#at - length, this.#at));
  }
  hex(length: number): string {
    this.#at += length;
    return this.#met(this.#bytes.toString("hex", this.#at - length, this.#at));
  }
  wide(length: number): string {
    this.#at += 2 * length;
    return this.#met(this.#bytes.toString("utf16le", this.#at - 2 * length, this.#at));
  }
  bytes(length: number): Uint8Array {
    this.#at += length;
    return new Uint8Array(this.#bytes.subarray(this.#at - length, this.#at));
  }
  #met(text: string): string {
    if (text.length >= LEAST_SHARED) this.met.push(text);
    return text;
  }
}
