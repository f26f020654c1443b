import { didYouMean } from "./did-you-mean.ts";
import type { PropTypeSource } from "./tracking-plan-schema.ts";

/** Why a value is refused; `reason` is a subject token. */
export class Refused {
  readonly reason: string;
  readonly remedy: string;
  constructor(reason: string, remedy: string) {
    this.reason = reason;
    this.remedy = remedy;
  }
}

/** Gives the value to keep (the same one where nothing had to change), or why it is refused. */
export type PropCheck = (value: unknown) => unknown;

const DEFAULT_LENGTH = 256;
const DEFAULT_ITEMS = 100;
/** Lone surrogates do not survive UTF-8, so a state that holds one would change when it is stored. */
const LONE_SURROGATE = /\p{Surrogate}/u;

/** A closure that checks one type; all messages are made beforehand. */
export function propCheck(type: PropTypeSource): PropCheck {
  switch (type.is) {
    case "string":
      return textCheck(type);
    case "integer":
      return numberCheck(type, Number.isSafeInteger, "whole number");
    case "number":
      return numberCheck(type, Number.isFinite, "number");
    case "boolean":
      return booleanCheck(type.coerce === true);
    case "enum":
      return enumCheck(type.values ?? []);
    case "strings":
      return listCheck(textCheck(type), type.max_items ?? DEFAULT_ITEMS, "texts");
    case "lines":
      return listCheck(
        lineCheck(),
        type.max_items ?? DEFAULT_ITEMS,
        "lines {sku, qty, price_minor}",
      );
    case "scalar":
      return scalarCheck(textCheck(type), numberCheck(type, Number.isFinite, "number"));
  }
}

function textCheck({ max_length = DEFAULT_LENGTH, coerce }: PropTypeSource): PropCheck {
  const notText = new Refused("wrong_type", "Send it as text.");
  const tooLong = new Refused("too_long", `Send at most ${max_length} characters.`);
  const broken = new Refused("bad_text", "Send well-formed Unicode.");
  return (given) => {
    const text = coerce === true && typeof given === "number" ? coercedText(given) : given;
    if (typeof text !== "string") return notText;
    if (text.length > max_length) return tooLong;
    return LONE_SURROGATE.test(text) ? broken : text;
  };
}

const coercedText = (given: number): string | number =>
  Number.isSafeInteger(given) ? String(given) : given;

const DIGITS = /^-?\d{1,15}(\.\d{1,9})?$/;

function numberCheck(
  type: PropTypeSource,
  fits: (value: unknown) => boolean,
  kind: string,
): PropCheck {
  const { unit, coerce } = type;
  const [low, high] =
    unit === "ratio" ? [0, 1] : unit === undefined ? [-Infinity, Infinity] : [0, Infinity];
  const min = type.min ?? low;
  const max = type.max ?? high;
  const measure = unit === undefined ? "" : ` ${UNIT_NAMES[unit]}`;
  const notNumber = new Refused("wrong_type", `Send a ${kind}${measure}.`);
  const outside = new Refused(
    "out_of_range",
    `Send a ${kind}${measure}${min > -Infinity ? ` of at least ${min}` : ""}${max < Infinity ? ` and at most ${max}` : ""}.`,
  );
  return (given) => {
    const value =
      coerce === true && typeof given === "string" && DIGITS.test(given) ? Number(given) : given;
    if (typeof value !== "number" || !fits(value)) return notNumber;
    // Adding 0 makes 0 of -0, which would not survive being stored.
    return value < min || value > max ? outside : value + 0;
  };
}

const UNIT_NAMES = {
  ms: "of milliseconds",
  minor: "of minor currency units",
  ratio: "between 0 and 1",
  count: "of pieces",
} as const;

function booleanCheck(coerce: boolean): PropCheck {
  const refused = new Refused("wrong_type", "Send true or false.");
  return (given) => {
    if (typeof given === "boolean") return given;
    if (!coerce) return refused;
    if (given === "true" || given === 1) return true;
    return given === "false" || given === 0 ? false : refused;
  };
}

function enumCheck(values: readonly string[]): PropCheck {
  const allowed = new Set<unknown>(values);
  const remedy = didYouMean("", values);
  const notText = new Refused("wrong_type", remedy);
  const unknown = new Refused("not_allowed", remedy);
  return (given) => {
    if (allowed.has(given)) return given;
    return typeof given === "string" ? unknown : notText;
  };
}

function scalarCheck(text: PropCheck, number: PropCheck): PropCheck {
  const refused = new Refused("wrong_type", "Send a text, a number, or true or false.");
  return (given) => {
    if (typeof given === "string") return text(given);
    if (typeof given === "number") return number(given);
    return typeof given === "boolean" ? given : refused;
  };
}

function listCheck(item: PropCheck, maxItems: number, kind: string): PropCheck {
  const notList = new Refused("wrong_type", `Send a list of ${kind}.`);
  const tooLong = new Refused("too_long", `Send at most ${maxItems} ${kind}.`);
  return (given) => {
    if (!Array.isArray(given)) return notList;
    if (given.length > maxItems) return tooLong;
    let kept: unknown[] | undefined;
    for (let i = 0; i < given.length; i += 1) {
      const value = item(given[i]);
      if (value instanceof Refused) return value;
      if (kept === undefined && Object.is(value, given[i])) continue;
      kept ??= given.slice(0, i);
      kept.push(value);
    }
    return kept ?? given;
  };
}

/** One line of an order; always a fresh object of the three fields. */
function lineCheck(): PropCheck {
  const sku = textCheck({ is: "string", max_length: 128, coerce: true });
  const qty = numberCheck(
    { is: "number", unit: "count", max: 1_000_000 },
    Number.isFinite,
    "number",
  );
  const price = numberCheck({ is: "integer", unit: "minor" }, Number.isSafeInteger, "whole number");
  const notLine = new Refused("wrong_type", "Send each line as {sku, qty, price_minor}.");
  const noSku = new Refused("missing", "Name the sku of each line.");
  return (given) => {
    if (typeof given !== "object" || given === null || Array.isArray(given)) return notLine;
    if (!Object.hasOwn(given, "sku")) return noSku;
    const line: Record<string, unknown> = {};
    for (const [name, check] of [
      ["sku", sku],
      ["qty", qty],
      ["price_minor", price],
    ] as const) {
      if (!Object.hasOwn(given, name)) continue;
      const value: unknown = (given as Record<string, unknown>)[name];
      if (value === null || value === undefined) continue;
      const kept = check(value);
      if (kept instanceof Refused) return kept;
      line[name] = kept;
    }
    return line["sku"] === undefined ? noSku : line;
  };
}
