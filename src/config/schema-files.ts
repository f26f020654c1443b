import type { TSchema } from "typebox";
import type { OperatorSpec } from "../flow/spec.ts";
import { CalendarSchema } from "./calendar.ts";
import { IntentsSchema } from "./intents.ts";
import { publishedJobSchema } from "./job-schema.ts";
import { LexiconSchema } from "./lexicon.ts";
import type { FileName } from "./load.ts";
import { blockSchema } from "./operator-blocks.ts";
import { profileSchema } from "./profile-schema.ts";
import { reference } from "./reference.ts";
import { RulesSchema } from "./rule-schema.ts";
import type { SchemaNode } from "./schema-node.ts";
import { SegmentsSchema } from "./segments-schema.ts";
import { TagsSchema } from "./tags.ts";
import { TrackingPlanSchema } from "./tracking-plan-schema.ts";

/** The schema of every configuration file, `freshet.yaml` with the operators given. */
export function publishedSchemas(
  specs: readonly OperatorSpec[],
): Readonly<Record<FileName, TSchema>> {
  const blocks = (flow: OperatorSpec["flow"]): Record<string, TSchema> =>
    Object.fromEntries(
      specs.filter((spec) => spec.flow === flow).map((spec) => [spec.name, blockSchema(spec)]),
    );
  return {
    freshet: publishedJobSchema({ shopper: blocks("shopper"), demand: blocks("demand") }),
    "tracking-plan": TrackingPlanSchema,
    segments: SegmentsSchema,
    rules: RulesSchema,
    intents: IntentsSchema,
    lexicon: LexiconSchema,
    calendar: CalendarSchema,
    tags: TagsSchema,
  };
}

/**
 * Contents of `config/schemas/` by file name: JSON Schema 2020-12 of the configuration files for
 * editors, and of the profile for those who ask for one; a reference for people.
 */
export function schemaFiles(specs: readonly OperatorSpec[]): Readonly<Record<string, string>> {
  const schemas = publishedSchemas(specs);
  const files = Object.entries(schemas).map(([name, schema]) => [
    `${name}.schema.json`,
    textOf(schema),
  ]);
  return {
    ...Object.fromEntries(files),
    "profile.schema.json": textOf(profileSchema(specs)),
    "README.md": reference(schemas as Readonly<Record<string, SchemaNode>>),
  };
}

const textOf = (schema: TSchema): string => {
  const published = { $schema: "https://json-schema.org/draft/2020-12/schema", ...schema };
  return `${JSON.stringify(published, null, 2)}\n`;
};
