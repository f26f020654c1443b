/** What one test gave the flows, and was given of what they published. */
export interface Evidence {
  /** Events, facts and feedback that entered. */
  fed: number;
  /** Outputs that came out, whether they were handed to the test or withheld. */
  published: number;
}

let current: Evidence | undefined;

/** From here on the gates below count for this test; undefined: for none. */
export function countFor(test: Evidence | undefined): void {
  current = test;
}

/**
 * True in a run that asks which tests need the outputs: the gates then hand out none, and a test
 * that still passes asserts on none.
 */
const withheld = process.env["FRESHET_TEST_OUTPUTS"] === "withheld";

/** Gate of what goes into the flows. */
export function fed(count: number): void {
  if (current !== undefined) current.fed += count;
}

/** Gate of what comes out: whoever runs flows for a test hands outputs over through here. */
export function published<Output>(outputs: readonly Output[]): readonly Output[] {
  if (current !== undefined) current.published += outputs.length;
  return withheld ? [] : outputs;
}
