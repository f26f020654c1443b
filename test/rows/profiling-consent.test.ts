import { expect, test } from "vitest";
import { asks, DAY, HOUR, happens, MIN, profileOf, saidOf } from "./said.ts";

/** What is concluded about people rests on their consent to profiling; a deleted tag stays off. */

const consent = (ms: number, status: string, person = "a") =>
  happens(ms, "privacy.consent", { purpose: "profiling", status }, { person });
const digital = (ms: number, person = "a") =>
  happens(ms, "product.viewed", { sku: "s1", category: "digital" }, { person, touchpoint: "mp" });
const looks = (from: number, person = "a") =>
  Array.from({ length: 10 }, (_, i) => digital(from + i * MIN, person));
const pays = (ms: number, total: number, person: string) =>
  happens(ms, "order.paid", { order_id: `${person}-${ms}`, total_minor: total }, { person });
/** Enough buyers to be compared with. */
const buyers = Array.from({ length: 30 }, (_, i) => pays(i * 1000, 1000 * (i + 1), `b${i}`));
/** Of people, by what the operators conclude. */
const CONCLUDED = /^(lifecycle|scene|tag|spending|preference|cluster|intent|segment)\./;
const BLANK = {
  life: null,
  journey: null,
  scene: null,
  tags: [],
  spending: { tier: "none", spend_minor: 0 },
  affinities: { category: [], koc: 0, cluster: null },
};

test("D01: without consent to profiling no stage, scene, tag, tier or preference is concluded", async () => {
  const acts = [...looks(MIN), pays(20 * MIN, 1_000_000, "a")];
  const refused = [...buyers, consent(0, "withdrawn"), ...acts];
  const person = (await saidOf([...buyers, ...acts], DAY, /^tag\.tech_geek\.on$/))[0]?.data[
    "person"
  ];
  expect(person).toMatch(/^p_/);
  const all = await saidOf([...buyers, ...acts], DAY, CONCLUDED);
  const kinds = (of: typeof all) => [
    ...new Set(
      of
        .filter(({ data }) => data["person"] === person)
        .map(({ subject }) => subject.split(".")[0]),
    ),
  ];
  expect(kinds(all)).toEqual(
    expect.arrayContaining(["lifecycle", "tag", "spending", "preference"]),
  );
  expect(kinds(await saidOf(refused, DAY, CONCLUDED))).toEqual([]);
  expect(await profileOf(refused, HOUR)).toMatchObject(BLANK);
});

test("D01: a withdrawal forgets what was concluded, and says so where it was told", async () => {
  const acts = [...buyers, ...looks(MIN), pays(20 * MIN, 1_000_000, "a")];
  const withdrawn = [...acts, consent(HOUR, "withdrawn")];
  const said = await saidOf(withdrawn, DAY, /^(tag|spending)\./);
  const person = said.find(({ subject }) => subject === "tag.tech_geek.on")?.data["person"];
  const mine = said.filter(({ data }) => data["person"] === person);
  expect(mine.map(({ subject, at }) => [subject, at])).toEqual([
    ["tag.tech_geek.on", 10 * MIN],
    ["spending.top", 22 * MIN],
    ["tag.tech_geek.off", HOUR],
    ["spending.none", HOUR],
  ]);
  expect(mine[2]?.data).toMatchObject({ reason: "forgotten" });
  expect(await profileOf(withdrawn, HOUR + MIN)).toMatchObject(BLANK);
  // Agreeing again begins anew.
  const again = [...withdrawn, consent(2 * HOUR, "granted"), digital(3 * HOUR)];
  expect(await profileOf(again, 3 * HOUR + MIN)).toMatchObject({
    life: { stage: "new", since: "2026-11-02T07:00:00.000Z" },
    tags: [],
  });
});

test("D01: a refusal under another name counts for the person when the two turn out to be one", async () => {
  const [anna, browser] = ["a", "browser"].map((v, i) => ({ k: i === 0 ? "unionid" : "anon", v }));
  const refuses = {
    ...consent(HOUR, "withdrawn"),
    ids: [browser],
  };
  const link = { ...happens(2 * HOUR, "mp.entered"), ids: [anna, browser] };
  const lines = [...looks(0), refuses, link];
  const said = await saidOf(lines, DAY, /^tag\./);
  expect(said.map(({ subject, at, data }) => [subject, at, data["reason"]])).toEqual([
    ["tag.tech_geek.on", 9 * MIN, "decay"],
    ["tag.tech_geek.off", 2 * HOUR, "forgotten"],
  ]);
  expect(await profileOf(lines, 3 * HOUR)).toMatchObject({ ...BLANK, counters: {} });
});

test("D15: a tag the person has deleted stays off whatever follows, until profiling is agreed to anew", async () => {
  const deleted = [...looks(0), asks(HOUR, "tagdelete", { tag: "tech_geek" })];
  const tags = async (lines: readonly object[], frames = 128) =>
    (await saidOf(lines, 3 * DAY, /^tag\./, { frames })).map(({ subject, at }) => [subject, at]);
  const until = [
    ["tag.tech_geek.on", 9 * MIN],
    ["tag.tech_geek.off", HOUR],
  ];
  expect(await tags(deleted)).toEqual(until);
  const late = happens(
    30 * MIN,
    "cart.added",
    { sku: "s1", category: "digital" },
    { late: 2 * HOUR },
  );
  const further = [...deleted, ...looks(2 * HOUR), late];
  expect(await tags(further)).toEqual(until);
  // A replay in other frames comes to the same.
  expect(await tags(further, 1)).toEqual(until);
  expect(await profileOf(further, DAY)).toMatchObject({
    tags: [],
    consent: { deleted_tags: ["tech_geek"] },
  });
  // To collecting alone: the tag stays deleted, although what was known is forgotten.
  const collect = (ms: number, status: string) =>
    happens(ms, "privacy.consent", { purpose: "collect", status });
  const back = [
    ...deleted,
    collect(2 * HOUR, "withdrawn"),
    collect(3 * HOUR, "granted"),
    ...looks(4 * HOUR),
  ];
  expect(await tags(back)).toEqual(until);
  expect(await tags([...further, consent(5 * HOUR, "granted")])).toEqual([
    ...until,
    ["tag.tech_geek.on", 5 * HOUR],
  ]);
});

test("D15: a tag deleted under another name is off once the two turn out to be one person", async () => {
  const [anna, browser] = ["a", "browser"].map((v, i) => ({ k: i === 0 ? "unionid" : "anon", v }));
  const seen = { ...happens(0, "mp.entered"), ids: [browser] };
  const ask = asks(HOUR, "tagdelete", { tag: "tech_geek" }) as { data: object };
  const deletes = { ...ask, data: { ...ask.data, ids: [browser] } };
  const link = { ...happens(2 * HOUR, "mp.entered"), ids: [anna, browser] };
  const lines = [...looks(-HOUR), seen, deletes, link, ...looks(3 * HOUR)];
  const profile = await profileOf(lines, 4 * HOUR);
  expect(profile).toMatchObject({ tags: [], consent: { deleted_tags: ["tech_geek"] } });
  const on = await saidOf(lines, 5 * HOUR, /^tag\.tech_geek\.on$/);
  expect(on.map(({ at }) => at)).toEqual([-HOUR + 9 * MIN]);
});
