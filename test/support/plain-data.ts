import fc from "fast-check";

/** Any code units, halves of pairs among them, around the lengths at which heads grow. */
const texts = fc
  .tuple(
    fc.constantFrom(0x7f, 0x7ff, 0xffff),
    fc.oneof(fc.nat(70), fc.constantFrom(31, 32, 50, 51, 255, 256, 65_535, 65_536)),
    fc.array(fc.nat(0xffff), { minLength: 1, maxLength: 80 }),
  )
  .map(([most, length, codes]) => {
    const units = Array.from({ length }, (_, i) => (codes[i % codes.length] ?? 0) & most);
    return units.map((unit) => String.fromCharCode(unit)).join("");
  });
const powers = [5, 7, 8, 15, 16, 31, 32, 33, 52, 53, 63].map((bits) => 2 ** bits);
const numbers = fc.oneof(
  fc.double(),
  fc.maxSafeInteger(),
  fc
    .tuple(fc.constantFrom(...powers), fc.integer({ min: -2, max: 2 }), fc.constantFrom(1, -1))
    .map(([power, by, sign]) => sign * (power + by)),
  fc.constant(-0),
);
const sizes = fc.oneof(
  { weight: 20, arbitrary: fc.nat(40) },
  { weight: 1, arbitrary: fc.constantFrom(255, 256, 65_535, 65_536) },
);
const bytes = sizes.map((length) => Uint8Array.from({ length }, (_, i) => i));

/** Plain data of every kind, with the lengths and amounts at which msgpack needs longer heads. */
export const { plain } = fc.letrec((tie) => ({
  plain: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    numbers,
    texts,
    fc.boolean(),
    fc.constantFrom(null, undefined),
    bytes,
    tie("list"),
    tie("record"),
    // As many as make a longer head, and one less.
    fc.array(numbers, { minLength: 15, maxLength: 17 }),
    fc.dictionary(texts, numbers, { minKeys: 15, maxKeys: 17 }),
  ),
  list: fc.array(tie("plain")),
  record: fc.dictionary(texts, tie("plain")),
}));
