import { Lexer } from "yaml";
import type { ProblemCode } from "./problem.ts";

export const MAX_FILE_BYTES = 512 * 1024;
/** Levels of brackets, and of indentation. The parser recurses, so this is its stack too. */
const MAX_DEPTH = 32;

/** A reason not to hand a text to the YAML parser; `offset` in UTF-16 code units. */
export interface Refusal {
  readonly offset: number;
  readonly code: ProblemCode;
  readonly message: string;
  readonly remedy: string;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what YAML forbids in a text.
const UNPRINTABLE = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]/;
const SCALAR_FOLLOWS = "\u001f";
const MARKS = new Set(["\u0002", "\u0018"]);
const FORBIDDEN: Readonly<Record<string, string>> = {
  "&": "an anchor",
  "*": "an alias",
  "!": "a tag",
  "%": "a directive",
};

/**
 * Decides in linear time and constant stack whether the parser may see a text. It runs the parser's
 * own lexer, which does not recurse, so both agree on what is a bracket and what is text. Anchors
 * and aliases (whose expansion can grow without bound, or loop), tags and directives are refused.
 */
export function refusal(text: string): Refusal | undefined {
  const control = UNPRINTABLE.exec(text);
  if (control !== null) {
    return {
      offset: control.index,
      code: "TEXT_ENCODING",
      message: `a control character (U+${hex4(control[0])}) is no part of a YAML text`,
      remedy: "Delete it, and save the file as plain UTF-8 text.",
    };
  }
  return scan(text);
}

function scan(text: string): Refusal | undefined {
  const depth = new Depth();
  let offset = 0;
  let scalar = false;
  for (const token of new Lexer().lex(text)) {
    if (!scalar && token === SCALAR_FOLLOWS) {
      scalar = true;
      continue;
    }
    if (!scalar && MARKS.has(token)) continue;
    const forbidden = scalar ? undefined : FORBIDDEN[token.charAt(0)];
    if (forbidden !== undefined) return unsupported(offset, forbidden);
    if (depth.after(token, scalar, offset) > MAX_DEPTH) return tooDeep(offset);
    offset += token.length;
    scalar = false;
  }
  return undefined;
}

/** An upper bound of the nesting at each token. */
class Depth {
  #flow = 0;
  #lineStart = 0;
  #fresh = true;
  /** Where the enclosing blocks begin: whatever starts further right may be one level deeper. */
  readonly #columns: number[] = [];

  after(token: string, scalar: boolean, offset: number): number {
    if (!scalar && (token === "[" || token === "{")) this.#flow += 1;
    if (!scalar && (token === "]" || token === "}")) this.#flow = Math.max(0, this.#flow - 1);
    if (scalar || !/^[\s#]|^$/.test(token)) {
      // A colon after its key opens nothing by itself; what follows it may.
      if (this.#flow === 0 && (this.#fresh || token !== ":")) this.#descend(offset);
      this.#fresh = false;
    }
    const newline = token.lastIndexOf("\n");
    if (newline >= 0) {
      this.#lineStart = offset + newline + 1;
      this.#fresh = true;
    }
    return this.#flow + this.#columns.length;
  }

  #descend(offset: number): void {
    const column = offset - this.#lineStart;
    while ((this.#columns.at(-1) ?? -1) >= column) this.#columns.pop();
    this.#columns.push(column);
  }
}

const hex4 = (char: string): string => char.charCodeAt(0).toString(16).padStart(4, "0");

const unsupported = (offset: number, what: string): Refusal => ({
  offset,
  code: "YAML_UNSUPPORTED",
  message: `${what} is not supported here`,
  remedy:
    "Write the value out; put quotes round a text that begins with this character; in segments, name a matcher under `let`.",
});

const tooDeep = (offset: number): Refusal => ({
  offset,
  code: "YAML_TOO_DEEP",
  message: `more than ${MAX_DEPTH} levels of nesting`,
  remedy: "Flatten the nested brackets or blocks; no configuration file needs so many levels.",
});
