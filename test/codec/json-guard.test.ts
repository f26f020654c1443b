import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseJson } from "../../src/codec/json-guard.ts";

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const parse = (text: string, maxDepth = 16) => parseJson(utf8(text), maxDepth);
const depthOf = (value: unknown): number =>
  typeof value === "object" && value !== null
    ? 1 + Math.max(0, ...Object.values(value).map(depthOf))
    : 0;
/** What the text says without the key that does harm. */
const harmless = (text: string): unknown =>
  JSON.parse(text, (key, value) => (key === "__proto__" ? undefined : value));

describe("the JSON guard", () => {
  test("reads what JSON.parse reads, as deep as allowed and no deeper", () => {
    const text = fc.string({ unit: fc.constantFrom(...'[]{}"\\,:u a\u00e9鞋\ud83d\udc5f') });
    const json = fc.jsonValue({ maxDepth: 5, stringUnit: "binary" });
    const value = fc.oneof(json, fc.array(fc.oneof(text, json)), fc.dictionary(text, text));
    fc.assert(
      fc.property(value, fc.nat(6), fc.constantFrom(undefined, 1), (v, maxDepth, indent) => {
        const written = JSON.stringify(v, null, indent);
        const parsed = parse(written, maxDepth);
        if (depthOf(v) > maxDepth) expect(parsed).toEqual({ fault: "too_deep" });
        else expect(parsed).toEqual({ fault: undefined, value: harmless(written) });
      }),
      { numRuns: 500, examples: [[{ a: [JSON.parse('{"__proto__":0}')] }, 6, undefined]] },
    );
  });

  test("never throws, whatever the bytes", () => {
    const ascii = fc.uint8Array({ maxLength: 60 }).map((data) => data.map((b) => b & 0x7f));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 60 }), ascii), (data) => {
        const parsed = parseJson(data, 4);
        expect(["too_deep", "utf8", "syntax", undefined]).toContain(parsed.fault);
      }),
    );
  });

  test.each`
    text                                   | why
    ${`{"a":1,"__proto__":{"x":1}}`}       | ${"written out"}
    ${`{"a":1,"__pr\\u006fto__":{"x":1}}`} | ${"behind an escape"}
    ${`{"a":1,"\\ud800":2}`}               | ${"a key that is no text"}
  `("leaves out a key that does harm: $why", ({ text }) => {
    const parsed = parse(text);
    expect(parsed.fault).toBeUndefined();
    if (parsed.fault !== undefined) return;
    expect(Object.keys(parsed.value as object)).toEqual(["a"]);
    expect(Object.getPrototypeOf(parsed.value)).toBe(Object.prototype);
    expect((parsed.value as { x?: number }).x).toBeUndefined();
  });

  test("mends text that UTF-8 could not hold", () => {
    expect(parse(`["a\\udc00b","\\ud83d\\udc5f"]`)).toEqual({
      fault: undefined,
      value: ["a\ufffdb", "\u{1f45f}"],
    });
  });

  test("the last of equal keys counts", () => {
    expect(parse(`{"a":1,"a":2}`)).toEqual({ fault: undefined, value: { a: 2 } });
  });

  test.each`
    data                                                   | fault         | why
    ${utf8("[".repeat(1 << 20))}                           | ${"too_deep"} | ${"a million brackets"}
    ${utf8(`{"a":`.repeat(100_000))}                       | ${"too_deep"} | ${"objects in objects"}
    ${Uint8Array.of(0x22, 0xff, 0x22)}                     | ${"utf8"}     | ${"no UTF-8"}
    ${Uint8Array.of(0xff, 0xfe, 0x7b, 0x00)}               | ${"utf8"}     | ${"UTF-16"}
    ${Uint8Array.of(0xef, 0xbb, 0xbf)}                     | ${"syntax"}   | ${"nothing but a byte order mark"}
    ${utf8(`{"a":NaN}`)}                                   | ${"syntax"}   | ${"not a number"}
    ${utf8(`{"a":1}{"b":2}`)}                              | ${"syntax"}   | ${"two values"}
    ${utf8(`{"a":"`)}                                      | ${"syntax"}   | ${"cut off"}
    ${Uint8Array.of(0xef, 0xbb, 0xbf, ...utf8(`{"a":1}`))} | ${undefined}  | ${"a byte order mark before it"}
  `("$fault: $why", ({ data, fault }) => {
    expect(parseJson(data, 16).fault).toBe(fault);
  });
});
