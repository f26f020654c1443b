export type JsonFault = "too_deep" | "utf8" | "syntax";
export type ParsedJson =
  | { readonly fault: undefined; readonly value: unknown }
  | { readonly fault: JsonFault };

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SMALL_U = 0x75;

const PLAIN = 0;
const ESCAPED = 1;
const TOO_DEEP = 2;

/** What a byte does to the depth. Bit 0x20 is what tells `{` and `}` from `[` and `]`. */
function step(byte: number): number {
  const bracket = byte | 0x20;
  if (bracket === 0x7b) return 1;
  return bracket === 0x7d ? -1 : 0;
}

/**
 * Depth of nesting, counted outside texts, before a parser sees the bytes. Also tells whether
 * there are `\u` escapes: only these can hide a key or a lone surrogate from a look at the text.
 */
function scan(bytes: Uint8Array, maxDepth: number): number {
  const end = bytes.length;
  let depth = 0;
  let found = PLAIN;
  let text = false;
  for (let at = 0; at < end; at += 1) {
    const byte = bytes[at] ?? 0;
    if (byte === QUOTE) {
      text = !text;
    } else if (byte === BACKSLASH) {
      at += 1;
      if (bytes[at] === SMALL_U) found = ESCAPED;
    } else if (!text && byte >= 0x5b) {
      depth += step(byte);
      if (depth > maxDepth) return TOO_DEEP;
    }
  }
  return found;
}

const LONE_SURROGATE = /\p{Surrogate}/gu;
const HAS_LONE_SURROGATE = /\p{Surrogate}/u;

/** Drops keys that would name a prototype or are not text; replaces lone surrogates in values. */
function harmless(key: string, value: unknown): unknown {
  if (key === "__proto__" || HAS_LONE_SURROGATE.test(key)) return undefined;
  return typeof value === "string" ? value.replace(LONE_SURROGATE, "\ufffd") : value;
}

const decoder = new TextDecoder("utf-8", { fatal: true });

/**
 * JSON from bytes nobody vouches for: valid UTF-8 (a byte order mark is skipped), at most `maxDepth`
 * containers inside each other. Of keys that occur twice the last counts, as in `JSON.parse`; no
 * object of the result has a key `__proto__`, and all its text is well-formed. Never throws.
 */
export function parseJson(bytes: Uint8Array, maxDepth: number): ParsedJson {
  const found = scan(bytes, maxDepth);
  if (found === TOO_DEEP) return { fault: "too_deep" };
  let text: string;
  try {
    text = decoder.decode(bytes);
  } catch {
    return { fault: "utf8" };
  }
  try {
    const careful = found === ESCAPED || text.includes("__proto__");
    return { fault: undefined, value: careful ? JSON.parse(text, harmless) : JSON.parse(text) };
  } catch {
    return { fault: "syntax" };
  }
}
