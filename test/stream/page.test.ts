import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const page = await readFile("docs/streams.md", "utf8");
const examples = [...page.matchAll(/```ts\n(.*?)```\n```json\n(.*?)```/gs)].map(
  ([, code = "", told = ""], i) => ({
    name: `${i + 1}: ${/stream<.*?>\("([^"]+)"\)/s.exec(code)?.[1]}`,
    code,
    told: JSON.parse(told) as unknown,
  }),
);

describe("every example of the page tells what the page says", () => {
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "freshet-page-"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test("none is left out", () => {
    expect(examples).toHaveLength(page.match(/```ts/g)?.length ?? 0);
    expect(examples.length).toBeGreaterThanOrEqual(10);
  });

  test.each(examples)("$name", async ({ name, code, told }) => {
    const path = join(folder, `example-${name.split(":")[0]}.ts`);
    await writeFile(path, code);
    const module = (await import(pathToFileURL(path).href)) as { told: unknown };
    expect(module.told).toEqual(told);
  });
});
