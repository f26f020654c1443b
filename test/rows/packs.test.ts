import { beforeAll, describe, expect, test } from "vitest";
import type { OutputLine } from "../../src/replay/replay.ts";
import { minutes, plus } from "../../src/time/event-time.ts";
import { run } from "../replay/run.ts";
import { openShop, SHOP_OPENS, shopLine, shopMessages } from "../support/events.ts";

const LASTS = minutes(20);

type Data = Readonly<Record<string, unknown>>;

/** An afternoon's first minutes, and one who watches a launch and then opens the mini-program. */
function happenings(): string[] {
  const shop = openShop({ seed: 5, people: 500, lasts: LASTS });
  const acts = [
    ["channels", "live.left", { live_id: "l1", kind: "launch", sku: "sku-new", completion: 0.95 }],
    ["mp", "mp.entered", {}],
  ] as const;
  const viewer = acts.map(([touchpoint, type, props], i) => {
    const ts = SHOP_OPENS + minutes(21 + i);
    const ids = [{ k: "unionid", v: "o-who-watched-the-launch" }];
    return JSON.stringify({ id: `launch-${i}`, type, ts, touchpoint, ids, props });
  });
  return [...[...shopMessages(shop, LASTS)].map(shopLine), ...viewer];
}

/** Lines of the outputs by the first word of their subject. */
type Said = ReadonlyMap<string, readonly OutputLine[]>;

async function saidWith(pack: string | undefined): Promise<Said> {
  const said = new Map<string, OutputLine[]>();
  await run({
    lines: happenings(),
    format: "events",
    until: plus(SHOP_OPENS, minutes(60)),
    pack,
    onLine: (line) => {
      const word = line.subject.slice(0, line.subject.indexOf("."));
      said.set(word, [...(said.get(word) ?? []), line]);
    },
  });
  return said;
}
const words = (said: Said) => [...said.keys()].sort();
const texts = (lines: readonly OutputLine[] = []) =>
  lines.map((line) => JSON.stringify(line)).sort();

const COLLECTED = ["deadletter", "identity", "kpi"];
const UNDERSTOOD = ["intent", "lifecycle", "preference", "scene", "segment", "spending", "tag"];
const DONE = ["crm", "recommendation", "suppressed"];
const SUPPLIED = ["restock", "trend"];

describe("D04: each layer runs without the next", () => {
  let whole: Said;
  beforeAll(async () => {
    whole = await saidWith(undefined);
  });

  test("the whole says something of every layer", () => {
    expect(words(whole)).toEqual([...COLLECTED, ...UNDERSTOOD, ...DONE, ...SUPPLIED].sort());
  });

  test("collect: what was refused, who is who, what came of which touchpoint, and nothing else", async () => {
    const said = await saidWith("collect");
    expect(words(said)).toEqual(COLLECTED);
    // Ids and places differ: what the whole learns stands in the log among the events.
    const merged = (of: Said) => of.get("identity")?.map(({ data }) => data);
    expect(merged(said)).toEqual(merged(whole));
    const refused = (of: Said) => of.get("deadletter")?.map(({ subject, time }) => [subject, time]);
    expect(refused(said)).toEqual(refused(whole));
    expect(new Set(said.get("kpi")?.map(({ subject }) => subject))).toEqual(
      new Set(["kpi.coverage"]),
    );
  });

  test("segments: says of people what the whole says of them, and does nothing", async () => {
    const said = await saidWith("segments");
    expect(words(said)).toEqual([...COLLECTED, ...UNDERSTOOD].sort());
    for (const word of UNDERSTOOD) {
      // Tags that rules set are the rules'.
      const ofPeople = whole
        .get(word)
        ?.filter(({ data }) => !Object.hasOwn(data as object, "rule"));
      expect(texts(said.get(word)), word).toEqual(texts(ofPeople));
    }
  });

  test("rules: does what the whole does, and says nothing of goods", async () => {
    const said = await saidWith("rules");
    expect(words(said)).toEqual([...COLLECTED, ...UNDERSTOOD, ...DONE].sort());
    for (const word of [...UNDERSTOOD, "crm"])
      expect(texts(said.get(word)), word).toEqual(texts(whole.get(word)));
    const rules = new Set(said.get("recommendation")?.map(({ data }) => (data as Data)["rule"]));
    expect(rules).toContain("launch_live_hero");
  });

  test("supply: is the whole, to the byte", async () => {
    const said = await saidWith("supply");
    expect([...said].flatMap(([, lines]) => texts(lines))).toEqual(
      [...whole].flatMap(([, lines]) => texts(lines)),
    );
  });
});

test("D04: home, the pack to begin with: only the mini-program's home page is recommended for", async () => {
  const said = await saidWith("home");
  expect(words(said)).toEqual([...COLLECTED, "intent", "recommendation"].sort());
  const recommendations = said.get("recommendation") ?? [];
  expect(recommendations.map(({ subject, data }) => [subject, (data as Data)["slot"]])).toEqual([
    ["recommendation.mp.product", "mp.home.first"],
  ]);
  expect(recommendations[0]?.data).toMatchObject({ rule: "launch_live_hero", sku: "sku-new" });
});
