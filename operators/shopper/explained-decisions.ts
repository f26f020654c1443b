import Type, { type TSchema } from "typebox";
import { EvidenceSchema } from "./condition/explained-schema.ts";

/** JSON Schema of what is said of messages: what restrains them, what was decided, what there is. */

const Time = Type.String({ format: "date-time" });
const orNull = (schema: TSchema) => Type.Union([schema, Type.Null()]);
const closed = (properties: Readonly<Record<string, TSchema>>, description?: string) =>
  Type.Object(properties, {
    additionalProperties: false,
    ...(description === undefined ? {} : { description }),
  });
const Until = (name: string) => Type.Array(closed({ [name]: Type.String(), until: Time }));

export const ExplainedContact = closed(
  {
    marketing: Type.Boolean({ description: "The person agrees to it." }),
    minor: Type.Boolean(),
    held_out: Type.Boolean(),
    channels: Type.Array(
      closed({
        channel: Type.String(),
        left: Type.Boolean(),
        quiet_until: Type.Optional(Time),
        open: Type.Boolean({ description: "Its quota lets marketing through." }),
        quota: Type.Record(Type.String(), Type.String()),
      }),
    ),
    caps: Type.Array(
      closed({
        used: Type.Integer(),
        max: Type.Integer(),
        every: Type.String(),
        rule: Type.Optional(Type.String()),
        channel: Type.Optional(Type.String()),
      }),
      { description: "Caps of which something is used." },
    ),
    backed_off: Type.Boolean(),
    muted: Until("name"),
    once: Until("key"),
    waiting: Until("rule"),
    placed: Type.Array(
      closed({
        slot: Type.String(),
        sku: Type.String(),
        rule: Type.String(),
        rec_id: Type.String(),
        until: Time,
      }),
    ),
  },
  "What restrains messages to the person now, and what waits.",
);

export const ExplainedDecisions = Type.Array(
  closed({
    at: Time,
    outcome: Type.Enum(["sent", "done", "held", "suppressed"]),
    suppressed_by: Type.Optional(Type.String()),
    rec_id: orNull(Type.String()),
    rule: Type.String(),
    version: orNull(Type.String()),
    variant: orNull(Type.String()),
    class: Type.String(),
    true_at: Time,
    model_version: orNull(Type.String()),
    reason: closed({ code: Type.String(), zh: Type.String(), evidence: EvidenceSchema }),
    channel: orNull(Type.String()),
    kind: orNull(Type.String()),
    slot: orNull(Type.String()),
    sku: orNull(Type.String()),
    score: Type.Number(),
    sellable: orNull(Type.Number()),
  }),
  { description: "The last that were made, oldest first." },
);

export const ExplainedRecommender = closed(
  {
    model: Type.String(),
    min_score: Type.Number(),
    not_before: Type.Optional(Time),
    candidates: Type.Array(
      closed({
        kind: Type.String(),
        key: Type.String(),
        channel: Type.String(),
        reason: Type.String(),
        because: orNull(Type.String()),
        score: Type.Number(),
        left_out: orNull(Type.String()),
        sellable: orNull(Type.Number()),
        adds: Type.Record(Type.String(), Type.Number(), {
          description: "Log-odds that each feature adds.",
        }),
      }),
    ),
    more: Type.Integer({ description: "Candidates that are not shown." }),
    kept_back: Until("key"),
    facts: Type.Array(
      closed({ kind: Type.String(), key: Type.String(), version: orNull(Type.String()) }),
      {
        description: "Facts and learned knowledge that were looked at, by a hash of their content.",
      },
    ),
  },
  "What the recommender would choose from now.",
);
