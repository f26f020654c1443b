import { once } from "node:events";
import { createWriteStream } from "node:fs";
import type { Writable } from "node:stream";
import { finished } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { Fault } from "../faults.ts";

/**
 * A file of lines, gzipped when its name ends in `.gz`; stdout without a name. Who writes waits for
 * `room` now and then, so nothing piles up while the disk is behind.
 */
export class LineFile {
  readonly #path: string;
  readonly #stream: Writable;
  readonly #file: Writable;
  #failure: Error | undefined;

  /** A file of `mode`, should it be new. */
  constructor(path: string | undefined, mode = 0o666) {
    this.#path = path ?? "stdout";
    this.#file = path === undefined ? process.stdout : createWriteStream(path, { mode });
    this.#stream = path?.endsWith(".gz") === true ? createGzip() : this.#file;
    if (this.#stream !== this.#file) this.#stream.pipe(this.#file);
    this.#file.on("error", (error) => {
      this.#failure = error;
      if (this.#stream !== this.#file) this.#stream.destroy(error);
    });
    this.#stream.on("error", () => undefined);
  }

  write(line: string): void {
    this.#stream.write(`${line}\n`);
  }

  /** Waits while the disk is behind; FILE_UNWRITABLE when it refuses. */
  async room(): Promise<void> {
    if (this.#stream.writableNeedDrain) await once(this.#stream, "drain").catch(() => undefined);
    if (this.#failure !== undefined) this.#fail(this.#failure);
  }

  /** Resolves once everything is written. */
  async end(): Promise<void> {
    if (this.#file === process.stdout) return this.room();
    this.#stream.end();
    await finished(this.#file).catch((error: Error) => this.#fail(error));
  }

  #fail(error: Error): never {
    throw new Fault("FILE_UNWRITABLE", `cannot write ${this.#path}: ${error.message}`, {}, error);
  }
}
