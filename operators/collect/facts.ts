import { type Refusal, refusal } from "../../src/codec/wire.ts";
import { findUnplain, isRecord } from "./plain.ts";

export interface Fact {
  readonly ok: true;
  readonly key: string;
  readonly value: Readonly<Record<string, unknown>>;
}

export interface Knowledge {
  readonly ok: true;
  readonly version: number;
  readonly entries: Readonly<Record<string, unknown>>;
}

const MAX_KEY = 256;

/** Which fields of a fact make up its key. */
const KEY_FIELDS: Readonly<Record<string, readonly string[]>> = {
  catalog: ["sku"],
  content: ["content_id"],
  live: ["live_id"],
  bom: ["sku"],
  inventory: ["site", "sku"],
  supply: ["sku"],
  site: ["site"],
  calendar: ["id"],
  aggregate: ["touchpoint", "event", "day"],
};

/** Core fields that operators calculate with, and what they must be where they are given. */
const NUMBERS: ReadonlySet<string> = new Set(
  "price_minor margin on_hand reserved lead_days review_days moq multiple on_order".split(" "),
);
const TEXTS: ReadonlySet<string> = new Set(
  "sku site region category brand line title supplier content_id live_id about channel type kind".split(
    " ",
  ),
);

const NOT_AN_OBJECT = refusal("shape", "Send a fact as an object with at least one field.");
const NO_KEY = refusal("key", "Name the fact's key in the body or in the subject.", "key");
const KNOWLEDGE_SHAPE = refusal(
  "shape",
  "Send knowledge as {kind, version, entries} with a whole version.",
);

function wrongField(value: Readonly<Record<string, unknown>>): Refusal | undefined {
  for (const name of Object.keys(value)) {
    const field = value[name];
    if (field === null) continue;
    if (NUMBERS.has(name) && typeof field !== "number") {
      return refusal("shape", "Send this field as a number.", name);
    }
    if (TEXTS.has(name) && (typeof field !== "string" || field.length > MAX_KEY)) {
      return refusal("shape", `Send this field as text of at most ${MAX_KEY} characters.`, name);
    }
  }
  const unplain = findUnplain(value, "");
  return unplain === undefined
    ? undefined
    : refusal(
        "shape",
        "Send finite numbers, text, booleans, objects and arrays.",
        unplain.slice(1),
      );
}

/** `key` in the body, else the fields of its kind, else the tokens of the subject. */
function keyOf(
  kind: string,
  tokens: string,
  value: Readonly<Record<string, unknown>>,
): string | undefined {
  if (typeof value.key === "string") return value.key;
  const fields = KEY_FIELDS[kind];
  const parts = fields?.map((field) => value[field]);
  const named = parts?.every((part) => typeof part === "string" && part !== "");
  return named === true ? parts?.join(".") : tokens;
}

/** A fact of `in.fact.<kind>.<tokens>`; `tokens` is empty where they do not tell the key. */
export function readFact(kind: string, tokens: string, value: unknown): Fact | Refusal {
  if (!isRecord(value) || Object.keys(value).length === 0) return NOT_AN_OBJECT;
  const wrong = wrongField(value);
  if (wrong !== undefined) return wrong;
  const key = keyOf(kind, tokens, value);
  if (key === undefined || key === "" || key.length > MAX_KEY) return NO_KEY;
  return { ok: true, key, value };
}

/** A body of `in.knowledge.<kind>.<shard>`. */
export function readKnowledge(kind: string, value: unknown): Knowledge | Refusal {
  if (!isRecord(value)) return KNOWLEDGE_SHAPE;
  const { version, entries } = value;
  if (value.kind !== kind) return refusal("shape", "Name the subject's kind in the body.", "kind");
  if (typeof version !== "number" || !Number.isSafeInteger(version)) return KNOWLEDGE_SHAPE;
  if (!isRecord(entries)) return KNOWLEDGE_SHAPE;
  const unplain = findUnplain(entries, "entries");
  if (unplain !== undefined) {
    return refusal("shape", "Send finite numbers, text, booleans, objects and arrays.", unplain);
  }
  return { ok: true, version, entries };
}
