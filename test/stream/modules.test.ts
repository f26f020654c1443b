import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Value } from "typebox/value";
import { afterEach, beforeEach, expect, test } from "vitest";
import { specs } from "../../operators/all.ts";
import { openJob } from "../../src/cli/open-job.ts";
import { operatorModules } from "../../src/cli/operator-modules.ts";
import { publishedSchemas } from "../../src/config/schema-files.ts";
import { isFault } from "../../src/faults.ts";
import { play } from "../support/play.ts";

let above = "";
let folder = "";
beforeEach(async () => {
  above = await mkdtemp(join(tmpdir(), "freshet-modules-"));
  folder = join(above, "config");
  await cp("config", folder, { recursive: true });
});
afterEach(() => rm(above, { recursive: true, force: true }));

/** The shipped configuration with one more block at the end of the shopper flow. */
async function withBlock(block: string): Promise<void> {
  const path = join(folder, "freshet.yaml");
  const text = await readFile(path, "utf8");
  await writeFile(path, text.replace("\n  demand:\n", `\n    ${block}\n  demand:\n`));
}

test("a stream in a file of the folder becomes an operator of the job", async () => {
  await withBlock("views: { module: ./views.js }");
  await writeFile(
    join(folder, "views.js"),
    `import { stream } from "freshet/stream";
     import { count } from "freshet/aggregates";
     import { minutes } from "freshet/time";
     import { tumbling } from "freshet/windows";
     const views = stream("views")
       .filter((event) => event.type === "product.viewed")
       .keyBy((event) => event.person)
       .window(tumbling(minutes(1)))
       .aggregate(count())
       .publish(({ value }) => ({ subject: "views", data: { value } }));
     export { views as stream };`,
  );
  const { config, job } = await openJob(folder, {}, { quiet: true });
  expect(config.job.operators.shopper.at(-1)).toMatchObject({ name: "views", from: ["events"] });
  expect(job.shopper.nodes.map((node) => node.operator.name)).toContain("views");
});

test("the example can be copied as it is", async () => {
  await withBlock("browsing-much: { module: ./browsing-much.js }");
  await cp("examples/browsing-much.js", join(folder, "browsing-much.js"));
  const { job } = await openJob(folder, {}, { quiet: true });
  const nodes = job.shopper.nodes.filter((node) => node.operator.name === "browsing-much");
  const script = Array.from({ length: 5 }, (_, i) => ({
    at: i * 1000,
    key: "p_1",
    event: { type: "product.viewed", person: "p_1", props: { sku: `sku-${i}` } },
  }));
  const { outputs } = await play(nodes, [...script, { watermark: 9_999 }]);
  expect(outputs.map(({ subject, data }) => ({ subject, data }))).toEqual([
    {
      subject: "own.browsing.much",
      data: { person: "p_1", at: "1970-01-01T00:00:10.000Z", items: 5 },
    },
  ]);
});

test("the schema for editors knows blocks with a module, and only those", () => {
  const { freshet } = publishedSchemas(specs);
  const job = (block: unknown) => ({
    version: 1,
    operators: { shopper: { mine: block }, demand: {} },
  });
  const fits = (block: unknown) => Value.Check(freshet, job(block));
  expect(fits({ module: "./mine.js" })).toBe(true);
  expect(fits({ module: "./sub/mine.mjs", from: ["session"], size: 7 })).toBe(true);
  for (const block of [
    null,
    {},
    { size: 7 },
    { module: "./mine.ts" },
    { module: "/etc/mine.js" },
  ]) {
    expect(fits(block), JSON.stringify(block)).toBe(false);
  }
});

test("a spec with options gets them, without the module's path", async () => {
  await withBlock("mine: { module: ./mine.mjs, size: 7 }");
  await writeFile(
    join(folder, "mine.mjs"),
    `export const spec = {
       name: "mine", flow: "shopper", summary: "Mine.", from: ["session"],
       options: { type: "object", properties: { size: { type: "integer", default: 3 } } },
       make: (options) => ({
         name: "mine", version: 1, order: "arrival", key: () => undefined,
         init: () => options, onEvent: (_event, state) => state,
       }),
     };`,
  );
  const { job } = await openJob(folder, {}, { quiet: true });
  const mine = job.shopper.nodes.find((node) => node.operator.name === "mine");
  expect(mine?.operator.init("k")).toEqual({ size: 7 });
  expect(mine?.from).toEqual(["session"]);
});

test.each([
  ["there is none", "./none.js", "FILE_MISSING", "no file ./none.js"],
  ["it is no text", "7", "VALUE_FORMAT", "not the path"],
  ["it is no script", "./segments.yaml", "VALUE_FORMAT", "not the path"],
  ["it climbs out of the folder", "./../outside.js", "VALUE_INVALID", "outside"],
  ["a link leads out of the folder", "./link.js", "VALUE_INVALID", "outside"],
  ["it throws", "./broken.js", "VALUE_INVALID", "cannot be loaded: out of order"],
  ["it exports nothing of use", "./empty.js", "VALUE_INVALID", "exports neither"],
  ["its operator has another name", "./other.js", "VALUE_INVALID", "is called `other`"],
])("refused with file, line and remedy when %s", async (_why, module, code, message) => {
  await withBlock(`mine: { module: ${module} }`);
  const outside = join(folder, "..", "outside.js");
  await writeFile(outside, "export const spec = {};");
  await symlink(outside, join(folder, "link.js"));
  await writeFile(join(folder, "broken.js"), 'throw new Error("out of order");');
  await writeFile(join(folder, "empty.js"), "export const operator = 1;");
  await writeFile(
    join(folder, "other.js"),
    `export const spec = { name: "other", flow: "demand", summary: "", from: [],
       options: { type: "object" }, make() {} };`,
  );
  const { problems } = await operatorModules(folder);
  expect(problems).toHaveLength(1);
  expect(problems[0]).toMatchObject({ code, message: expect.stringContaining(message) });
  expect(problems[0]?.excerpt).toContain(`module: ${module}`);
  expect(problems[0]?.remedy).not.toBe("");
  const failure = await openJob(folder, {}, { quiet: true }).catch((error: unknown) => error);
  expect(isFault(failure, "CONFIG_INVALID")).toBe(true);
});
