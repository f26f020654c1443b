import Type, { type Static } from "typebox";
import type { Problem, Reading } from "./problem.ts";
import { schemaReader } from "./schema-check.ts";
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

const Entries = (description: string) =>
  Type.Optional(Type.Array(Entry, { maxItems: 5000, description }));

export const LexiconSchema = Type.Object(
  {
    version: Type.Literal(1),
    intents: Type.Object(
      {
        browse: Entries("逛一逛"),
        compare_price: Entries("比价"),
        learn_features: Entries("了解功能"),
        buy: Entries("购买"),
        seek_aftersales: Entries("寻求售后"),
      },
      {
        additionalProperties: false,
        description:
          "By intent: a term, `{term, weight}`, or `{terms: [...], weight}`. A term may stand under several intents.",
      },
    ),
  },
  {
    additionalProperties: false,
    title: "Freshet lexicon",
    description: "What the words of a search, a page or a title say about intents.",
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
}

const read = schemaReader(LexiconSchema);

export function readLexicon(file: YamlFile): Reading<Lexicon> {
  const { value, problems } = read(file);
  if (value === undefined) return { value: undefined, problems };
  const found: Problem[] = [];
  const intents = Object.entries(value.intents).map(
    ([intent, entries]): [string, LexiconEntry[]] => [
      intent,
      termsOf(file, entries ?? [], ["intents", intent], found),
    ],
  );
  if (found.length > 0) return { value: undefined, problems: found };
  return { value: { version: 1, intents: Object.fromEntries(intents) }, problems: [] };
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
