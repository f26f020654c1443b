import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { Fault } from "../faults.ts";

/** The lines of a file, gunzipped when its name ends in `.gz`; FILE_UNREADABLE when it cannot be read. */
export async function* fileLines(path: string): AsyncGenerator<string> {
  const file = createReadStream(path);
  try {
    const input: Readable = path.endsWith(".gz") ? file.pipe(createGunzip()) : file;
    file.on("error", (error) => input.destroy(error));
    // The lines tell of it; once nobody reads them any more, an end too soon is nobody's failure.
    input.on("error", () => undefined);
    const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
    for await (const line of lines) yield line;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Fault("FILE_UNREADABLE", `cannot read ${path}: ${why}`, { path }, error);
  } finally {
    file.destroy();
  }
}
