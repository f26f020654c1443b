import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { Fault } from "../faults.ts";

/** The lines of a file, gunzipped when its name ends in `.gz`; FILE_UNREADABLE when it cannot be read. */
export async function* fileLines(path: string): AsyncGenerator<string> {
  const file = createReadStream(path);
  const input: Readable = path.endsWith(".gz") ? file.pipe(createGunzip()) : file;
  file.on("error", (error) => input.destroy(error));
  const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
  try {
    for await (const line of lines) yield line;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Fault("FILE_UNREADABLE", `cannot read ${path}: ${why}`, { path }, error);
  } finally {
    // Who leaves early leaves all of them: one that went on would tell nobody of a file that ends too soon.
    lines.close();
    input.destroy();
    file.destroy();
  }
}
