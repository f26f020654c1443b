import { LIVE, type LiveTexts } from "./live.ts";

/** Subject, without the prefix, of the records that bring configuration into the log. */
export const CONFIG_SUBJECT = "in.config";
/** Bytes of all texts of one generation: a record of it goes to every key group in one message. */
export const MOST_BYTES = 512 * 1024;
const MOST_NOTE = 1024;
const MOST_BY = 128;

/** One version of the live files, as somebody put it into the log. */
export interface GenerationRecord {
  /** One more than the one before; 0 is what the log began with. */
  readonly generation: number;
  readonly by: string;
  readonly note: string;
  /** See `liveDigest`. */
  readonly digest: string;
  /** Not before this time (ISO 8601); null: as soon as it may. */
  readonly at: string | null;
  /** The generation whose texts these are again; null when they are new. */
  readonly restores: number | null;
  readonly texts: LiveTexts;
}

export const encodeGeneration = (record: GenerationRecord): Uint8Array =>
  new TextEncoder().encode(JSON.stringify(record));

/** Undefined when it is none. */
export function readGeneration(value: unknown): GenerationRecord | undefined {
  if (!isObject(value) || !isObject(value["texts"])) return undefined;
  const { generation, by, note, digest, at, restores } = value;
  const texts = value["texts"];
  const sound =
    isCount(generation) &&
    isText(by, MOST_BY) &&
    isText(note, MOST_NOTE) &&
    isText(digest, 64) &&
    (at === null || (isText(at, 64) && Number.isFinite(Date.parse(at)))) &&
    (restores === null || isCount(restores)) &&
    LIVE.every((name) => typeof texts[name] === "string") &&
    bytesOf(texts as LiveTexts) <= MOST_BYTES;
  if (!sound) return undefined;
  const [segments, rules, tags] = LIVE.map((name) => texts[name] as string);
  return {
    ...{ generation, by, note, digest, at, restores },
    texts: { segments, rules, tags } as LiveTexts,
  };
}

/** UTF-8 bytes of all texts. */
export const bytesOf = (texts: LiveTexts): number =>
  LIVE.reduce((sum, name) => sum + new TextEncoder().encode(texts[name]).length, 0);

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isCount = (value: unknown): value is number =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
const isText = (value: unknown, most: number): value is string =>
  typeof value === "string" && value.length <= most;
