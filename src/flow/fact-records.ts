import { decodeFacts, type FactEntries, type FactRecord } from "../codec/frame.ts";

const REMEMBERED = 1024;

/**
 * Decodes records of facts once for all groups of a job, which get the same values: facts are
 * read-only. One job reads one log, in which (seq, part) names a record for good.
 */
export class FactRecords {
  readonly #known = new Map<string, FactEntries>();

  entriesOf(record: FactRecord): FactEntries {
    const name = `${record[1]}.${record[5]}`;
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const entries = decodeFacts(record[6]);
    if (this.#known.size >= REMEMBERED) {
      const oldest = this.#known.keys().next().value;
      if (oldest !== undefined) this.#known.delete(oldest);
    }
    this.#known.set(name, entries);
    return entries;
  }
}
