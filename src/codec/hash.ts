import { unitAt } from "./unit-at.ts";

/**
 * Hashes that ids, key groups and derived randomness are made of. They are part of what the log
 * means: changing one changes every id. Not for secrets (identifiers go through an HMAC).
 */

const C1 = 0x239b961b;
const C2 = 0xab0e9789;
const C3 = 0x38b34ae5;
const C4 = 0xa1e38b93;

const rotl = (x: number, r: number): number => (x << r) | (x >>> (32 - r));

function finalMix(h: number): number {
  let x = h;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return x ^ (x >>> 16);
}

const DIGITS = Array.from("0123456789abcdef", (digit) => digit.charCodeAt(0));
/** Scratch: character codes of the hash that is being written. */
const hex = new Array<number>(32).fill(0);
function writeHex(word: number, at: number): void {
  for (let i = 0; i < 8; i += 1) hex[at + i] = DIGITS[(word >>> (28 - 4 * i)) & 15] ?? 0;
}

/** Past the end there is 0. Asking `charCodeAt` there is right as well, but makes it slow everywhere. */
const unitOrZero = (text: string, i: number): number => (i < text.length ? unitAt(text, i) : 0);

/**
 * MurmurHash3 x86 128 (Austin Appleby, public domain) over the UTF-16 code units of `text`, two
 * units a word, as 32 hex digits.
 */
export function hash128(text: string): string {
  const length = text.length;
  let h1 = 0;
  let h2 = 0;
  let h3 = 0;
  let h4 = 0;
  for (let i = 0; i < length; i += 8) {
    const k1 = unitOrZero(text, i) | (unitOrZero(text, i + 1) << 16);
    const k2 = unitOrZero(text, i + 2) | (unitOrZero(text, i + 3) << 16);
    const k3 = unitOrZero(text, i + 4) | (unitOrZero(text, i + 5) << 16);
    const k4 = unitOrZero(text, i + 6) | (unitOrZero(text, i + 7) << 16);
    h1 ^= Math.imul(rotl(Math.imul(k1, C1), 15), C2);
    h1 = (Math.imul((rotl(h1, 19) + h2) | 0, 5) + 0x561ccd1b) | 0;
    h2 ^= Math.imul(rotl(Math.imul(k2, C2), 16), C3);
    h2 = (Math.imul((rotl(h2, 17) + h3) | 0, 5) + 0x0bcaa747) | 0;
    h3 ^= Math.imul(rotl(Math.imul(k3, C3), 17), C4);
    h3 = (Math.imul((rotl(h3, 15) + h4) | 0, 5) + 0x96cd1c35) | 0;
    h4 ^= Math.imul(rotl(Math.imul(k4, C4), 18), C1);
    h4 = (Math.imul((rotl(h4, 13) + h1) | 0, 5) + 0x32ac3b17) | 0;
  }
  h1 ^= length;
  h2 ^= length;
  h3 ^= length;
  h4 ^= length;
  h1 = (h1 + h2 + h3 + h4) | 0;
  h2 = (h2 + h1) | 0;
  h3 = (h3 + h1) | 0;
  h4 = (h4 + h1) | 0;
  h1 = finalMix(h1);
  h2 = finalMix(h2);
  h3 = finalMix(h3);
  h4 = finalMix(h4);
  h1 = (h1 + h2 + h3 + h4) | 0;
  writeHex(h1, 0);
  writeHex(h2 + h1, 8);
  writeHex(h3 + h1, 16);
  writeHex(h4 + h1, 24);
  // In one piece: a text joined of parts would be put together at its first use, which costs more.
  return String.fromCharCode(...hex);
}

const utf8 = new TextEncoder();

/** FNV-1a 32 over UTF-8, the function of the broker's own `partition()` mapping. */
export function fnv1a32(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) {
    const unit = unitAt(text, i);
    if (unit > 0x7f) return fnv1a32Bytes(utf8.encode(text));
    h = Math.imul(h ^ unit, 0x01000193);
  }
  return h >>> 0;
}

function fnv1a32Bytes(bytes: Uint8Array): number {
  let h = 0x811c9dc5;
  for (const byte of bytes) h = Math.imul(h ^ byte, 0x01000193);
  return h >>> 0;
}
