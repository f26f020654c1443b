import fc from "fast-check";
import { expect, test } from "vitest";
import { firstText, precedence, textProp } from "../../operators/event.ts";

test("law: the first text is that of the first name with one, in whatever order properties came", () => {
  const names = ["sku", "content_id", "query", "path"];
  const order = precedence(names);
  const name = fc.constantFrom(...names, "dwell_ms", "scene");
  const value = fc.oneof(fc.string({ maxLength: 3 }), fc.integer(), fc.constant(null));
  fc.assert(
    fc.property(fc.array(fc.tuple(name, value), { maxLength: 6 }), (pairs) => {
      const event = { props: Object.fromEntries(pairs) };
      const plain = names.map((one) => textProp(event, one)).find((text) => text !== undefined);
      expect(firstText(event, order)).toBe(plain);
    }),
  );
});
