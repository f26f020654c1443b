import Type, { type Static } from "typebox";
import { durationText, nameText } from "./texts.ts";

/** A definition under `$defs`, told once however often it is used. */
const ref = <T>(name: "Comparison" | "Filter" | "Matcher" | "Condition") =>
  Type.Unsafe<T>({ $ref: `#/$defs/${name}` });

const Scalar = Type.Union([Type.String({ maxLength: 256 }), Type.Number(), Type.Boolean()]);
/** A bound in the property's unit: a number, `15m` for one in ms, `90%` for a ratio. */
const Bound = Type.Union([Type.Number(), Type.String({ maxLength: 32 })], {
  description: "A number; for times also `15m`, for ratios also `90%`.",
});

const TestsDefinition = Type.Object(
  {
    in: Type.Optional(
      Type.Array(Scalar, { minItems: 1, maxItems: 1000, description: "Equal to one of these." }),
    ),
    any: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 256 }), {
        minItems: 1,
        maxItems: 1000,
        description: "The text contains one of these, upper and lower case alike.",
      }),
    ),
    prefix: Type.Optional(Type.String({ minLength: 1, description: "The text begins with this." })),
    gte: Type.Optional(Bound),
    gt: Type.Optional(Bound),
    lte: Type.Optional(Bound),
    lt: Type.Optional(Bound),
  },
  { additionalProperties: false, minProperties: 1 },
);

const WhereDefinition = Type.Record(
  Type.String({ pattern: "^([a-z]+\\.)?[a-z][a-z0-9_]*$" }),
  Type.Union([Scalar, ref<TestsSource>("Comparison")]),
  {
    additionalProperties: false,
    minProperties: 1,
    description:
      "Property → value or tests; all must hold. `sku.…`, `content.…` and `live.…` read the fact about the thing the event names, else the event's own property of that name.",
  },
);

const Where = ref<WhereSource>("Filter");

const EventType = Type.String({ maxLength: 128, description: "A type of the tracking plan." });

const MatcherDefinition = Type.Object(
  {
    event: Type.Union([EventType, Type.Array(EventType, { minItems: 1, uniqueItems: true })], {
      description: "The type of event, or a list of types.",
    }),
    where: Type.Optional(Where),
  },
  { additionalProperties: false },
);

const Matcher = ref<MatcherSource>("Matcher");

const MatcherRef = Type.Union([
  Type.String({ maxLength: 64, description: "A matcher's name under `let`." }),
  Matcher,
]);

const Within = durationText({
  description:
    "The closed window `[t − within, t]`, exact to the millisecond: 以内 includes its edge.",
});

const Count = Type.Object(
  {
    of: MatcherRef,
    within: Within,
    at_least: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 10_000, description: "以上: this many or more." }),
    ),
    more_than: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 9_999, description: "超过: more than this many." }),
    ),
    distinct: Type.Optional(
      Type.Enum(["event", "sku", "session"], {
        description: "Count every event (the default), different skus, or different sessions.",
      }),
    ),
    match: Type.Optional(Where),
  },
  { additionalProperties: false },
);

const None = Type.Object(
  { of: MatcherRef, within: Within, match: Type.Optional(Where) },
  { additionalProperties: false },
);

const When = ref<WhenSource>("Condition");
const Whens = Type.Array(When, { minItems: 1, maxItems: 32 });

const WhenDefinition = Type.Union([
  Type.Object({ all: Whens }, { additionalProperties: false, description: "All of these." }),
  Type.Object(
    { any: Whens },
    { additionalProperties: false, description: "At least one of these." },
  ),
  Type.Object({ not: When }, { additionalProperties: false, description: "Not this." }),
  Type.Object({ count: Count }, { additionalProperties: false, description: "Often enough." }),
  Type.Object({ none: None }, { additionalProperties: false, description: "Not once." }),
]);

const Segment = Type.Object(
  {
    id: nameText({ description: "Part of the subjects `segment.<id>.entered` and `.exited`." }),
    title: Type.Optional(Type.String({ maxLength: 128, description: "What people call it." })),
    about: Type.Optional(Type.String({ description: "Why it exists." })),
    goal: Type.Optional(
      Type.String({ maxLength: 64, description: "What it is for: conversion, churn …" }),
    ),
    when: When,
  },
  { additionalProperties: false },
);

export const SegmentsSchema = Type.Object(
  {
    version: Type.Literal(1),
    tz: Type.Optional(
      Type.String({ description: "IANA time zone; that of freshet.yaml when left out." }),
    ),
    let: Type.Optional(
      Type.Record(nameText(), Matcher, {
        additionalProperties: false,
        description: "Matchers by name; each is evaluated once per event.",
      }),
    ),
    segments: Type.Array(Segment, { maxItems: 1000, description: "In any order." }),
  },
  {
    additionalProperties: false,
    title: "Freshet segments",
    description: "Who belongs together, by what they did; left by the clock too.",
    $defs: {
      Condition: WhenDefinition,
      Matcher: MatcherDefinition,
      Filter: WhereDefinition,
      Comparison: TestsDefinition,
    },
  },
);

export type SegmentsSource = Static<typeof SegmentsSchema>;
export type MatcherSource = Static<typeof MatcherDefinition>;
export type MatcherRefSource = Static<typeof MatcherRef>;
export type WhereSource = Static<typeof WhereDefinition>;
export type TestsSource = Static<typeof TestsDefinition>;
export type CountSource = Static<typeof Count>;
export type NoneSource = Static<typeof None>;
export type WhenSource =
  | { readonly all: readonly WhenSource[] }
  | { readonly any: readonly WhenSource[] }
  | { readonly not: WhenSource }
  | { readonly count: CountSource }
  | { readonly none: NoneSource };
