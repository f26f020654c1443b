import Type, { type TSchema } from "typebox";

/** JSON Schema of `explained.ts`: parts that name each other are defined once, under `$defs`. */

const Time = Type.String({ format: "date-time" });
const optional = (properties: Readonly<Record<string, TSchema>>): Record<string, TSchema> =>
  Object.fromEntries(
    Object.entries(properties).map(([name, schema]) => [name, Type.Optional(schema)]),
  );

export const EvidenceSchema = Type.Array(
  Type.Object(
    { event: Type.String(), id: Type.String(), time: Time },
    { additionalProperties: false },
  ),
  { description: "Events that count, oldest first, by the ids that trackers gave them." },
);

const READING = optional({
  what: Type.String({ description: "The events it looks for." }),
  within_ms: Type.Integer({ minimum: 0 }),
  field: Type.String({ description: "The property that is summed." }),
  have: Type.Number({
    description:
      "Counted, summed or scored now: exact below `need`, from there on at least so much.",
  }),
  need: Type.Number(),
  more_than: Type.Literal(true, { description: "`need` itself is not enough." }),
  lacking: Type.Object(
    {
      amount: Type.Number(),
      by: Type.Optional(
        Type.String({ format: "date-time", description: "Until then exactly that is enough." }),
      ),
    },
    { additionalProperties: false },
  ),
  distinct: Type.String({ description: "Different values of this count, not events." }),
  values: Type.Array(Type.String()),
  same: Type.String({ description: "All that counts has one value of this in common." }),
  group: Type.String({ description: "The value of which there is most." }),
  off_below: Type.Number(),
  sources: Type.Array(Type.String()),
  sources_needed: Type.Integer(),
  thing: Type.String({ description: "The latest thing, which the sum is of." }),
  topic: Type.String(),
  value: Type.String(),
  evidence: EvidenceSchema,
});

const When = Type.Object(
  {
    op: Type.String({
      description: "all, any, not, count, none, sum, run, decay, owns, segment …",
    }),
    holds: Type.Boolean(),
    ...optional({
      since: Time,
      until: Type.String({ format: "date-time", description: "It turns then if nothing comes." }),
      of: Type.Array(Type.Ref("#/$defs/when")),
    }),
    ...READING,
  },
  { additionalProperties: false },
);

const Waiting = Type.Object(
  {
    partition: Type.String({ description: "Values of the key that keeps it apart." }),
    ...optional({ due: Time, step: Type.String(), next_by: Time, tier: Type.String() }),
    ...READING,
  },
  { additionalProperties: false },
);

const Trigger = Type.Object(
  {
    op: Type.String({ description: "event, absent, sequence, after, score, becomes, guard, any" }),
    ...optional({
      next: Type.String({ format: "date-time", description: "It fires then if nothing comes." }),
      waiting: Type.Array(Waiting),
      cancelled_by: Type.Array(
        Type.Object({ id: Type.String(), time: Time }, { additionalProperties: false }),
      ),
      when: Type.Ref("#/$defs/when"),
      of: Type.Array(Type.Ref("#/$defs/trigger")),
    }),
    ...READING,
  },
  { additionalProperties: false },
);

/** What the sections below refer to; whoever puts them into a document defines it there. */
export const EXPLAINED_DEFS: Readonly<Record<string, TSchema>> = { when: When, trigger: Trigger };

export const ExplainedSegments = Type.Array(
  Type.Object(
    {
      segment: Type.String(),
      version: Type.String({ description: "Of the definition's content." }),
      member: Type.Boolean({ description: "As was told last." }),
      when: Type.Ref("#/$defs/when"),
      told: Type.Array(
        Type.Object(
          { at: Time, member: Type.Boolean(), id: Type.String() },
          { additionalProperties: false },
        ),
        { description: "Turns that were told and may still be corrected, oldest first." },
      ),
      ...optional({
        title: Type.String(),
        since: Time,
        until: Type.String({
          format: "date-time",
          description: "Membership ends, or begins, then if nothing comes.",
        }),
        leave: Type.Ref("#/$defs/when"),
      }),
    },
    { additionalProperties: false },
  ),
);

export const ExplainedRules = Type.Array(
  Type.Object(
    {
      rule: Type.String(),
      version: Type.String({ description: "Of the rule's content." }),
      class: Type.String(),
      in_force: Type.Boolean(),
      held_out: Type.Boolean(),
      variant: Type.Union([Type.String(), Type.Null()]),
      fired: Type.Array(
        Type.Object({ at: Time, of: Type.String() }, { additionalProperties: false }),
      ),
      ...optional({ title: Type.String(), when: Type.Ref("#/$defs/trigger") }),
    },
    { additionalProperties: false },
  ),
);
