const EVERY_MS = 200;
const WIDTH = 30;

/** How far a long reading has come, and about how long it will take, on a terminal's stderr. */
export class Progress {
  readonly #unit: string;
  readonly #total: number | undefined;
  readonly #began = Date.now();
  #done = 0;
  #shown = 0;

  /** `total` in `unit`; undefined when nobody knows. */
  constructor(unit: string, total: number | undefined) {
    this.#unit = unit;
    this.#total = total;
  }

  add(n: number): void {
    this.#done += n;
    if (!process.stderr.isTTY) return;
    const now = Date.now();
    const ends = this.#done === this.#total;
    if (!ends && now - this.#shown < EVERY_MS) return;
    this.#shown = now;
    process.stderr.write(
      `\r\u001b[K${progressText(this.#done, this.#total, now - this.#began, this.#unit)}`,
    );
    if (ends) process.stderr.write("\n");
  }
}

/** `[##########……] 33 %, 4 s left`, or what has been read where the whole is not known. */
export function progressText(
  done: number,
  total: number | undefined,
  elapsedMs: number,
  unit: string,
): string {
  if (total === undefined || total === 0) return `${done} ${unit}`;
  const share = Math.min(1, done / total);
  const filled = Math.round(share * WIDTH);
  const left = share === 0 ? undefined : Math.ceil((elapsedMs * (1 - share)) / share / 1000);
  const bar = "#".repeat(filled) + ".".repeat(WIDTH - filled);
  return `[${bar}] ${Math.floor(share * 100)} %${left === undefined ? "" : `, ${left} s left`}`;
}
