import Type, { type TSchema } from "typebox";
import type { OperatorSpec } from "../flow/spec.ts";

const Time = Type.String({ format: "date-time" });

/** The document that `ask.profile` answers, with the sections of the operators given. */
export const profileSchema = (specs: readonly OperatorSpec[]): TSchema =>
  documentSchema(
    specs.map(({ profile }) => profile),
    {
      title: "A person's profile",
      description: "What `ask.profile` answers. Each section is there where its operator runs.",
    },
  );

/** The document that `ask.explain` answers, and what `freshet explain` prints of a past moment. */
export const explanationSchema = (specs: readonly OperatorSpec[]): TSchema =>
  documentSchema(
    specs.map(({ explains }) => explains),
    {
      title: "Why things are as they are for a person",
      description:
        "What `ask.explain` answers, and `freshet explain --json` prints. Each section is there where its operator runs.",
      $defs: Object.assign({}, ...specs.map(({ explainsBy }) => explainsBy ?? {})),
    },
    { retold: Type.Optional(Retold) },
  );

/** A decision made again from the log. */
const Retold = Type.Array(
  Type.Object(
    {
      id: Type.String(),
      subject: Type.String(),
      time: Time,
      data: Type.Object({}, { description: "The message." }),
      cause: Type.String({ description: "The event or timer that made it." }),
      stored: Type.Union([Time, Type.Null()], {
        description: "When the last record of the second in which it was caused was stored.",
      }),
      digest: Type.String({ description: "SHA-256 of subject, time and data." }),
      reproduced: Type.Union([Type.Boolean(), Type.Null()], {
        description:
          "Whether OUT holds the very same bytes; null where there was no OUT to look at.",
      }),
      differences: Type.Optional(Type.Array(Type.String())),
      made_of: Type.Array(
        Type.Object(
          { operator: Type.String(), of: Type.String() },
          {
            description: "What operators noted down of it: figures, candidates, objections, facts.",
          },
        ),
      ),
    },
    { additionalProperties: false },
  ),
  { description: "Decisions made again from the log and compared with what was published." },
);

function documentSchema(
  all: readonly (Readonly<Record<string, TSchema>> | undefined)[],
  about: Readonly<Record<string, unknown>>,
  more: Readonly<Record<string, TSchema>> = {},
): TSchema {
  const sections: Record<string, TSchema> = {};
  for (const of of all)
    for (const [name, section] of Object.entries(of ?? {})) sections[name] ??= section;
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
      ...more,
    },
    { ...about, additionalProperties: false },
  );
}
