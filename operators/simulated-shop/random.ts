const HEX = "0123456789abcdef";
const LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** 32-bit finaliser of MurmurHash3: every input bit reaches every output bit. */
function scramble(n: number): number {
  let z = n ^ (n >>> 16);
  z = Math.imul(z, 0x85ebca6b);
  z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
  return (z ^ (z >>> 16)) >>> 0;
}

/**
 * A seeded generator (sfc32, 128 bits of state). Streams are named: `fork` depends on the names
 * alone and not on what was drawn, so one more draw in one stream shifts nothing in another.
 */
export class Random {
  readonly #high: number;
  readonly #low: number;
  #a: number;
  #b: number;
  #c: number;
  #count: number;

  constructor(high: number, low = 0) {
    this.#high = scramble(high | 0);
    this.#low = scramble((low | 0) ^ 0x9e3779b9);
    this.#a = this.#high | 0;
    this.#b = this.#low | 0;
    this.#c = (this.#high ^ this.#low) | 0;
    this.#count = 1;
    for (let round = 0; round < 12; round += 1) this.bits();
  }

  /** 32 random bits as an unsigned whole number. */
  bits(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#count) | 0;
    this.#count = (this.#count + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }
  /** In [0, 1). */
  fraction(): number {
    return this.bits() / 0x1_0000_0000;
  }
  chance(probability: number): boolean {
    return this.fraction() < probability;
  }
  below(limit: number): number {
    return Math.floor(this.fraction() * limit);
  }
  /** Whole, both ends included. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }
  pick<T>(choices: readonly [T, ...T[]]): T;
  pick<T>(choices: readonly T[]): T;
  pick<T>(choices: readonly T[]): T {
    const chosen = choices[this.below(choices.length)];
    if (chosen === undefined) throw new RangeError("nothing to pick from");
    return chosen;
  }
  /** Exponential with the given mean: the wait for the next of independent happenings. */
  wait(mean: number): number {
    return -mean * Math.log(1 - this.fraction());
  }
  /** Around 0 with deviation 1 (sum of uniforms: bounded at ±3, which a shop's people are). */
  bell(): number {
    return (this.fraction() + this.fraction() + this.fraction() - 1.5) * 2;
  }
  hex(length: number): string {
    return this.#text(HEX, length);
  }
  token(length: number): string {
    return this.#text(LETTERS, length);
  }
  fork(name: string, number = 0): Random {
    let high = this.#high;
    let low = this.#low ^ scramble(number + 0x51ed27);
    for (let i = 0; i < name.length; i += 1) {
      high = Math.imul(high ^ name.charCodeAt(i), 0x01000193);
      low = Math.imul(low ^ name.charCodeAt(i), 0x5bd1e995);
      low ^= low >>> 15;
    }
    return new Random(high ^ scramble(number), low);
  }

  #text(alphabet: string, length: number): string {
    let text = "";
    for (let i = 0; i < length; i += 1) text += alphabet.charAt(this.below(alphabet.length));
    return text;
  }
}
