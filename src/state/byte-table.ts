/** A part of the memory: entries behind each other, in words of four bytes. */
interface Slab {
  readonly words: Uint32Array;
  readonly bytes: Buffer;
  /** Words up to here are entries, dead or alive. */
  used: number;
  /** Words of those that are alive. */
  live: number;
}

/**
 * Bytes by key, for very many small ones: keys and bytes lie behind each other in a few large buffers,
 * so that an entry takes some 20 bytes beside its own, and nothing of it is an object that the
 * collector has to look at. An entry that is dropped leaves its room behind; once so much of it has
 * gathered, the buffer with the fewest living entries is cleared by moving them.
 *
 * An address is a slab and a word in it. An entry is the address of the next of its bucket, the length
 * of the key with two flags, the length of the bytes, the key, the bytes.
 */
export class ByteTable {
  #size = 0;
  /** Words of all living entries, and of all slabs. */
  #live = 0;
  #room = 0;
  /** Slab 0 is none, so that no address is 0. */
  readonly #slabs: (Slab | undefined)[] = [undefined];
  readonly #free: number[] = [];
  /** The slab that entries are put into; 0 before the first. */
  #current = 0;
  #heads = new Uint32Array(LEAST_BUCKETS);

  get size(): number {
    return this.#size;
  }
  /** Bytes of memory it holds. */
  get memory(): number {
    return this.#room * WORD + this.#heads.byteLength;
  }

  has(key: string): boolean {
    return this.#find(key) !== 0;
  }
  /** A view, there until the next change; undefined when there is none. */
  get(key: string): Uint8Array | undefined {
    const address = this.#find(key);
    return address === 0 ? undefined : valueAt(this.#slab(address), address & IN_SLAB);
  }

  /** Files bytes under a key, instead of those that were there. They may not be a view of its own. */
  set(key: string, value: Uint8Array): void {
    this.delete(key);
    if (this.#size === this.#heads.length) this.#rehash(this.#heads.length * 2);
    const wide = isWide(key);
    const keyBytes = wide ? key.length * 2 : key.length;
    const address = this.#take(HEADER + wordsOf(keyBytes + value.length));
    const slab = this.#slab(address);
    const at = address & IN_SLAB;
    slab.words[at + KEY] = (keyBytes << FLAG_BITS) + (wide ? WIDE : 0);
    slab.words[at + VALUE] = value.length;
    const from = (at + HEADER) * WORD;
    slab.bytes.write(key, from, wide ? "utf16le" : "latin1");
    slab.bytes.set(value, from + keyBytes);
    this.#link(address, hashOf(key));
    this.#size++;
  }

  delete(key: string): boolean {
    const bucket = this.#bucket(hashOf(key));
    let before = 0;
    let address = this.#heads[bucket] as number;
    while (address !== 0 && !this.#is(address, key)) {
      before = address;
      address = this.#nextOf(address);
    }
    if (address === 0) return false;
    const slab = this.#slab(address);
    const at = address & IN_SLAB;
    if (before === 0) this.#heads[bucket] = slab.words[at] as number;
    else this.#slab(before).words[before & IN_SLAB] = slab.words[at] as number;
    slab.words[at + KEY] = (slab.words[at + KEY] as number) | DEAD;
    const words = wordsAt(slab, at);
    slab.live -= words;
    this.#live -= words;
    this.#size--;
    if (slab.live === 0) this.#clear(address >>> SLAB_BITS, slab);
    return true;
  }

  /** Not while it is changed. */
  *keys(): Generator<string> {
    for (const slab of this.#slabs) {
      if (slab === undefined) continue;
      for (const at of entriesOf(slab)) if (isAlive(slab, at)) yield keyAt(slab, at);
    }
  }

  #slab(address: number): Slab {
    return this.#slabs[address >>> SLAB_BITS] as Slab;
  }
  #nextOf(address: number): number {
    return this.#slab(address).words[address & IN_SLAB] as number;
  }
  #bucket(hash: number): number {
    return hash & (this.#heads.length - 1);
  }

  #find(key: string): number {
    let address = this.#heads[this.#bucket(hashOf(key))] as number;
    while (address !== 0 && !this.#is(address, key)) address = this.#nextOf(address);
    return address;
  }

  #is(address: number, key: string): boolean {
    const { words, bytes } = this.#slab(address);
    const at = address & IN_SLAB;
    const head = words[at + KEY] as number;
    const wide = (head & WIDE) !== 0;
    const { length } = key;
    if (head >>> FLAG_BITS !== (wide ? length * 2 : length)) return false;
    let from = (at + HEADER) * WORD;
    for (let i = 0; i < length; i++, from += wide ? 2 : 1) {
      const code = wide
        ? (bytes[from] as number) + (bytes[from + 1] as number) * 256
        : (bytes[from] as number);
      if (key.charCodeAt(i) !== code) return false;
    }
    return true;
  }

  #link(address: number, hash: number): void {
    const bucket = this.#bucket(hash);
    this.#slab(address).words[address & IN_SLAB] = this.#heads[bucket] as number;
    this.#heads[bucket] = address;
  }

  #rehash(buckets: number): void {
    this.#heads = new Uint32Array(buckets);
    this.#slabs.forEach((slab, number) => {
      if (slab === undefined) return;
      for (const at of entriesOf(slab)) {
        if (isAlive(slab, at)) this.#link(addressOf(number, at), hashOf(keyAt(slab, at)));
      }
    });
  }

  /** Room for an entry of so many words, which is alive from here on. */
  #take(words: number): number {
    // One that is larger than a slab has one for itself.
    const number = words > SLAB_WORDS ? this.#add(words) : this.#withRoom(words);
    return this.#use(number, words);
  }
  #use(number: number, words: number): number {
    const slab = this.#slabs[number] as Slab;
    const address = addressOf(number, slab.used);
    slab.used += words;
    slab.live += words;
    this.#live += words;
    return address;
  }

  #withRoom(words: number): number {
    if (this.#fits(words)) return this.#current;
    while (this.#room - this.#live > this.#live * MOST_DEAD + SLAB_WORDS) {
      if (!this.#moveOut()) break;
    }
    return this.#fits(words) ? this.#current : this.#open(words);
  }
  #fits(words: number): boolean {
    const slab = this.#slabs[this.#current];
    return slab !== undefined && slab.used + words <= slab.words.length;
  }

  /** Clears the slab with the fewest living entries; false where that would gain nothing. */
  #moveOut(): boolean {
    let fewest = 0;
    let least = 1 - MOST_DEAD / 2;
    this.#slabs.forEach((slab, number) => {
      if (slab === undefined || number === this.#current) return;
      const share = slab.live / slab.words.length;
      if (share >= least) return;
      least = share;
      fewest = number;
    });
    const slab = this.#slabs[fewest];
    if (slab === undefined) return false;
    for (const at of entriesOf(slab)) if (isAlive(slab, at)) this.#move(fewest, slab, at);
    return true;
  }

  #move(number: number, from: Slab, at: number): void {
    const words = wordsAt(from, at);
    from.live -= words;
    this.#live -= words;
    const address = this.#use(this.#fits(words) ? this.#current : this.#open(words), words);
    this.#slab(address).words.set(from.words.subarray(at, at + words), address & IN_SLAB);
    this.#relink(addressOf(number, at), address, hashOf(keyAt(from, at)));
    if (from.live === 0) this.#clear(number, from);
  }

  #relink(from: number, to: number, hash: number): void {
    const bucket = this.#bucket(hash);
    let address = this.#heads[bucket] as number;
    if (address === from) {
      this.#heads[bucket] = to;
      return;
    }
    while (this.#nextOf(address) !== from) address = this.#nextOf(address);
    this.#slab(address).words[address & IN_SLAB] = to;
  }

  /** A few small slabs first, so that a small table is small. */
  #open(words: number): number {
    const before = this.#slabs[this.#current];
    if (before?.live === 0) this.#drop(this.#current, before);
    const usual = Math.min(SLAB_WORDS, Math.max(LEAST_SLAB_WORDS, this.#room));
    this.#current = this.#add(Math.max(usual, words));
    return this.#current;
  }
  #add(length: number): number {
    const words = new Uint32Array(length);
    const number = this.#free.pop() ?? this.#slabs.length;
    if (number > MOST_SLABS) throw new RangeError("a table has at most 65,535 slabs");
    this.#slabs[number] = { words, bytes: Buffer.from(words.buffer), used: 0, live: 0 };
    this.#room += length;
    return number;
  }

  /** Nothing in it is alive. */
  #clear(number: number, slab: Slab): void {
    if (number === this.#current) slab.used = 0;
    else this.#drop(number, slab);
  }
  #drop(number: number, slab: Slab): void {
    this.#room -= slab.words.length;
    this.#slabs[number] = undefined;
    this.#free.push(number);
  }
}

const WORD = 4;
const SLAB_BITS = 16;
const SLAB_WORDS = 1 << SLAB_BITS;
const IN_SLAB = SLAB_WORDS - 1;
const LEAST_SLAB_WORDS = 256;
const MOST_SLABS = 0xffff;
const LEAST_BUCKETS = 16;
/** Words of an entry: the next of its bucket, the lengths of key and bytes. */
const KEY = 1;
const VALUE = 2;
const HEADER = 3;
/** Beside the length of a key: whether it has characters of two bytes, whether the entry is dropped. */
const FLAG_BITS = 2;
const WIDE = 1;
const DEAD = 2;
/** Room that is not in use, of that which is. */
const MOST_DEAD = 0.25;

const addressOf = (slab: number, at: number): number => slab * SLAB_WORDS + at;
const wordsOf = (bytes: number): number => Math.ceil(bytes / WORD);

function wordsAt({ words }: Slab, at: number): number {
  const keyBytes = (words[at + KEY] as number) >>> FLAG_BITS;
  return HEADER + wordsOf(keyBytes + (words[at + VALUE] as number));
}
const isAlive = ({ words }: Slab, at: number): boolean =>
  ((words[at + KEY] as number) & DEAD) === 0;

function* entriesOf(slab: Slab): Generator<number> {
  for (let at = 0; at < slab.used; at += wordsAt(slab, at)) yield at;
}

function keyAt({ words, bytes }: Slab, at: number): string {
  const head = words[at + KEY] as number;
  const from = (at + HEADER) * WORD;
  const wide = (head & WIDE) !== 0;
  return bytes.toString(wide ? "utf16le" : "latin1", from, from + (head >>> FLAG_BITS));
}
function valueAt({ words, bytes }: Slab, at: number): Uint8Array {
  const from = (at + HEADER) * WORD + ((words[at + KEY] as number) >>> FLAG_BITS);
  return bytes.subarray(from, from + (words[at + VALUE] as number));
}

function isWide(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0xff) return true;
  return false;
}

/** FNV-1a over UTF-16 code units, its bits spread. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x7feb352d);
  return hash ^ (hash >>> 15);
}
