import { readFileSync, writeFileSync } from "node:fs";
import type { Report } from "./harness.ts";

/**
 * Ratios of a short run: `bench/title: first / peer`. Never times: those of two machines, or of two
 * moments of one that is shared, cannot be compared.
 */
type Baseline = Readonly<Record<string, number>>;

const FILE = "bench/baseline.json";
/** A ratio that fell to less than this part of its baseline is a regression; machines differ by less. */
const LEAST = 0.5;
/** The best of so many runs counts: noise makes a ratio worse now and then, a regression every time. */
const TRIES = 3;

function ratiosOf(name: string, { comparisons }: Report): Map<string, number> {
  const ratios = new Map<string, number>();
  for (const { title, rates } of comparisons) {
    const [ours, ...peers] = rates;
    if (ours === undefined) continue;
    for (const peer of peers) {
      ratios.set(`${name}/${title}: ${ours.name} / ${peer.name}`, ours.median / peer.median);
    }
  }
  return ratios;
}

/** Runs benchmarks and holds their ratios against the baseline: exit code 1 when one fell too far. */
export async function checkRatios(
  names: readonly string[],
  run: (name: string) => Promise<Report>,
): Promise<number> {
  const baseline = JSON.parse(readFileSync(FILE, "utf8")) as Baseline;
  let failed = false;
  for (const name of names) {
    const best = new Map<string, number>();
    let fallen: readonly string[] = [];
    for (let tried = 0; tried < TRIES; tried += 1) {
      for (const [what, ratio] of ratiosOf(name, await run(name))) {
        best.set(what, Math.max(ratio, best.get(what) ?? 0));
      }
      fallen = fallenBelow(baseline, name, best);
      if (fallen.length === 0) break;
    }
    for (const line of fallen) console.error(line);
    if (fallen.length > 0) failed = true;
    else console.error(`${name}: no ratio fell below ${LEAST} of its baseline`);
  }
  return failed ? 1 : 0;
}

/** A ratio of the baseline that is not there any more has fallen, too: nobody would notice it otherwise. */
function fallenBelow(baseline: Baseline, name: string, found: ReadonlyMap<string, number>) {
  const expected = Object.entries(baseline).filter(([what]) => what.startsWith(`${name}/`));
  if (expected.length === 0) return [`${name}: ${FILE} has no ratio of it; write it anew`];
  return expected
    .filter(([what, ratio]) => !((found.get(what) ?? 0) >= ratio * LEAST))
    .map(([what, ratio]) => {
      const now = found.get(what)?.toPrecision(3) ?? "gone";
      return `${what}: ${now}, baseline ${ratio.toPrecision(3)}`;
    });
}

/** Takes the least ratio of several runs into the baseline; those of other benchmarks stay. */
export async function writeBaseline(
  names: readonly string[],
  run: (name: string) => Promise<Report>,
): Promise<number> {
  const before = JSON.parse(readFileSync(FILE, "utf8")) as Baseline;
  const ratios = new Map(
    Object.entries(before).filter(([what]) => !names.includes(what.split("/")[0] ?? "")),
  );
  for (const name of names) {
    for (let tried = 0; tried < TRIES; tried += 1) {
      for (const [what, ratio] of ratiosOf(name, await run(name))) {
        const least = Math.min(ratio, ratios.get(what) ?? ratio);
        ratios.set(what, Number(least.toPrecision(3)));
      }
    }
  }
  const sorted = [...ratios].sort(([a], [b]) => (a < b ? -1 : 1));
  writeFileSync(FILE, `${JSON.stringify(Object.fromEntries(sorted), null, 2)}\n`);
  return 0;
}
