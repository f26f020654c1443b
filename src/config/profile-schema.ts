import Type, { type TSchema } from "typebox";
import type { OperatorSpec } from "../flow/spec.ts";

const Time = Type.String({ format: "date-time" });

/** The document that `ask.profile` answers, with the sections of the operators given. */
export function profileSchema(specs: readonly OperatorSpec[]): TSchema {
  const sections: Record<string, TSchema> = {};
  for (const { profile } of specs)
    for (const [name, section] of Object.entries(profile ?? {})) sections[name] ??= section;
  const optional = Object.entries(sections).map(([name, section]) => [
    name,
    Type.Optional(section),
  ]);
  return Type.Object(
    {
      person: Type.Union([Type.String({ pattern: "^p_[0-9a-f]{16}$" }), Type.Null()], {
        description: "Pseudonym; null when nobody is known by what was asked for.",
      }),
      at: Type.Union([Time, Type.Null()], { description: "Event time as of which this is told." }),
      group: Type.String({ description: "The key group that answers." }),
      seq: Type.Integer({ minimum: 0, description: "What it has read of its log." }),
      watermark: Type.Union([Time, Type.Null()]),
      ...(Object.fromEntries(optional) as Record<string, TSchema>),
    },
    {
      title: "A person's profile",
      description: "What `ask.profile` answers. Each section is there where its operator runs.",
      additionalProperties: false,
    },
  );
}
