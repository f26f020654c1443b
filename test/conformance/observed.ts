import { isDeepStrictEqual } from "node:util";
import type { Fields, Listed, Vector } from "./vector.ts";

/** What came out during each step; a step may be missing. */
type ByStep = Map<number, Fields[]>;

/** The actual one may have fields that the vector does not speak of. */
const shows = (actual: Fields, wanted: Fields): boolean =>
  Object.entries(wanted).every(([name, value]) => isDeepStrictEqual(actual[name], value));

/** Takes the wanted ones out of `actual`, in any order; tells what was missing. */
function claim(actual: Fields[], wanted: readonly Fields[], where: string): string[] {
  return wanted.flatMap((one) => {
    const place = actual.findIndex((candidate) => shows(candidate, one));
    if (place < 0) return [`${where}: missing ${JSON.stringify(one)}`];
    actual.splice(place, 1);
    return [];
  });
}

/** What a run showed, step by step, and how it differs from what its vector expects. */
export class Observed {
  readonly vector: Vector;
  readonly problems: string[] = [];
  /** The step being done. */
  step = 0;
  readonly #outputs: ByStep = new Map();
  readonly #late: ByStep = new Map();

  constructor(vector: Vector) {
    this.vector = vector;
  }

  output(fields: Fields): void {
    this.#outputs.set(this.step, [...(this.#outputs.get(this.step) ?? []), fields]);
  }
  late(element: Fields): void {
    this.#late.set(this.step, [...(this.#late.get(this.step) ?? []), element]);
  }

  same(actual: unknown, expected: unknown, what: string): void {
    if (isDeepStrictEqual(actual, expected)) return;
    const [is, wanted] = [JSON.stringify(actual), JSON.stringify(expected)];
    this.problems.push(`step ${this.step}, ${what}: ${is} instead of ${wanted}`);
  }

  /** The entry of a list of expectations that is about the step just done. */
  after(list: readonly Listed[] | undefined): Listed | undefined {
    return list?.find(({ afterStep }) => afterStep === this.step);
  }

  /** As sets: neither order nor repetition counts. */
  sameSet(actual: readonly Fields[], expected: readonly Fields[], what: string): void {
    const left = [...new Map(actual.map((one) => [JSON.stringify(one), one])).values()];
    this.problems.push(...claim(left, expected, what));
    for (const one of left) this.problems.push(`${what}: unexpected ${JSON.stringify(one)}`);
  }

  /** Judges all steps, once they are done. */
  judge(): void {
    const { expected, expectedAll, lateOutputs, orderWithinStep, checkOnly } = this.vector;
    for (const { afterStep = -1 } of [
      ...(this.vector.expectedState ?? []),
      ...(this.vector.expectedDropCounter ?? []),
    ]) {
      if (this.vector.steps[afterStep] === undefined) this.problems.push(`no step ${afterStep}`);
    }
    if (checkOnly !== undefined) return;
    if (orderWithinStep?.includes("ascending") === true) this.#judgeOrder();
    if (expectedAll !== undefined) {
      this.sameSet([...this.#outputs.values()].flat(), expectedAll, "whole run");
    }
    if (expected !== undefined) this.#judgeSteps(this.#outputs, expected, "outputs");
    if (lateOutputs !== undefined) this.#judgeSteps(this.#late, lateOutputs, "elements");
  }

  #judgeSteps(actual: ByStep, expected: readonly Listed[], list: "outputs" | "elements"): void {
    for (const { afterStep, [list]: wanted } of expected) {
      if (afterStep === undefined) continue;
      const there = actual.get(afterStep) ?? [];
      if (wanted !== undefined) this.problems.push(...claim(there, wanted, `step ${afterStep}`));
      else if (there.splice(0).length === 0) this.problems.push(`step ${afterStep}: no ${list}`);
    }
    for (const { byStep = -1, [list]: wanted = [] } of expected) {
      for (const one of byStep < 0 ? [] : wanted) {
        const steps = [...actual].filter(([step]) => step <= byStep);
        const found = steps.some(([, there]) => claim(there, [one], "").length === 0);
        if (!found) this.problems.push(`by step ${byStep}: missing ${JSON.stringify(one)}`);
      }
    }
    for (const [step, there] of actual) {
      for (const one of there)
        this.problems.push(`step ${step}: unexpected ${JSON.stringify(one)}`);
    }
  }

  /** Outputs of one key during one step come by ascending end of their windows. */
  #judgeOrder(): void {
    for (const [step, outputs] of this.#outputs) {
      const ends = new Map<unknown, number>();
      for (const { key, windowEnd } of outputs) {
        const end = Number(windowEnd);
        if (end < (ends.get(key) ?? end)) this.problems.push(`step ${step}: ${key} out of order`);
        ends.set(key, end);
      }
    }
  }
}
