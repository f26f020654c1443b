import Type, { type Static } from "typebox";
import { didYouMean } from "./did-you-mean.ts";
import { USUAL_INTENTS } from "./intents.ts";
import type { Problem, Reading } from "./problem.ts";
import { schemaReader } from "./schema-check.ts";
import { nameText } from "./texts.ts";
import type { Path, YamlFile } from "./yaml-file.ts";

/** Log-odds of a term that states no weight of its own. */
const USUAL_WEIGHT = 1.6;

const TermText = Type.String({
  minLength: 1,
  maxLength: 64,
  description: "A word or phrase; compared in lower case after NFKC.",
});
const Weight = Type.Number({
  minimum: -5,
  maximum: 5,
  description: `Log-odds: above 0 speaks for the intent, below 0 against it. ${USUAL_WEIGHT} when left out.`,
});

const EntryDefinition = Type.Union([
  TermText,
  Type.Object({ term: TermText, weight: Type.Optional(Weight) }, { additionalProperties: false }),
  Type.Object(
    {
      terms: Type.Array(TermText, { minItems: 1, uniqueItems: true, maxItems: 1000 }),
      weight: Weight,
    },
    { additionalProperties: false },
  ),
]);

type EntrySource = Static<typeof EntryDefinition>;
const Entry = Type.Unsafe<EntrySource>({ $ref: "#/$defs/Entry" });

export const LexiconSchema = Type.Object(
  {
    version: Type.Literal(1),
    intents: Type.Record(nameText({}), Type.Array(Entry, { maxItems: 5000 }), {
      additionalProperties: false,
      description:
        "By intent of intents.yaml: a term, `{term, weight}`, or `{terms: [...], weight}`. A term may stand under several intents.",
    }),
    negation: Type.Optional(
      Type.Object(
        {
          words: Type.Array(TermText, { uniqueItems: true, maxItems: 100 }),
          factor: Type.Number({
            minimum: -1,
            maximum: 1,
            description: "What a term behind one of the words counts, of its weight.",
          }),
        },
        {
          additionalProperties: false,
          description: "Words that say of the term behind them that it is not so: 不, 没, 不用.",
        },
      ),
    ),
  },
  {
    additionalProperties: false,
    title: "Freshet lexicon",
    description: "What the words of a search or the topic of a chat say about intents.",
    $defs: { Entry: EntryDefinition },
  },
);

export interface LexiconEntry {
  /** NFKC-normalised, lower-case, trimmed. */
  readonly term: string;
  /** Log-odds. */
  readonly weight: number;
}

/** `config/lexicon.yaml` after reading: one entry a term and intent, in the order of the file. */
export interface Lexicon {
  readonly version: 1;
  readonly intents: Readonly<Record<string, readonly LexiconEntry[]>>;
  /** What a term counts, of its weight, right behind one of the words. */
  readonly negation: { readonly words: readonly string[]; readonly factor: number };
}

const read = schemaReader(LexiconSchema);

/** `names`: the intents there are. */
export function readLexicon(
  file: YamlFile,
  names: readonly string[] = USUAL_INTENTS,
): Reading<Lexicon> {
  const { value, problems } = read(file);
  if (value === undefined) return { value: undefined, problems };
  const found: Problem[] = [];
  for (const name of Object.keys(value.intents)) {
    if (names.includes(name)) continue;
    found.push(
      file.problem(["intents", name], {
        code: "KEY_UNKNOWN",
        message: `no intent is called \`${name}\``,
        remedy: didYouMean(name, names),
        atKey: true,
      }),
    );
  }
  const intents = Object.entries(value.intents).map(
    ([intent, entries]): [string, LexiconEntry[]] => [
      intent,
      termsOf(file, entries, ["intents", intent], found),
    ],
  );
  if (found.length > 0) return { value: undefined, problems: found };
  const negation = {
    words: (value.negation?.words ?? []).map((word) => word.normalize("NFKC").toLowerCase()),
    factor: value.negation?.factor ?? 0,
  };
  return {
    value: { version: 1, intents: Object.fromEntries(intents), negation },
    problems: [],
  };
}

function termsOf(
  file: YamlFile,
  entries: readonly EntrySource[],
  at: Path,
  problems: Problem[],
): LexiconEntry[] {
  const seen = new Map<string, LexiconEntry>();
  const add = (text: string, weight: number, path: Path): void => {
    const term = text.normalize("NFKC").toLowerCase().trim();
    if (term !== "" && !seen.has(term)) {
      seen.set(term, { term, weight });
      return;
    }
    problems.push(
      file.problem(path, {
        code: term === "" ? "VALUE_INVALID" : "NAME_DUPLICATE",
        message:
          term === "" ? "a term of blanks only" : `\`${term}\` already stands under this intent`,
        remedy: "Delete it.",
      }),
    );
  };
  entries.forEach((entry, i) => {
    if (typeof entry === "string") add(entry, USUAL_WEIGHT, [...at, i]);
    else if ("terms" in entry) {
      entry.terms.forEach((term, j) => {
        add(term, entry.weight, [...at, i, "terms", j]);
      });
    } else add(entry.term, entry.weight ?? USUAL_WEIGHT, [...at, i, "term"]);
  });
  return [...seen.values()];
}
