import Type, { type TSchema } from "typebox";
import type { OperatorSpec } from "../flow/spec.ts";
import { CalendarSchema } from "./calendar.ts";
import { IntentsSchema } from "./intents.ts";
import { publishedFlow, publishedJobSchema } from "./job-schema.ts";
import { LexiconSchema } from "./lexicon.ts";
import type { FileName } from "./load.ts";
import { blockSchema } from "./operator-blocks.ts";
import { PackSchema, packSchema } from "./pack.ts";
import { explanationSchema, profileSchema } from "./profile-schema.ts";
import { reference } from "./reference.ts";
import { RulesSchema } from "./rule-schema.ts";
import type { SchemaNode } from "./schema-node.ts";
import { SegmentsSchema } from "./segments-schema.ts";
import { TagsSchema } from "./tags.ts";
import { TrackingPlanSchema } from "./tracking-plan-schema.ts";

type Flow = OperatorSpec["flow"];
type FlowSchemas = Readonly<Record<Flow, Record<string, TSchema>>>;

function blocksOf(specs: readonly OperatorSpec[]): FlowSchemas {
  const blocks = (flow: Flow) =>
    Object.fromEntries(
      specs.filter((spec) => spec.flow === flow).map((spec) => [spec.name, blockSchema(spec)]),
    );
  return { shopper: blocks("shopper"), demand: blocks("demand") };
}

/** The schema of every configuration file, `freshet.yaml` with the operators given. */
export function publishedSchemas(
  specs: readonly OperatorSpec[],
): Readonly<Record<FileName, TSchema>> {
  return {
    freshet: publishedJobSchema(blocksOf(specs)),
    "tracking-plan": TrackingPlanSchema,
    segments: SegmentsSchema,
    rules: RulesSchema,
    intents: IntentsSchema,
    lexicon: LexiconSchema,
    calendar: CalendarSchema,
    tags: TagsSchema,
  };
}

/** A pack may name whatever freshet.yaml does: operators of one's own, too. */
function publishedPack(specs: readonly OperatorSpec[]): TSchema {
  const { shopper, demand } = blocksOf(specs);
  const others = Type.Union([Type.Null(), Type.Object({})]);
  return packSchema({
    shopper: publishedFlow(shopper, others),
    demand: publishedFlow(demand, others),
  });
}

/**
 * Contents of `config/schemas/` by file name: JSON Schema 2020-12 of the configuration files for
 * editors, of the profile and the explanation for those who ask for one; a reference for people.
 */
export function schemaFiles(specs: readonly OperatorSpec[]): Readonly<Record<string, string>> {
  const schemas = publishedSchemas(specs);
  const documented: Readonly<Record<string, TSchema>> = { ...schemas, "packs/‹name›": PackSchema };
  const files = Object.entries(schemas).map(([name, schema]) => [
    `${name}.schema.json`,
    textOf(schema),
  ]);
  return {
    ...Object.fromEntries(files),
    "pack.schema.json": textOf(publishedPack(specs)),
    "profile.schema.json": textOf(profileSchema(specs)),
    "explain.schema.json": textOf(explanationSchema(specs)),
    "README.md": reference(documented as Readonly<Record<string, SchemaNode>>),
  };
}

const textOf = (schema: TSchema): string => {
  const published = { $schema: "https://json-schema.org/draft/2020-12/schema", ...schema };
  return `${JSON.stringify(published, null, 2)}\n`;
};
