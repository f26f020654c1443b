import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { isFault } from "../../src/faults.ts";
import { fileLines } from "../../src/replay/file-lines.ts";

const LINES = Array.from({ length: 20_000 }, (_, i) => `${i} ${Math.imul(i, 0x9e3779b1) >>> 0}`);
/** In which whatever still reads comes to the end of it. */
const WHILE_MS = 50;

test("a packed file that ends too soon: told to who reads on, to nobody that has left", async () => {
  const folder = mkdtempSync(join(tmpdir(), "freshet-lines-"));
  const unheard: unknown[] = [];
  const hear = (error: unknown) => unheard.push(error);
  process.on("uncaughtException", hear);
  try {
    const packed = gzipSync(LINES.join("\n"));
    for (const part of [0.1, 0.3, 0.5, 0.7, 0.9]) {
      const path = join(folder, `${part}.gz`);
      writeFileSync(path, packed.subarray(0, packed.length * part));
      const read: string[] = [];
      const all = async () => {
        for await (const line of fileLines(path)) read.push(line);
      };
      const failure = await all().catch((error: unknown) => error);
      expect(isFault(failure, "FILE_UNREADABLE")).toBe(true);
      expect(read).toEqual(LINES.slice(0, read.length));
      for (const wanted of [1, 2, 100]) {
        let left = wanted;
        for await (const _ of fileLines(path)) {
          left -= 1;
          if (left === 0) break;
        }
        await sleep(WHILE_MS);
      }
    }
    expect(unheard).toEqual([]);
  } finally {
    process.off("uncaughtException", hear);
    rmSync(folder, { recursive: true, force: true });
  }
});
