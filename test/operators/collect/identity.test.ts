import fc from "fast-check";
import { expect, test } from "vitest";
import { Identity } from "../../../operators/collect/identity.ts";
import { Carrier } from "../../support/parts.ts";

const tally = () => ({ minted: 0, linked: 0, conflicts: 0, forgotten: 0 });
const hash = fc.integer({ min: 0, max: 11 }).map((n) => n.toString(16).repeat(32));
const sighting = fc.uniqueArray(hash, { minLength: 1, maxLength: 4 });
const sightings = fc.array(fc.tuple(sighting, fc.nat(3)), { maxLength: 40 });

/** The definition: who was met first, looked up in the whole history. */
class History {
  readonly owners = new Map<string, string>();
  readonly met: string[] = [];

  personOf(hashes: readonly string[], strongest: number): string {
    const known = hashes.flatMap((h) => this.owners.get(h) ?? []);
    const oldest = this.met.find((name) => known.includes(name));
    const name = oldest ?? `p_${(hashes[strongest] ?? "").slice(0, 16)}`;
    if (oldest === undefined) this.met.push(name);
    for (const h of hashes) if (!this.owners.has(h)) this.owners.set(h, name);
    return name;
  }
}

test("as long as nothing is forgotten, a person is the first one met under any of the ids", () => {
  fc.assert(
    fc.property(sightings, (list) => {
      const counts = tally();
      const identity = new Identity(1000, counts);
      const history = new History();
      for (const [hashes, at] of list) {
        const strongest = at % hashes.length;
        const name = identity.personOf(hashes, strongest);
        expect(name).toBe(history.personOf(hashes, strongest));
        for (const h of hashes) expect(identity.find([h])).toBe(history.owners.get(h));
      }
      expect(counts).toMatchObject({ minted: history.met.length, linked: history.owners.size });
    }),
    { numRuns: 500 },
  );
});

test("what was seen lately is not forgotten, and forgetting is counted", () => {
  const bound = 8;
  fc.assert(
    fc.property(fc.array(hash, { maxLength: 60 }), (list) => {
      const counts = tally();
      const identity = new Identity(bound, counts);
      const seen: string[] = [];
      for (const h of list) {
        identity.personOf([h], 0);
        seen.push(h);
        const recent = [...new Set([...seen].reverse())].slice(0, bound / 2);
        for (const r of recent) expect(identity.find([r])).toBe(`p_${r.slice(0, 16)}`);
        expect(identity.size).toBeLessThanOrEqual(bound);
        expect(counts.linked).toBe(identity.size + counts.forgotten);
      }
    }),
    { numRuns: 300 },
  );
});

test("restored, it takes a person who was forgotten and met again for who they are now", () => {
  const ids = (...numbers: number[]) => numbers.map((n) => n.toString(16).repeat(32));
  const live = new Identity(8, tally());
  const part = live.part("identity");
  // 1 and 2 are one person; 1 is forgotten while 2 is seen again and again.
  live.personOf(ids(1, 2), 0);
  for (const other of [3, 4, 5, 6, 7, 8]) {
    live.personOf(ids(other), 0);
    live.personOf(ids(2), 0);
  }
  live.personOf(ids(9), 0);
  expect(live.find(ids(1))).toBeUndefined();
  expect(live.personOf(ids(1), 0)).toBe(live.find(ids(2)));
  const carrier = new Carrier();
  carrier.cut([part], true);
  const restored = new Identity(8, tally());
  carrier.restore([restored.part("identity")]);
  expect(live.personOf(ids(1, 9), 0)).toBe("p_9999999999999999");
  expect(restored.personOf(ids(1, 9), 0)).toBe("p_9999999999999999");
});
