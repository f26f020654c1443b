import { describe, expect, test } from "vitest";
import { hash128 } from "../../src/codec/hash.ts";

describe("hash128", () => {
  // Ids of logs that were written long ago are made of these.
  test.each([
    ["", "00000000000000000000000000000000"],
    ["a", "0e8ff0974247a279105cc0d47440e91d"],
    ["12345678", "cd5257f119425a79594aac4c7b4e2e1e"],
    ["recommend\np_0123456789abcdef\n7\n0", "c9afebb4894b7373725bc3b946826eb9"],
    ["雪🛒", "d359dc5b4d7ce35be1011b3472564de1"],
    ["x".repeat(100), "0e89745b2ff201bf26d86c1c9ce2b263"],
  ])("of %j is what it has always been", (text, hash) => {
    expect(hash128(text)).toBe(hash);
  });
});
