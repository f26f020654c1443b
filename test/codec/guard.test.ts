import { decode, encode } from "@msgpack/msgpack";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { scanMsgpack } from "../../src/codec/guard.ts";

const MAX_DEPTH = 16;
const bytes = (...list: number[]): Uint8Array => Uint8Array.from(list);
const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)]);

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const within = (data: Uint8Array, end: number): number => (end <= data.length ? end : -1);
const isText = (head = 0): boolean =>
  (head >= 0xa0 && head <= 0xbf) || (head >= 0xd9 && head <= 0xdb);

function endOfText(data: Uint8Array, from: number, length: number): number {
  if (from + length > data.length) return -1;
  try {
    strict.decode(data.subarray(from, from + length));
    return from + length;
  } catch {
    return -1;
  }
}

function endOfList(
  data: Uint8Array,
  from: number,
  values: number,
  map: boolean,
  depth: number,
): number {
  if (depth >= MAX_DEPTH) return -1;
  let next = from;
  for (let i = 0; i < values && next >= 0; i += 1) {
    if (map && i % 2 === 0 && !isText(data[next])) return -1;
    next = endOf(data, next, depth + 1);
  }
  return next;
}

/** What a head with a length field of `width` bytes announces. */
function endOfSized(data: Uint8Array, at: number, width: number, depth: number): number {
  const from = at + 1 + width;
  if (from > data.length) return -1;
  const n = Number(
    `0x${[...data.subarray(at + 1, from)].map((b) => b.toString(16).padStart(2, "0")).join("")}`,
  );
  const head = data[at] ?? 0;
  if (head >= 0xdc) return endOfList(data, from, head >= 0xde ? n * 2 : n, head >= 0xde, depth);
  return isText(head) ? endOfText(data, from, n) : within(data, from + n);
}

/** The definition, slow and recursive: where the value at `at` ends, or -1 when it is not sound. */
function endOf(data: Uint8Array, at: number, depth: number): number {
  const head = data[at];
  if (head === undefined || head === 0xc1) return -1;
  if (head <= 0x7f || head >= 0xe0) return at + 1;
  if (head <= 0x8f) return endOfList(data, at + 1, (head & 15) * 2, true, depth);
  if (head <= 0x9f) return endOfList(data, at + 1, head & 15, false, depth);
  if (head <= 0xbf) return endOfText(data, at + 1, head & 31);
  if (head <= 0xc3) return at + 1;
  if (head <= 0xc6) return endOfSized(data, at, 2 ** (head - 0xc4), depth);
  if (head <= 0xc9) return -1;
  if (head <= 0xcb) return within(data, at + (head === 0xca ? 5 : 9));
  if (head <= 0xd3) return within(data, at + 1 + 2 ** (head % 4));
  if (head <= 0xd8) return -1;
  return endOfSized(data, at, head <= 0xdb ? 2 ** (head - 0xd9) : 2 + (head & 1) * 2, depth);
}

const value = fc.jsonValue({ maxDepth: 6 });

describe("the msgpack guard", () => {
  test("lets through whatever an encoder writes, and the decoder then reads it", () => {
    fc.assert(
      fc.property(value, (v) => {
        const data = encode(v);
        expect(scanMsgpack(data, MAX_DEPTH)).toBeUndefined();
      }),
    );
  });

  test("agrees with the slow definition on damaged bytes, and what it lets through decodes", () => {
    const damaged = fc
      .tuple(value, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }), fc.nat(3))
      .map(([v, hits, cut]) => {
        const data = encode(v);
        for (const [at, byte] of hits) data[at % data.length] = byte;
        return data.slice(0, Math.max(0, data.length - cut));
      });
    let passed = 0;
    const seed = 20_261_031;
    fc.assert(
      fc.property(fc.oneof(damaged, fc.uint8Array({ maxLength: 40 })), (data) => {
        const sound = endOf(data, 0, 0) === data.length;
        expect(scanMsgpack(data, MAX_DEPTH) === undefined).toBe(sound);
        if (!sound) return;
        passed += 1;
        try {
          decode(data);
        } catch (fault) {
          expect(String(fault)).toMatch(/__proto__/);
        }
      }),
      { numRuns: 3000, seed },
    );
    expect(passed).toBeGreaterThan(100);
  });

  test.each`
    data                                               | fault          | why
    ${bytes()}                                         | ${"truncated"} | ${"nothing at all"}
    ${bytes(0xdd, 0xff, 0xff, 0xff, 0xff)}             | ${"count"}     | ${"four billion values announced in five bytes"}
    ${bytes(0xdf, 0x7f, 0xff, 0xff, 0xff, 0xa1, 0x61)} | ${"count"}     | ${"two billion pairs"}
    ${bytes(0xde, 0x00, 0x02, 0xa0, 0xc0, 0xa0)}       | ${"count"}     | ${"a pair needs two bytes"}
    ${bytes(0xdb, 0xff, 0xff, 0xff, 0xff, 0x61)}       | ${"truncated"} | ${"text of four gigabytes"}
    ${bytes(0xc6, 0x00, 0x00, 0x00, 0x02, 0x61)}       | ${"truncated"} | ${"bytes beyond the end"}
    ${new Uint8Array(1 << 20).fill(0x91)}              | ${"too_deep"}  | ${"a million arrays in each other"}
    ${new Uint8Array(1 << 20).fill(0x81)}              | ${"key"}       | ${"a map as a key"}
    ${encode(nested(17))}                              | ${"too_deep"}  | ${"one deeper than allowed"}
    ${encode(nested(16))}                              | ${undefined}   | ${"as deep as allowed"}
    ${bytes(0xc0, 0xc0)}                               | ${"trailing"}  | ${"a second value"}
    ${bytes(0xd6, 0xff, 0, 0, 0, 0)}                   | ${"ext"}       | ${"a timestamp"}
    ${bytes(0xc7, 0x00, 0x01)}                         | ${"ext"}       | ${"an empty extension"}
    ${bytes(0xc1)}                                     | ${"reserved"}  | ${"the byte nobody uses"}
    ${bytes(0x81, 0x01, 0x01)}                         | ${"key"}       | ${"a number as a key"}
    ${bytes(0x82, 0xa1, 0x61, 0x01, 0xc0, 0x01)}       | ${"key"}       | ${"nil as the second key"}
    ${bytes(0xa2, 0xc3, 0x28)}                         | ${"utf8"}      | ${"a broken sequence"}
    ${bytes(0xa3, 0xed, 0xa0, 0x80)}                   | ${"utf8"}      | ${"a surrogate"}
    ${bytes(0xa2, 0xc0, 0x80)}                         | ${"utf8"}      | ${"an overlong zero"}
  `("$fault: $why", ({ data, fault }) => {
    expect(scanMsgpack(data, MAX_DEPTH)).toBe(fault);
  });
});
