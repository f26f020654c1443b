import { encode } from "@msgpack/msgpack";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeBody, WIRE_LIMITS } from "../../src/codec/wire.ts";

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const read = (data: Uint8Array, contentType?: string) =>
  decodeBody(data, contentType, { ...WIRE_LIMITS, maxBytes: 1000, maxBatch: 3 });

const event = { id: "e1", type: "searched", ts: 1, props: { query: "跑鞋" } };

describe("a message body", () => {
  test.each`
    name                             | data                                      | contentType
    ${"JSON by header"}              | ${utf8(JSON.stringify(event))}            | ${"application/json; charset=utf-8"}
    ${"JSON of a family"}            | ${utf8(JSON.stringify(event))}            | ${"application/cloudevents+json"}
    ${"JSON by first byte"}          | ${utf8(` ${JSON.stringify(event)}`)}      | ${undefined}
    ${"JSON behind a mark"}          | ${utf8(`\ufeff${JSON.stringify(event)}`)} | ${undefined}
    ${"JSON under a strange header"} | ${utf8(JSON.stringify(event))}            | ${"text/plain"}
    ${"msgpack by header"}           | ${encode(event)}                          | ${"application/msgpack"}
    ${"msgpack of a vendor"}         | ${encode(event)}                          | ${"Application/X-MsgPack"}
    ${"msgpack by first byte"}       | ${encode(event)}                          | ${undefined}
  `("$name is one value", ({ data, contentType }) => {
    expect(read(data, contentType)).toEqual({ ok: true, values: [event], batch: false });
  });

  test("JSON and msgpack of the same values read alike", () => {
    const values = fc.array(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 })), {
      minLength: 1,
      maxLength: 3,
    });
    fc.assert(
      fc.property(values, (batch) => {
        // -0 has no JSON form.
        const plain = JSON.parse(JSON.stringify(batch)) as unknown[];
        fc.pre(!JSON.stringify(plain).includes("__proto__"));
        const expected = { ok: true, values: plain, batch: true };
        const limits = { ...WIRE_LIMITS, maxBatch: 3 };
        expect(decodeBody(utf8(JSON.stringify(plain)), undefined, limits)).toEqual(expected);
        expect(decodeBody(encode(plain), undefined, limits)).toEqual(expected);
      }),
    );
  });

  test.each`
    data                                                     | contentType              | reason
    ${utf8("")}                                              | ${undefined}             | ${"empty"}
    ${utf8("[]")}                                            | ${undefined}             | ${"empty"}
    ${utf8(`"${"x".repeat(1000)}"`)}                         | ${"application/json"}    | ${"too_large"}
    ${utf8("[1,2,3,4]")}                                     | ${undefined}             | ${"batch_too_large"}
    ${utf8("hello")}                                         | ${undefined}             | ${"unknown_format"}
    ${utf8("{")}                                             | ${undefined}             | ${"malformed"}
    ${utf8("{}")}                                            | ${"application/msgpack"} | ${"malformed"}
    ${encode({ a: 1 })}                                      | ${"application/json"}    | ${"bad_utf8"}
    ${utf8("[".repeat(17))}                                  | ${undefined}             | ${"too_deep"}
    ${Uint8Array.of(0x81, 0xa9, ...utf8("__proto__"), 0x80)} | ${undefined}             | ${"malformed"}
  `("$reason is refused with a remedy", ({ data, contentType, reason }) => {
    const refused = read(data, contentType);
    expect(refused).toMatchObject({ ok: false, reason });
    expect(refused.ok ? "" : refused.remedy).toMatch(/^[A-Z].*\.$/);
  });

  test("never throws, and always gives values or a reason", () => {
    const types = fc.constantFrom(undefined, "application/json", "application/msgpack", "");
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), types, (data, contentType) => {
        const body = read(data, contentType);
        if (body.ok) expect(body.values.length).toBeGreaterThan(0);
        else expect(body.reason).toMatch(/^[a-z][a-z0-9_]*$/);
      }),
      { numRuns: 1000 },
    );
  });
});
