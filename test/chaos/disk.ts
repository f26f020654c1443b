import { execFileSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const SIZE = "384m";
const PIECE = Buffer.alloc(1 << 20, 1);

/** A small file system of its own, so that it can be filled to the last byte. */
export class SmallDisk {
  readonly folder: string;

  readonly #atExit = (): void => this.unmount();

  private constructor(folder: string) {
    this.folder = folder;
    process.on("exit", this.#atExit);
  }

  /** Undefined where this user may not mount one; `why` says so. */
  static mount(why: (reason: string) => void): SmallDisk | undefined {
    if (process.getuid?.() !== 0) {
      why("only root may mount a tmpfs");
      return undefined;
    }
    const folder = mkdtempSync(join(tmpdir(), "freshet-disk-"));
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", `size=${SIZE}`, "tmpfs", folder], {
        stdio: "pipe",
      });
      return new SmallDisk(folder);
    } catch (error) {
      rmSync(folder, { recursive: true });
      why(String(error).split("\n")[0] ?? "");
      return undefined;
    }
  }

  /** Nothing can be written from now on; returns what makes room again. */
  fill(): () => void {
    const ballast = join(this.folder, "ballast");
    const file = openSync(ballast, "w");
    try {
      for (let piece = PIECE; piece.length > 0; ) {
        piece = writes(file, piece) ? piece : piece.subarray(0, piece.length >> 1);
      }
    } finally {
      closeSync(file);
    }
    return () => rmSync(ballast, { force: true });
  }

  unmount(): void {
    process.off("exit", this.#atExit);
    execFileSync("umount", ["--lazy", this.folder]);
    rmSync(this.folder, { recursive: true });
  }
}

function writes(file: number, piece: Uint8Array): boolean {
  try {
    return writeSync(file, piece) > 0;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOSPC") return false;
    throw error;
  }
}
