import { describe, expect, test } from "vitest";
import type { Collect } from "../../../operators/collect/collect.ts";
import type { CollectInput } from "../../../operators/collect/contract.ts";
import { readTrackingPlan } from "../../../src/config/tracking-plan.ts";
import { readYamlFile } from "../../../src/config/yaml-file.ts";
import { collector, play, type Recorder, type Said, sent } from "./harness.ts";
import { HOSTILE } from "./hostile-records.ts";
import { dice, goodTraffic, identifierOf } from "./traffic.ts";

const EACH = 150;
const file = await readYamlFile("config/tracking-plan.yaml");
const plan = file.value === undefined ? undefined : readTrackingPlan(file.value).value;
if (plan === undefined) throw new Error("the shipped tracking plan cannot be read");
const { validate, words } = plan;

const shipped = (): Collect => collector({ validate, words });

/** The good records with `hostile` ones between them, each at the time of the good one before it. */
function mixed(
  good: readonly CollectInput[],
  between: (after: CollectInput, n: number) => readonly CollectInput[],
): CollectInput[] {
  let n = 0;
  const all = good.flatMap((record) => {
    const hostile = between(record, n);
    n += hostile.length;
    return [record, ...hostile];
  });
  return all.map((record, i) => ({ ...record, seq: i + 1 }));
}

const isGood = (said: Said): boolean =>
  said[0] === "event" ? said[1].payload[4].startsWith("good-") : said[0] !== "publish";

/** What comes of good records, as it would be stored. */
const goodOf = (recorder: Recorder): string =>
  recorder.said
    .filter(isGood)
    .map((s) => JSON.stringify(s))
    .join("\n");

function everythingSaid(recorder: Recorder): string {
  const lines = recorder.said.map((said) => {
    const data = said[0] === "publish" ? said[1].data : {};
    const hidden = data["encoding"] === "base64" ? atob(String(data["original"])) : "";
    return `${JSON.stringify(said)}\n${hidden}`;
  });
  return lines.join("\n");
}

function identifiersUsed(): string[] {
  const kinds = ["unionid", "openid:wx1", "openid:wx2", "login", "device", "anon"];
  const good = kinds.flatMap((kind) => Array.from({ length: 40 }, (_, i) => identifierOf(kind, i)));
  return [...good, ...Array.from({ length: 500 }, (_, i) => identifierOf("hostile", 1000 + i))];
}

function expectSound(collect: Collect, recorder: Recorder): void {
  const { counts } = collect;
  expect(counts.in).toBe(
    counts.applied + counts.duplicate + counts.late + counts.withheld + counts.deadLettered,
  );
  const told = recorder.messages.filter((m) => m.subject.startsWith("deadletter."));
  expect(told.length).toBe(counts.deadLettered);
  for (const { data } of told) {
    expect(String(data["original"]).length).toBeLessThanOrEqual(4096);
    expect(String(data["remedy"])).toMatch(/^[A-Z]/);
  }
  const said = everythingSaid(recorder);
  expect(identifiersUsed().filter((value) => said.includes(value))).toEqual([]);
}

function prototypes(): string {
  const names = [Object.prototype, Array.prototype, String.prototype, Function.prototype].map((p) =>
    Object.getOwnPropertyNames(p).join(),
  );
  return `${names.join(";")};${String(({} as { polluted?: unknown }).polluted)}`;
}

const seeds = [2026, Date.now() % 1_000_000];

describe.each(seeds)("hostile input, seed %i", (seed) => {
  const good = goodTraffic(seed, EACH);
  const alone = goodOf(play(good, shipped()));

  test.each(Object.keys(HOSTILE))(
    `${EACH} of %s leave the good events untouched (seed ${seed})`,
    (name) => {
      const make = HOSTILE[name];
      if (make === undefined) throw new RangeError(name);
      const roll = dice(seed ^ name.length);
      const before = prototypes();
      const collect = shipped();
      const recorder = play(
        mixed(good, (after, n) => {
          const { data, ...over } = make(roll, n);
          return [sent(data, { ...over, time: after.time })];
        }),
        collect,
      );
      expect(goodOf(recorder)).toBe(alone);
      expectSound(collect, recorder);
      expect(collect.counts.in).toBeGreaterThanOrEqual(2 * EACH - 50);
      expect(prototypes()).toBe(before);
    },
  );

  test(`${EACH} duplicates are each counted (seed ${seed})`, () => {
    const roll = dice(seed);
    const collect = shipped();
    const past: CollectInput[] = [];
    const recorder = play(
      mixed(good, (after) => {
        past.push(after);
        const again = past[roll(past.length)] ?? after;
        return [{ ...again, time: after.time }];
      }),
      collect,
    );
    const once = shipped();
    play(good, once);
    // Facts without an id of their own message are facts again; these have one.
    expect(goodOf(recorder)).toBe(alone);
    expect(collect.counts.applied).toBe(once.counts.applied);
    expect(collect.counts.duplicate).toBe(collect.counts.in - once.counts.in);
    expectSound(collect, recorder);
  });

  test(`all of them at once, in any order (seed ${seed})`, () => {
    const roll = dice(seed + 1);
    const makes = Object.values(HOSTILE);
    const collect = shipped();
    const recorder = play(
      mixed(good, (after, n) => {
        const order = makes.map((make) => ({ make, at: roll(1000) })).sort((a, b) => a.at - b.at);
        return order.map(({ make }, i) => {
          const { data, ...over } = make(roll, n + i);
          return sent(data, { ...over, time: after.time });
        });
      }),
      collect,
    );
    expect(goodOf(recorder)).toBe(alone);
    expectSound(collect, recorder);
  });
});
