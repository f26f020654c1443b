import { spawnSync } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runCli } from "../support/engine-process.ts";
import { CONFIG_DIR, ROOT } from "../support/job.ts";

const TYPED = `
import { stream as events } from "freshet/stream";
import { count } from "freshet/aggregates";
import { minutes } from "freshet/time";
import { tumbling } from "freshet/windows";

interface Viewed { readonly type: string; readonly person: string }

export const stream = events<Viewed>("looks")
  .filter(({ type }) => type === "product.viewed")
  .keyBy(({ person }) => person)
  .window(tumbling(minutes(5)))
  .aggregate(count())
  .publish(({ value }) => ({ subject: "looks", data: { value } }));
`;

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "freshet-names-"));
  await cp(CONFIG_DIR, folder, { recursive: true });
  const path = join(folder, "freshet.yaml");
  const text = await readFile(path, "utf8");
  const block = "\n    looks: { module: ./looks.js }\n  demand:\n";
  await writeFile(path, text.replace("\n  demand:\n", block));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** What a compiler says of the files, with freshet installed in the folder as a person would. */
async function complaintsOf(files: Readonly<Record<string, string>>): Promise<string> {
  await writeFile(join(folder, "package.json"), '{ "type": "module" }');
  await mkdir(join(folder, "node_modules"));
  await symlink(ROOT, join(folder, "node_modules", "freshet"));
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  const tsc = join(ROOT, "node_modules", "typescript", "bin", "tsc");
  const options = ["--strict", "--target", "es2023", "--module", "nodenext", "--skipLibCheck"];
  const words = [tsc, ...options, ...Object.keys(files)];
  const { stdout } = spawnSync(process.execPath, words, { cwd: folder, encoding: "utf8" });
  // Only the compiler needs it installed.
  await rm(join(folder, "node_modules"), { recursive: true });
  return stdout;
}

test("the examples of the page are typed, and a wrong one is seen", async () => {
  const page = await readFile("docs/streams.md", "utf8");
  const examples = [...page.matchAll(/```ts\n(.*?)```/gs)].map(
    ([, code = ""], i) => [`example-${i + 1}.ts`, code] as const,
  );
  expect(await complaintsOf(Object.fromEntries(examples))).toBe("");
  const wrong = TYPED.replace("data: { value }", "data: { value: value.length }");
  expect(await complaintsOf({ "wrong.ts": wrong })).toContain("'length' does not exist on type");
});

test("a typed module of any folder imports the engine by name, compiles and runs", async () => {
  expect(await complaintsOf({ "looks.ts": TYPED })).toBe("");
  const at = (second: number) => new Date(Date.UTC(2026, 10, 1, 0, 0, second)).toISOString();
  const lines = Array.from({ length: 3 }, (_, i) => ({
    id: `e${i}`,
    type: "product.viewed",
    ts: at(i),
    ids: [{ k: "unionid", v: "a" }],
    props: { sku: "tea", line: "premium" },
  }));
  const events = join(folder, "events.jsonl");
  await writeFile(events, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  const out = join(folder, "out.jsonl");
  const args = ["replay", events, "--config", folder, "--out", out, "--until", at(3600)];
  const { code, stderr } = await runCli(args);
  expect([code, stderr]).toEqual([0, expect.not.stringContaining("INVALID")]);
  const told = (await readFile(out, "utf8"))
    .split("\n")
    .filter((line) => line.includes("looks"))
    .map((line) => JSON.parse(line) as { data: unknown });
  expect(told.map(({ data }) => data)).toEqual([{ value: 3 }]);
});
