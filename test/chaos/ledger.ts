import { appendFileSync, readFileSync } from "node:fs";

/** A message that the load process has an acknowledgement for. */
export interface Acknowledged {
  /** Its message id. */
  readonly id: string;
  /** Where the broker says it stands in `IN`. */
  readonly seq: number;
  /** Events and facts in it; 0 for one that is spoilt on purpose. */
  readonly events: number;
}

export function noteAcknowledged(path: string, acknowledged: Acknowledged): void {
  appendFileSync(path, `${JSON.stringify(acknowledged)}\n`);
}

export function readLedger(path: string): Acknowledged[] {
  const lines = readFileSync(path, "utf8").trimEnd().split("\n");
  return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as Acknowledged);
}
