import { KEYED, type LogRecord } from "../src/codec/frame.ts";
import type { JournalPayload } from "./collect/contract.ts";
import { ERASED } from "./shopper/rights.ts";

/** The person whom a record of the journal erases; undefined where it erases nobody. */
export function erasedBy(record: LogRecord): string | undefined {
  if (record[0] !== KEYED) return undefined;
  const [type] = record[6] as JournalPayload;
  return type === ERASED ? record[4] : undefined;
}
