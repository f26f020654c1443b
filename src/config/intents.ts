import Type, { type Static } from "typebox";
import { type Millis, parseDuration } from "../time/event-time.ts";
import type { Matcher } from "./condition-ast.ts";
import { CONDITION_DEFS, MatcherRef, namedKeys } from "./condition-schema.ts";
import { didYouMean } from "./did-you-mean.ts";
import { MatcherReader } from "./matcher-reader.ts";
import type { Reading } from "./problem.ts";
import { schemaReader } from "./schema-check.ts";
import { durationText, nameText } from "./texts.ts";
import type { TrackingPlan } from "./tracking-plan.ts";
import type { Path, YamlFile } from "./yaml-file.ts";

/** Intents of the shipped `intents.yaml`: what readers go by that are not told of another. */
export const USUAL_INTENTS: readonly string[] = [
  "browse",
  "compare_price",
  "learn_features",
  "buy",
  "seek_aftersales",
];

const closed = { additionalProperties: false } as const;

const Weight = Type.Number({
  minimum: -5,
  maximum: 5,
  description: "Log-odds: above 0 speaks for the intent, below 0 against it.",
});
const Property = Type.String({ pattern: "^[a-z][a-z0-9_]*$" });
const Nth = (description: string) =>
  Type.Optional(
    Type.Object(
      {
        from: Type.Integer({ minimum: 2, maximum: 100 }),
        to: Type.Integer({ minimum: 2, maximum: 100 }),
      },
      { ...closed, description },
    ),
  );

const Evidence = Type.Object(
  {
    of: MatcherRef,
    weight: Weight,
    why: Type.Optional(
      Type.String({ maxLength: 40, description: "How messages name it; the type of event else." }),
    ),
    per: Type.Optional(
      Type.Object(
        { field: Property, full: Type.Union([Type.Number({ minimum: 0 }), durationText({})]) },
        {
          ...closed,
          description: "The weight counts in proportion to this property, whole from `full` on.",
        },
      ),
    ),
    repeat: Nth("Only the from-th to the to-th look at one sku within the session."),
    alternative: Nth("Only when the sku is the from-th to the to-th different of its category."),
    only: Type.Optional(
      Type.Enum(["ordered_lately", "about_goods", "names_order"], {
        description:
          "`ordered_lately`: the person has paid or received something in the last 30 days. `about_goods`: the content is about certain goods. `names_order`: the event names an order.",
      }),
    ),
  },
  closed,
);

const IntentDefinition = Type.Object(
  {
    title: Type.Optional(Type.String({ maxLength: 64, description: "What people call it." })),
    prior: Type.Optional(
      Type.Number({
        minimum: -5,
        maximum: 5,
        description: "Log-odds before anything is known; 0 when left out.",
      }),
    ),
    ordered_lately: Type.Optional(
      Type.Number({
        minimum: 0,
        maximum: 5,
        description: "Factor of all its evidence from people who have ordered in the last 30 days.",
      }),
    ),
    evidence: Type.Optional(Type.Array(Evidence, { maxItems: 200 })),
  },
  closed,
);

const TextSource = Type.Object(
  {
    of: MatcherRef,
    field: Property,
    factor: Type.Optional(
      Type.Number({
        minimum: 0,
        maximum: 5,
        description: "Of the terms' weights; 1 when left out.",
      }),
    ),
    at_most: Type.Optional(
      Type.Number({
        minimum: 0,
        maximum: 20,
        description: "Log-odds one text can add to an intent.",
      }),
    ),
  },
  closed,
);

const Settled = Type.Object(
  {
    by: MatcherRef,
    keeps: Type.Record(nameText({}), Type.Number({ minimum: 0, maximum: 1 }), {
      description: "The share of each intent's evidence that outlives the event.",
    }),
  },
  closed,
);

const Purchase = Type.Object(
  {
    half_life: durationText({ description: "What an event counts halves every so long." }),
    bias: Type.Number({ description: "Log-odds of one who has done nothing." }),
    weights: Type.Record(Type.String({ maxLength: 64 }), Type.Number(), {
      description: "Type of event → weight of the logarithm of one more than its fading count.",
    }),
  },
  {
    ...closed,
    description: "The probability that something is put in the cart or paid within 30 minutes.",
  },
);

export const IntentsSchema = Type.Object(
  {
    version: Type.Literal(1),
    ...namedKeys,
    temperature: Type.Optional(
      Type.Number({
        minimum: 0.1,
        maximum: 10,
        description: "Divides all log-odds: above 1 makes probabilities more careful.",
      }),
    ),
    intents: Type.Record(nameText({}), IntentDefinition, {
      ...closed,
      minProperties: 1,
      maxProperties: 20,
      description: "`browse` is the one to fall back to, and must be there.",
    }),
    texts: Type.Optional(
      Type.Array(TextSource, {
        maxItems: 50,
        description: "Where the words of the lexicon are looked for.",
      }),
    ),
    settled: Type.Optional(
      Type.Array(Settled, {
        maxItems: 50,
        description: "Events that settle what a person was after.",
      }),
    ),
    purchase: Purchase,
  },
  {
    ...closed,
    title: "Freshet intents",
    description: "What a person may be after, and what speaks for it.",
    $defs: CONDITION_DEFS,
  },
);
type Source = Static<typeof IntentsSchema>;

/** `config/intents.yaml` after reading; intents are named by their index. */
export interface IntentFile {
  readonly version: 1;
  /** In the order of the file. */
  readonly names: readonly string[];
  readonly browse: number;
  readonly priors: readonly number[];
  readonly orderedLately: readonly number[];
  readonly temperature: number;
  readonly matchers: readonly Matcher[];
  readonly evidence: readonly EvidenceRule[];
  readonly texts: readonly TextRule[];
  readonly settled: readonly { readonly by: Matcher; readonly keeps: readonly number[] }[];
  readonly purchase: PurchaseModel;
}

export interface EvidenceRule {
  readonly of: Matcher;
  readonly intent: number;
  readonly weight: number;
  readonly why: string;
  readonly per: { readonly field: string; readonly full: number } | null;
  readonly repeat: Range | null;
  readonly alternative: Range | null;
  readonly only: "ordered_lately" | "about_goods" | "names_order" | null;
}
export interface Range {
  readonly from: number;
  readonly to: number;
}
export interface TextRule {
  readonly of: Matcher;
  readonly field: string;
  readonly factor: number;
  readonly atMost: number;
}
export interface PurchaseModel {
  readonly halfLife: Millis;
  readonly bias: number;
  /** By type of event. */
  readonly weights: Readonly<Record<string, number>>;
}

const read = schemaReader(IntentsSchema);

export function readIntents(file: YamlFile, plan: TrackingPlan): Reading<IntentFile> {
  const { value, problems } = read(file);
  if (value === undefined) return { value: undefined, problems };
  const reader = new IntentsReader(file, plan, value);
  const result = reader.read();
  return reader.problems.length > 0
    ? { value: undefined, problems: reader.problems }
    : { value: result, problems: [] };
}

class IntentsReader {
  readonly #source: Source;
  readonly #names: readonly string[];
  readonly #matchers: MatcherReader;
  readonly #plan: TrackingPlan;

  constructor(file: YamlFile, plan: TrackingPlan, source: Source) {
    this.#source = source;
    this.#plan = plan;
    this.#names = Object.keys(source.intents);
    this.#matchers = new MatcherReader(file, plan, source);
  }

  get problems() {
    return this.#matchers.problems;
  }

  read(): IntentFile {
    const { intents, temperature = 1, purchase } = this.#source;
    const names = this.#names;
    const browse = names.indexOf("browse");
    if (browse < 0) {
      this.#matchers.complain(["intents"], {
        code: "KEY_MISSING",
        message: "`browse` is missing",
        remedy: "Add `browse: {prior: 1.5}`: what people are after as far as nothing is known.",
      });
    }
    const all = Object.values(intents);
    const evidence = names.flatMap((name, i) =>
      (intents[name]?.evidence ?? []).map((rule, j) =>
        this.#rule(rule, i, ["intents", name, "evidence", j]),
      ),
    );
    const texts = (this.#source.texts ?? []).map((text, i) => this.#text(text, ["texts", i]));
    const settled = (this.#source.settled ?? []).map(({ by, keeps }, i) => {
      for (const name of Object.keys(keeps)) this.#known(name, ["settled", i, "keeps", name]);
      return {
        by: this.#matchers.matcher(by, ["settled", i, "by"]),
        keeps: names.map((name) => keeps[name] ?? 1),
      };
    });
    for (const type of Object.keys(purchase.weights)) {
      if (!this.#plan.types.includes(type)) {
        this.#matchers.complain(["purchase", "weights", type], {
          code: "EVENT_UNKNOWN",
          message: `the tracking plan has no event \`${type}\``,
          remedy: didYouMean(type, this.#plan.types),
          atKey: true,
        });
      }
    }
    this.#matchers.checkUnused();
    return {
      version: 1,
      names,
      browse,
      priors: all.map(({ prior = 0 }) => prior),
      orderedLately: all.map(({ ordered_lately = 1 }) => ordered_lately),
      temperature,
      matchers: this.#matchers.matchers,
      evidence,
      texts,
      settled,
      purchase: {
        halfLife: parseDuration(purchase.half_life) as Millis,
        bias: purchase.bias,
        weights: purchase.weights,
      },
    };
  }

  #known(name: string, at: Path): void {
    if (this.#names.includes(name)) return;
    this.#matchers.complain(at, {
      code: "NAME_UNKNOWN",
      message: `no intent is called \`${name}\``,
      remedy: didYouMean(name, this.#names),
      atKey: true,
    });
  }

  #rule(source: Static<typeof Evidence>, intent: number, at: Path): EvidenceRule {
    const of = this.#matchers.matcher(source.of, [...at, "of"]);
    const { repeat, alternative } = source;
    for (const [key, range] of Object.entries({ repeat, alternative })) {
      if (range === undefined) continue;
      this.#matchers.checkProperty(of, "sku", [...at, key]);
      if (range.from <= range.to) continue;
      this.#matchers.complain([...at, key, "to"], {
        code: "VALUE_RANGE",
        message: `\`to\` ${range.to} is below \`from\` ${range.from}`,
        remedy: "Let `to` be at least `from`.",
      });
    }
    return {
      of,
      intent,
      weight: source.weight,
      why: source.why ?? of.events[0] ?? "",
      per: source.per === undefined ? null : this.#share(of, source.per, [...at, "per"]),
      repeat: repeat ?? null,
      alternative: alternative ?? null,
      only: source.only ?? null,
    };
  }

  #share(of: Matcher, { field, full }: { field: string; full: number | string }, at: Path) {
    const info = this.#matchers.number(of, field, [...at, "field"]);
    const whole =
      info === undefined ? undefined : this.#matchers.amount(full, info, field, [...at, "full"]);
    return { field, full: whole ?? 1 };
  }

  #text({ of, field, factor = 1, at_most }: Static<typeof TextSource>, at: Path): TextRule {
    const matcher = this.#matchers.matcher(of, [...at, "of"]);
    this.#matchers.checkProperty(matcher, field, [...at, "field"]);
    return { of: matcher, field, factor, atMost: at_most ?? Number.MAX_VALUE };
  }
}
