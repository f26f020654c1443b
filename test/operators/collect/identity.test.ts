import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Ids, isStrong, KIND_LIMITS, rankOf } from "../../../operators/collect/identifiers.ts";
import { Identity } from "../../../operators/collect/identity.ts";
import { Carrier } from "../../support/parts.ts";

const tally = () => ({
  minted: 0,
  linked: 0,
  merged: 0,
  unlinked: 0,
  conflicts: 0,
  forgotten: 0,
});

/** `unionid:1` and so on; a hash has the number in its first digits. */
type Name = `${string}:${number}`;
const kindOf = (name: Name): string => name.slice(0, name.lastIndexOf(":"));
const hashOf = (name: Name): string => {
  const kind = kindOf(name);
  const digits = `${KINDS.indexOf(kind).toString(16)}${name.slice(kind.length + 1)}`;
  return digits.padEnd(32, "0");
};
const KINDS = ["unionid", "openid:wx1", "login", "mobile_hash", "device", "anon"];

function idsOf(...names: readonly Name[]): Ids {
  const sorted = [...names].sort((a, b) => (rankOf(kindOf(a)) ?? 0) - (rankOf(kindOf(b)) ?? 0));
  return { hashes: sorted.map(hashOf), kinds: sorted.map(kindOf), before: [], raw: [], unknown: 0 };
}

class Heard {
  readonly merged: [string, string][] = [];
  readonly conflicts: string[] = [];
  readonly listener = {
    merged: (from: string, to: string) => {
      this.merged.push([from, to]);
    },
    conflict: (why: string, kind: string) => {
      this.conflicts.push(`${why} ${kind}`);
    },
  };
}

function graph(bound = 1000, limits = KIND_LIMITS) {
  const counts = tally();
  const identity = new Identity(bound, limits, counts);
  const heard = new Heard();
  return {
    identity,
    counts,
    heard,
    persons: () => [...new Set(ALL.flatMap((one) => identity.find(idsOf(one)) ?? []))],
    see: (...names: Name[]) => identity.personOf(idsOf(...names), false, heard.listener),
    link: (...names: Name[]) => identity.personOf(idsOf(...names), true, heard.listener),
    unlink: (...names: Name[]) => identity.unlink(idsOf(...names), heard.listener),
  };
}

describe("who is who", () => {
  test("identifiers that come together are one person's, the older one's", () => {
    const { see, heard, counts } = graph();
    const browser = see("anon:1");
    const member = see("unionid:1");
    expect(member).not.toBe(browser);
    expect(see("anon:1", "unionid:1")).toBe(browser);
    expect(heard.merged).toEqual([[member, browser]]);
    expect(see("unionid:1")).toBe(browser);
    expect(counts).toMatchObject({ minted: 2, merged: 1, conflicts: 0 });
  });

  test("what a person was called before still names them", () => {
    const { see, identity } = graph();
    const older = see("anon:1");
    const younger = see("unionid:1");
    see("anon:1", "unionid:1");
    expect(identity.current(younger)).toBe(older);
    expect(identity.current(older)).toBe(older);
    expect(identity.current("p_0123456789abcdef")).toBe("p_0123456789abcdef");
  });

  test("two who share a device stay two; by itself the device is nobody's", () => {
    const { see, heard } = graph();
    const visitor = see("device:1");
    expect(see("device:1", "login:1")).toBe(visitor);
    const other = see("device:1", "login:2");
    expect(other).not.toBe(visitor);
    expect(heard.conflicts).toEqual(["shared device"]);
    expect(heard.merged).toEqual([]);
    const nobody = see("device:1");
    expect([visitor, other]).not.toContain(nobody);
    expect(see("device:1")).toBe(nobody);
    expect(see("device:1", "login:1")).toBe(visitor);
    expect(see("device:1", "login:2")).toBe(other);
    // The family's third member is nothing new to be told.
    see("device:1", "login:3");
    expect(heard.conflicts).toHaveLength(1);
  });

  test("a number that was given to somebody else goes with whoever shows it beside a login", () => {
    const { see, heard } = graph();
    const first = see("login:1", "mobile_hash:1");
    const second = see("login:2", "mobile_hash:1");
    expect(second).not.toBe(first);
    expect(heard.conflicts).toEqual(["recycled mobile_hash"]);
    expect(see("mobile_hash:1")).toBe(second);
    expect(see("login:1")).toBe(first);
  });

  test("a weak identifier does not join persons of two strong kinds, unless somebody says so", () => {
    const { see, link } = graph();
    const one = see("login:1", "device:1");
    expect(see("mobile_hash:1", "device:1")).not.toBe(one);
    const other = graph();
    const stated = other.see("login:1", "device:1");
    expect(other.link("mobile_hash:1", "device:1")).toBe(stated);
    expect(link("login:1", "mobile_hash:1")).toBe(one);
  });

  test("an identifier beyond the limit of its kind stays apart", () => {
    const { see, heard } = graph(1000, { ...KIND_LIMITS, mobile_hash: 2 });
    const person = see("login:1", "mobile_hash:1");
    expect(see("login:1", "mobile_hash:2")).toBe(person);
    expect(see("login:1", "mobile_hash:3")).toBe(person);
    expect(heard.conflicts).toEqual(["limit mobile_hash"]);
    expect(see("mobile_hash:2")).toBe(person);
    expect(see("mobile_hash:3")).not.toBe(person);
  });

  test("an identifier that was unlinked is nobody's, and names nobody who is there", () => {
    const { see, unlink, counts } = graph();
    const person = see("mobile_hash:1");
    see("login:1", "mobile_hash:1");
    expect(unlink("login:1", "mobile_hash:1")).toBe(person);
    expect(see("login:1")).toBe(person);
    expect(see("mobile_hash:1")).not.toBe(person);
    expect(counts.unlinked).toBe(1);
    // Alone, it is taken from whoever has it.
    const owner = see("anon:7");
    expect(unlink("anon:7")).toBe(owner);
    expect(see("anon:7")).not.toBe(owner);
  });

  test("under another key everybody is who they were", () => {
    const { identity, heard, see } = graph();
    const person = see("unionid:1");
    const rotated = (now: Name, then: Name): Ids => ({ ...idsOf(now), before: [hashOf(then)] });
    expect(identity.find(rotated("unionid:91", "unionid:1"))).toBe(person);
    expect(identity.personOf(rotated("unionid:91", "unionid:1"), false, heard.listener)).toBe(
      person,
    );
    expect(see("unionid:91")).toBe(person);
    expect(heard.merged).toEqual([]);
  });
});

const name = fc
  .tuple(fc.constantFrom(...KINDS), fc.integer({ min: 1, max: 4 }))
  .map(([kind, n]): Name => `${kind}:${n}`);
const sighting = fc.uniqueArray(name, { minLength: 1, maxLength: 4 });
const act = fc.tuple(fc.constantFrom("see", "see", "see", "see", "link", "unlink"), sighting);
const acts = fc.array(act, { maxLength: 50 });
const TIGHT = { ...KIND_LIMITS, mobile_hash: 2, device: 2, anon: 3 };

type Graph = ReturnType<typeof graph>;
const does = (on: Graph, [what, names]: [string, Name[]]): string =>
  on[what as "see" | "link" | "unlink"](...names);

const ALL = KINDS.flatMap((kind) => [1, 2, 3, 4].map((n): Name => `${kind}:${n}`));
const strongOf = (on: Graph, person: string): Name[] =>
  ALL.filter((one) => isStrong(kindOf(one)) && on.identity.find(idsOf(one)) === person);

describe("laws", () => {
  test("nobody has more identifiers of a kind than the limit", () => {
    fc.assert(
      fc.property(acts, (list) => {
        const on = graph(1000, TIGHT);
        for (const one of list) {
          const held = strongOf(on, does(on, one));
          for (const kind of KINDS.filter(isStrong)) {
            const count = held.filter((name) => kindOf(name) === kind).length;
            expect(count).toBeLessThanOrEqual(kind === "mobile_hash" ? 2 : 1);
          }
        }
      }),
      { numRuns: 400 },
    );
  });

  test("what people use never joins two who are known by who they are", () => {
    fc.assert(
      fc.property(acts, (list) => {
        const on = graph(1000, TIGHT);
        for (const [what, names] of list) {
          const known = new Map(on.persons().map((person) => [person, strongOf(on, person)]));
          const before = on.heard.merged.length;
          does(on, [what, names]);
          if (what === "link" || names.some((one) => isStrong(kindOf(one)))) continue;
          for (const pair of on.heard.merged.slice(before)) {
            const held = pair.map((person) => known.get(person)?.length ?? 0);
            expect(Math.min(...held)).toBe(0);
          }
        }
      }),
      { numRuns: 400 },
    );
  });

  test("a person that turned out to be another is never met again", () => {
    fc.assert(
      fc.property(acts, (list) => {
        const on = graph(1000, TIGHT);
        for (const one of list) {
          const person = does(on, one);
          expect(on.identity.current(person)).toBe(person);
          expect(on.heard.merged.map(([from]) => from)).not.toContain(person);
        }
        for (const [from, to] of on.heard.merged) {
          expect(on.identity.current(from)).toBe(on.identity.current(to));
        }
      }),
      { numRuns: 300 },
    );
  });

  test("restored from its cuts, drawn late or not, it goes on as if nothing had been", () => {
    const wholes = fc.array(fc.tuple(fc.nat(20), fc.nat(4), fc.boolean()), {
      minLength: 1,
      maxLength: 4,
    });
    fc.assert(
      fc.property(acts, wholes, fc.integer({ min: 6, max: 40 }), (list, cuts, bound) => {
        const live = graph(bound, TIGHT);
        const part = live.identity.part("identity");
        const carrier = new Carrier();
        let done = 0;
        const go = (count: number): string[] => {
          const some = list.slice(done, done + count);
          done += count;
          return some.map((one) => does(live, one));
        };
        let cutAt = 0;
        let meanwhile: string[] = [];
        cuts.forEach(([gap, lag, whole], i) => {
          go(gap);
          const draw = carrier.begin([part], whole || i === 0);
          cutAt = Math.min(done, list.length);
          meanwhile = go(lag);
          draw();
        });
        const expected = [...meanwhile, ...go(list.length)];
        const again = graph(bound, TIGHT);
        carrier.restore([again.identity.part("identity")]);
        expect(list.slice(cutAt).map((one) => does(again, one))).toEqual(expected);
      }),
      { numRuns: 600 },
    );
  });

  test("what was seen lately is not forgotten, and the bound holds", () => {
    fc.assert(
      fc.property(fc.array(name, { maxLength: 60 }), (list) => {
        const bound = 8;
        const { see, identity, counts } = graph(bound);
        const seen: Name[] = [];
        for (const one of list) {
          see(one);
          seen.push(one);
          const recent = [...new Set([...seen].reverse())].slice(0, bound / 2);
          for (const r of recent) expect(identity.find(idsOf(r))).toBeDefined();
          expect(identity.size).toBeLessThanOrEqual(bound);
          expect(counts.linked).toBe(identity.size + counts.forgotten);
        }
      }),
      { numRuns: 300 },
    );
  });
});
