import fc from "fast-check";
import { expect, test } from "vitest";
import { Compact } from "../../src/state/compact.ts";
import { decodePlain, encodePlain } from "../../src/state/plain.ts";

/** Plain data as states are: texts and fields that come again, times, fractions, bytes. */
const text = fc.oneof(
  fc.constantFrom("product.viewed", "mp", "gzh", "s_0011223344556677", ""),
  fc.string({ maxLength: 80 }),
  fc.stringMatching(/^[0-9a-f]{7,40}$/),
  fc.string({ unit: "grapheme", maxLength: 80 }),
  fc.string({ unit: "binary", maxLength: 8 }),
);
const number = fc.oneof(
  fc.integer({ min: -200, max: 200 }),
  fc.integer({ min: 1_790_000_000_000, max: 1_800_000_000_000 }),
  fc.maxSafeInteger(),
  fc.integer({ min: 0, max: 100_000 }).map((n) => n / 10_000),
  fc.double(),
);
const name = text.filter((value) => value !== "__proto__");
const { plain } = fc.letrec<{ plain: unknown }>((tie) => ({
  plain: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    number,
    text,
    fc.boolean(),
    fc.constant(null),
    fc.uint8Array({ maxLength: 20 }),
    fc.array(tie("plain"), { maxLength: 40 }),
    fc.dictionary(name, tie("plain"), { maxKeys: 40, noNullPrototype: true }),
  ),
}));

test("law: what was made compact comes back as from msgpack, whatever was encoded in between", () => {
  const compact = new Compact();
  const kept: [unknown, Uint8Array][] = [];
  fc.assert(
    fc.property(plain, (value) => {
      const bytes = compact.encode(value).slice();
      kept.push([value, bytes]);
      expect(compact.decode(bytes)).toStrictEqual(value);
    }),
    { numRuns: 2000 },
  );
  // Names learnt since have changed nothing of what was encoded before.
  for (const [value, bytes] of kept) expect(compact.decode(bytes)).toStrictEqual(value);
});

test("bytes are what they have always been: checkpoints are full of them", () => {
  const compact = new Compact();
  const numbers = [
    0,
    63,
    64,
    300,
    2 ** 31 - 1,
    2 ** 31,
    2 ** 32 - 1,
    -1,
    -(2 ** 40),
    0.25,
    1 / 3,
    -0,
  ];
  const digits = ["abc", "00aaff0123", "00aaff012", "00aaff01", "00AAff01", "a".repeat(64), "雪"];
  const many = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`f${i % 10}${i}`, i]));
  const bytesOf = (value: unknown) => Buffer.from(compact.encode(value)).toString("hex");
  expect(bytesOf({ at: 1_790_000_000_000, numbers })).toBe(
    "6201c580d8c1a28c34024c003fc340c3ac02c3ffffffff07c38080808008c3ffffffff0fc401c480808080802" +
      "0c7c413c8555555555555d53fc80000000000000080",
  );
  expect(bytesOf([...digits, { at: 1_790_000_060_000 }])).toBe(
    "4883616263c90500aaff012389303061616666303132c90400aaff01883030414166663031c920aaaaaaaaaa" +
      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaacb01ea966101c5e0acc5a28c34",
  );
  expect(bytesOf(many)).toBe(
    "cf2803000401050206030704080509060a070b080c090d0a0e0b0f0c100d110e120f13101411151216131714" +
      "181519161a171b181c191d1a1e1b1f1c201d211e221f23202421252226232724282529262a27",
  );
});

test("half a character survives, which msgpack gives up", () => {
  const compact = new Compact();
  expect(compact.decode(compact.encode(["\ud800", { "\udc00x": 1 }]))).toEqual([
    "\ud800",
    { "\udc00x": 1 },
  ]);
});

test("undefined is what it is in msgpack: no field, and nothing in a list", () => {
  const value = { a: undefined, b: [1, undefined, 2] };
  const compact = new Compact();
  expect(compact.decode(compact.encode(value))).toStrictEqual(decodePlain(encodePlain(value)));
});

test("more names than are shared come back, too; a field called __proto__ is refused", () => {
  const compact = new Compact();
  const many = Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`name-${i}`, i]));
  expect(compact.decode(compact.encode([many, many]))).toEqual([many, many]);
  const late = { late: { late: "late" } };
  expect(compact.decode(compact.encode(late))).toEqual(late);
  expect(() => compact.encode(JSON.parse('{"__proto__": 1}'))).toThrow(/__proto__/);
});

test("it is far smaller than msgpack where fields, texts and times come again", () => {
  const step = (i: number) => ({
    at: 1_790_000_000_000 + i * 60_000,
    touchpoint: "mp",
    type: "product.viewed",
    about: `sku-${i % 3}`,
    session: "s_0011223344556677",
  });
  const value = { path: Array.from({ length: 20 }, (_, i) => step(i)) };
  const compact = new Compact();
  expect(compact.encode(value).length * 4).toBeLessThan(encodePlain(value).length);
});
