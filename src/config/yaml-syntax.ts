import type { YAMLParseError } from "yaml";
import type { Complaint } from "./yaml-file.ts";

/** A complaint at a place of the text. */
export type Placed = readonly [offset: number, complaint: Complaint];

const SHOWN = 10;

/**
 * What the parser finds wrong, in words for who wrote the text. Of a mistake and what follows from it
 * on the same line and the next, only the first is told.
 */
export function syntaxComplaints(text: string, errors: readonly YAMLParseError[]): Placed[] {
  const conflict = /^(?:<{7}|={7}|>{7})(?: |$)/m.exec(text);
  if (conflict !== null) return [[conflict.index, CONFLICT]];
  const told: Placed[] = [];
  let toldUpTo = -1;
  for (const error of errors) {
    if (error.pos[0] <= toldUpTo) continue;
    const offset = beginningOfText(text, error.pos[0]);
    const end = endOfLine(text, offset);
    told.push(fullWidthIn(text, offset, end) ?? [offset, complaintOf(error)]);
    toldUpTo = endOfLine(text, end + 1);
    if (told.length === SHOWN) break;
  }
  return told;
}

const CONFLICT: Complaint = {
  code: "YAML_SYNTAX",
  message: "a merge left both versions here",
  remedy: "Keep one of them, and delete the lines of `<<<<<<<`, `=======` and `>>>>>>>`.",
};

/** Where YAML wants a sign of its own and an input method has put its wide form. */
const FULL_WIDTH =
  /：(?<=(?:^|[{,])\s*(?:- )*[\w.$-]+：)|[｛［](?<=[:-] [｛［])|，(?<=[}\]"'\w] ?，)(?=\s*[\w$-]+ ?[:：])|\u3000(?<=[:-]\u3000)/u;
/** Of a line; further on nobody looks. */
const LOOKED_AT = 2_000;
const PLAIN: Readonly<Record<string, string>> = {
  "：": ": ",
  "｛": "{",
  "［": "[",
  "，": ",",
  "\u3000": " ",
};

function fullWidthIn(text: string, offset: number, end: number): Placed | undefined {
  const start = text.lastIndexOf("\n", offset - 1) + 1;
  const found = FULL_WIDTH.exec(text.slice(start, Math.min(end, start + LOOKED_AT)));
  if (found === null) return undefined;
  const sign = found[0];
  return [
    start + found.index,
    {
      code: "YAML_SYNTAX",
      message: sign === "\u3000" ? "a full-width space" : `\`${sign}\` is a full-width sign`,
      remedy: `Write \`${PLAIN[sign]}\` in its place; YAML knows half-width signs alone.`,
    },
  ];
}

const EMPTY_LINES = /(?:[ \t\r]*\n)+[ \t]*/y;

/** The parser may point at the empty line before what it means. */
function beginningOfText(text: string, offset: number): number {
  EMPTY_LINES.lastIndex = offset;
  const empty = EMPTY_LINES.exec(text);
  return empty === null ? offset : offset + empty[0].length;
}

function endOfLine(text: string, offset: number): number {
  const end = text.indexOf("\n", offset);
  return end < 0 ? text.length : end;
}

const complaintOf = (error: YAMLParseError): Complaint => ({
  code: "YAML_SYNTAX",
  message: lowerFirst(error.message),
  remedy: remedyOf(error),
});

const REMEDIES: Readonly<Record<string, string>> = {
  BAD_INDENT: "Indent with spaces so that the parts of one block begin in one column.",
  TAB_AS_INDENT: "Indent with spaces instead of tabs.",
  MULTIPLE_DOCS:
    "Keep one document in a file: delete the line `---` and what follows, or split the file.",
  NON_STRING_KEY: "Put the key in quotes.",
  MISSING_CHAR: "Close the bracket or quote that is open here.",
  MULTILINE_IMPLICIT_KEY: "Write `key: value` on one line, with a space after the colon.",
  BLOCK_AS_IMPLICIT_KEY: "Put the nested mapping on lines of its own, indented.",
  BAD_DQ_ESCAPE: "Double the backslash, or use single quotes.",
  BAD_SCALAR_START: "Put the text in quotes.",
};

/** By what the parser says, where its code stands for several mistakes. */
const BY_MESSAGE: readonly (readonly [RegExp, string])[] = [
  [/ and end with a [\]}]/, "Close the bracket or quote that is open here."],
  [
    /without - indicator/,
    "Indent this line as far as the other keys of its item: two columns more than its `-`.",
  ],
  [
    /block sequence may not be used as an implicit map key/,
    "Indent this `-` as far as those of the list it goes on.",
  ],
];

function remedyOf({ code, message }: YAMLParseError): string {
  const [, said] = BY_MESSAGE.find(([pattern]) => pattern.test(message)) ?? [];
  return said ?? REMEDIES[code] ?? "Correct the YAML here, or just before.";
}

const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);
