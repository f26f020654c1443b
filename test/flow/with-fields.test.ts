import fc from "fast-check";
import { expect, test } from "vitest";
import { withFields } from "../../src/flow/with-fields.ts";

const fields = fc.dictionary(fc.string(), fc.jsonValue(), { maxKeys: 6 });

test("gives what a spread gives, in its order, and leaves what it is given alone", () => {
  fc.assert(
    fc.property(fields, fields, (one, more) => {
      const before = JSON.stringify([one, more]);
      const all = withFields(one, more);
      expect(Object.entries(all)).toEqual(Object.entries({ ...one, ...more }));
      expect(all).not.toBe(one);
      expect(JSON.stringify([one, more])).toBe(before);
    }),
  );
});
