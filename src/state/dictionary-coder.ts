/**
 * Bytes in fewer: what stands in a dictionary, or earlier in the same bytes, is told by where it
 * stands. The dictionary is learnt from the first bytes that are encoded and only ever grows at its
 * end, so whatever was encoded with it can be decoded from then on.
 *
 * A token is a byte of a kind and a length; then, by kind: as many bytes as they are; nothing (the
 * copy goes on as far away as the last one began: fields whose values differ); two bytes of a place
 * in the dictionary; a distance back in the same bytes.
 */
export class DictionaryCoder {
  /** The dictionary, and behind it, while they are encoded or decoded, the bytes themselves. */
  #space = new Uint8Array(DICTIONARY_BYTES + 4096);
  #known = 0;
  #out = new Uint8Array(4096);
  #used = 0;
  /** By hash of what begins there: the last place in the dictionary, and for each the one before, from 1. */
  readonly #heads = new Uint16Array(BUCKETS);
  readonly #before = new Uint16Array(DICTIONARY_BYTES);
  /** The same of the last place in the bytes that are encoded. */
  readonly #own = new Uint16Array(BUCKETS);
  /** Where the last copy would go on, and how far it may: a dictionary has grown when it is read. */
  #next = 0;
  #bound = 0;
  /** The copy that was found last. */
  #kind = 0;
  #from = 0;
  #length = 0;

  /** What was learnt so far; a view. */
  get dictionary(): Uint8Array {
    return this.#space.subarray(0, this.#known);
  }

  /** Goes on from a dictionary that another coder learnt, behind what is known of it already. */
  adopt(more: Uint8Array): void {
    if (this.#known + more.length > DICTIONARY_BYTES)
      throw new RangeError("no dictionary is so long");
    this.#space.set(more, this.#known);
    this.#learn(this.#known + more.length);
  }

  /** There until the next call. */
  encode(bytes: Uint8Array): Uint8Array {
    this.#place(bytes);
    const end = this.#known + bytes.length;
    // Nothing is told in more than twice its bytes.
    if (this.#out.length < bytes.length * 2) this.#out = new Uint8Array(bytes.length * 3);
    this.#used = 0;
    this.#own.fill(0);
    this.#tell(end);
    const teaches = this.#used * LEAST_NEW > bytes.length;
    if (teaches && end <= DICTIONARY_BYTES) this.#learn(end);
    return this.#out.subarray(0, this.#used);
  }

  /** There until the next call. */
  decode(bytes: Uint8Array): Uint8Array {
    let space = this.#space;
    let at = this.#known;
    let from = 0;
    let i = 0;
    while (i < bytes.length) {
      const token = bytes[i++] as number;
      const kind = token & KINDS;
      let left = (token & LENGTHS) + leastOf(kind);
      if (at + left > space.length) space = this.#widen(at + left);
      if (kind === LITERAL) {
        from += left;
        for (; left > 0; left--) space[at++] = bytes[i++] as number;
        continue;
      }
      if (kind === KNOWN) {
        from = (bytes[i] as number) + (bytes[i + 1] as number) * 256;
        i += 2;
      } else if (kind === OWN) {
        let distance = bytes[i++] as number;
        if (distance >= 0x80) distance += ((bytes[i++] as number) - 1) * 0x80;
        from = at - distance;
      }
      for (; left > 0; left--) space[at++] = space[from++] as number;
    }
    return space.subarray(this.#known, at);
  }

  #place(bytes: Uint8Array): void {
    const end = this.#known + bytes.length;
    if (end > this.#space.length) this.#widen(end);
    this.#space.set(bytes, this.#known);
  }

  #tell(end: number): void {
    const known = this.#known;
    let at = known;
    let told = known;
    this.#next = 0;
    this.#bound = 0;
    while (at <= end - SHORTEST) {
      this.#find(at, end);
      if (this.#length < leastOf(this.#kind)) {
        at++;
        this.#next++;
        continue;
      }
      this.#literals(told, at);
      this.#copy(at);
      if (this.#kind !== AGAIN) this.#bound = this.#kind === KNOWN ? known : end;
      this.#next = this.#from + this.#length;
      at += this.#length;
      told = at;
    }
    this.#literals(told, end);
  }

  /** The copy that tells most of what begins here. */
  #find(at: number, end: number): void {
    const most = Math.min(LONGEST, end - at);
    this.#kind = AGAIN;
    this.#from = this.#next;
    this.#length = this.#alike(this.#next, at, Math.min(most, this.#bound - this.#next));
    const bucket = hashOf(this.#space, at);
    const place = at - this.#known;
    if (this.#length < GOOD) {
      this.#findKnown(at, bucket, most);
      const own = (this.#own[bucket] as number) - 1;
      if (own >= 0 && place - own < FARTHEST) this.#try(OWN, this.#known + own, at, most);
    }
    if (place < MOST_PLACES) this.#own[bucket] = place + 1;
  }

  #findKnown(at: number, bucket: number, most: number): void {
    let place = this.#heads[bucket] as number;
    for (let depth = DEPTH; place > 0 && depth > 0; depth--) {
      const begin = place - 1;
      this.#try(KNOWN, begin, at, Math.min(most, this.#known - begin));
      place = this.#before[begin] as number;
    }
  }

  #try(kind: number, from: number, at: number, most: number): void {
    const least = this.#length;
    if (least > 0 && this.#space[from + least] !== this.#space[at + least]) return;
    const length = this.#alike(from, at, most);
    if (length <= least + (this.#kind === AGAIN ? PLACE_COSTS : 0)) return;
    this.#kind = kind;
    this.#from = from;
    this.#length = length;
  }

  /** How many bytes from two places on are the same, of so many at most. */
  #alike(a: number, b: number, most: number): number {
    const space = this.#space;
    let length = 0;
    while (length < most && space[a + length] === space[b + length]) length++;
    return length;
  }

  #literals(from: number, to: number): void {
    for (let at = from; at < to; ) {
      const length = Math.min(MOST_LITERALS, to - at);
      this.#out[this.#used++] = LITERAL + length - 1;
      for (const end = at + length; at < end; at++) {
        this.#out[this.#used++] = this.#space[at] as number;
      }
    }
  }

  #copy(at: number): void {
    const out = this.#out;
    const kind = this.#kind;
    out[this.#used++] = kind + this.#length - leastOf(kind);
    if (kind === KNOWN) {
      out[this.#used++] = this.#from % 256;
      out[this.#used++] = this.#from >> 8;
    } else if (kind === OWN) {
      const distance = at - this.#from;
      if (distance >= 0x80) out[this.#used++] = 0x80 + (distance % 0x80);
      out[this.#used++] = distance < 0x80 ? distance : distance >> 7;
    }
  }

  /** What stands up to here is the dictionary from now on. */
  #learn(end: number): void {
    const from = Math.max(0, this.#known - SHORTEST + 1);
    for (let at = from; at <= end - SHORTEST; at++) {
      const bucket = hashOf(this.#space, at);
      this.#before[at] = this.#heads[bucket] as number;
      this.#heads[bucket] = at + 1;
    }
    this.#known = end;
  }

  #widen(atLeast: number): Uint8Array<ArrayBuffer> {
    const wider = new Uint8Array(Math.max(atLeast, this.#space.length * 2));
    wider.set(this.#space);
    this.#space = wider;
    return wider;
  }
}

/** How a token begins; the length is above the least of its kind. */
const LITERAL = 0x00;
const AGAIN = 0x40;
const KNOWN = 0x80;
const OWN = 0xc0;
const KINDS = 0xc0;
const LENGTHS = 0x3f;
const leastOf = (kind: number): number => (kind >= KNOWN ? SHORTEST : kind === AGAIN ? 2 : 1);
/** A copy from a new place is at least so long: fewer bytes take as much to tell. */
const SHORTEST = 3;
const LONGEST = LENGTHS + 2;
const MOST_LITERALS = LENGTHS + 1;
/** A distance back fits into 15 bits. */
const FARTHEST = 0x8000;
const MOST_PLACES = 0xffff;
/** What a new place takes more than going on. */
const PLACE_COSTS = 2;
/** A copy of so many bytes is not worth looking for a better one. */
const GOOD = 12;
/** Places in the dictionary that are tried. */
const DEPTH = 4;
/** A place in it fits into two bytes. */
const DICTIONARY_BYTES = 32 * 1024;
/** Bytes that take less than one in so many teach nothing. */
const LEAST_NEW = 4;

const BUCKET_BITS = 13;
const BUCKETS = 1 << BUCKET_BITS;
/** Of the three bytes from here on. */
function hashOf(bytes: Uint8Array, at: number): number {
  const three =
    (bytes[at] as number) | ((bytes[at + 1] as number) << 8) | ((bytes[at + 2] as number) << 16);
  return Math.imul(three, 0x9e3779b1) >>> (32 - BUCKET_BITS);
}
