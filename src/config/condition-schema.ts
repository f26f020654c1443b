import Type, { type Static, type TSchema } from "typebox";
import { durationText, nameText } from "./texts.ts";

type Name = "Comparison" | "Filter" | "Matcher" | "Condition" | "Trigger";

/** A definition under `$defs`, told once however often it is used. */
const ref = <T>(name: Name) => Type.Unsafe<T>({ $ref: `#/$defs/${name}` });

const closed = { additionalProperties: false } as const;

const Scalar = Type.Union([Type.String({ maxLength: 256 }), Type.Number(), Type.Boolean()]);
/** A bound in the property's unit: a number, `15m` for one in ms, `90%` for a ratio. */
const Amount = Type.Union([Type.Number(), Type.String({ maxLength: 32 })], {
  description: "A number; for times also `15m`, for ratios also `90%`.",
});
const Scalars = Type.Array(Scalar, { minItems: 1, maxItems: 1000 });
const Property = Type.String({
  pattern: "^[a-z][a-z0-9_]*$",
  patternErrorMessage: "the name of a property",
});

const TestsDefinition = Type.Object(
  {
    in: Type.Optional(
      Type.Union([Scalars, Type.String({ pattern: "^dict\\.[a-z][a-z0-9_-]*$" })], {
        description: "Equal to one of these, or of a list under `dict`: `dict.size`.",
      }),
    ),
    any: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 256 }), {
        minItems: 1,
        maxItems: 1000,
        description: "The text contains one of these, upper and lower case alike.",
      }),
    ),
    prefix: Type.Optional(Type.String({ minLength: 1, description: "The text begins with this." })),
    gte: Type.Optional(Amount),
    gt: Type.Optional(Amount),
    lte: Type.Optional(Amount),
    lt: Type.Optional(Amount),
  },
  { ...closed, minProperties: 1 },
);

const WhereDefinition = Type.Record(
  Type.String({ pattern: "^([a-z]+\\.)?[a-z][a-z0-9_]*$" }),
  Type.Union([Scalar, ref<TestsSource>("Comparison")]),
  {
    ...closed,
    minProperties: 1,
    description:
      "Property → value or tests; all must hold. `sku.…`, `content.…` and `live.…` read the fact about the thing the event names, else the event's own property of that name.",
  },
);

const Where = ref<WhereSource>("Filter");

const EventType = Type.String({ maxLength: 128, description: "A type of the tracking plan." });
const matcherKeys = {
  event: Type.Union([EventType, Type.Array(EventType, { minItems: 1, uniqueItems: true })], {
    description: "The type of event, or a list of types.",
  }),
  where: Type.Optional(Where),
};
const MatcherDefinition = Type.Object(matcherKeys, closed);

const MatcherRef = Type.Union([
  Type.String({ maxLength: 64, description: "A matcher's name under `let`." }),
  ref<MatcherSource>("Matcher"),
]);

const within = (description: string) => durationText({ description });
const Within = within(
  "The closed window `[t − within, t]`, exact to the millisecond: 以内 includes its edge.",
);
const Match = Type.Optional(Where);
const AtLeast = Type.Optional(
  Type.Integer({ minimum: 1, maximum: 10_000, description: "以上: this many or more." }),
);
const MoreThan = Type.Optional(
  Type.Integer({ minimum: 0, maximum: 9_999, description: "超过: more than this many." }),
);

const Count = Type.Object(
  {
    of: MatcherRef,
    within: Within,
    at_least: AtLeast,
    more_than: MoreThan,
    distinct: Type.Optional(Property),
    same: Type.Optional(Property),
    match: Match,
  },
  {
    ...closed,
    description:
      "Often enough. `distinct` counts every `event` (the default), different `session`s, or different values of a property such as `sku`; `same` counts those with one value of a property together.",
  },
);

const None = Type.Object(
  { of: MatcherRef, within: Within, match: Match },
  { ...closed, description: "Not once." },
);

const Sum = Type.Object(
  {
    of: MatcherRef,
    field: Property,
    at_least: Type.Optional(Amount),
    more_than: Type.Optional(Amount),
    within: Type.Optional(Within),
    per: Type.Optional(
      Type.Object(
        { latest: MatcherRef, key: Property },
        {
          ...closed,
          description: "Only what belongs to the latest of these events counts, by this property.",
        },
      ),
    ),
    match: Match,
  },
  { ...closed, description: "A property adds up to enough." },
);

const Run = Type.Object(
  {
    of: MatcherRef,
    among: MatcherRef,
    at_least: AtLeast,
    more_than: MoreThan,
    distinct: Type.Optional(Property),
    max_gap: Type.Optional(within("Longest time from one to the next.")),
    match: Match,
  },
  { ...closed, description: "So many in a row: an event of `among` that is none of `of` ends it." },
);

const Weights = Type.Record(
  nameText(),
  Type.Union([Type.Number(), Type.Object({ weight: Type.Number(), field: Property }, closed)]),
  {
    ...closed,
    minProperties: 1,
    maxProperties: 32,
    description:
      "Matcher's name under `let` → what a match adds, or `{weight, field}`: so much for each unit of the property.",
  },
);
const LimitSource = Type.Object(
  {
    distinct: Type.Optional(Property),
    max: Type.Optional(Type.Integer({ minimum: 1, maximum: 64 })),
    every: within("In any stretch of this length."),
  },
  {
    ...closed,
    description: "So many matches count (64 when left out), each value of `distinct` once.",
  },
);
const LimitedWeights = Type.Record(
  nameText(),
  Type.Union([
    Type.Number(),
    Type.Object(
      {
        weight: Type.Number(),
        field: Type.Optional(Property),
        limit: Type.Optional(LimitSource),
      },
      closed,
    ),
  ]),
  {
    ...closed,
    minProperties: 1,
    maxProperties: 32,
    description:
      "Matcher's name under `let` → what a match adds, or `{weight, field, limit}`: so much for each unit of the property, and how many count.",
  },
);
const HalfLife = Type.Optional(within("The score halves in this time; never when left out."));

const Decay = Type.Object(
  {
    add: Weights,
    match: Match,
    half_life: HalfLife,
    on_at: Type.Number({ exclusiveMinimum: 0 }),
    off_at: Type.Number({ exclusiveMinimum: 0 }),
    sources: Type.Optional(
      Type.Integer({
        minimum: 2,
        maximum: 8,
        description: "It comes on only by matches from so many touchpoints within two half-lives.",
      }),
    ),
  },
  {
    ...closed,
    description: "A fading score: on from `on_at` up, off when it falls below `off_at`.",
  },
);

const Rank = Type.Object(
  {
    of: Weights,
    match: Match,
    half_life: within("The score halves in this time."),
    per: Property,
    top: Type.Integer({ minimum: 1, maximum: 100 }),
    at_least: Type.Number({ exclusiveMinimum: 0 }),
  },
  {
    ...closed,
    description: "Is among the `top` of the group, by a fading score of at least so much.",
  },
);

const Owns = Type.Object(
  { of: Type.Optional(MatcherRef), age_over: within("More than this long ago.") },
  { ...closed, description: "Received (`order.received` when `of` is left out) so long ago." },
);

const Standing = Type.String({ minLength: 1, maxLength: 64 });

const when = <T extends TSchema>(key: string, schema: T, description?: string) =>
  Type.Object(
    { [key]: schema },
    { ...closed, ...(description === undefined ? {} : { description }) },
  );

/** Level conditions without parts. */
const LEVELS = [
  when("count", Count),
  when("none", None),
  when("sum", Sum),
  when("run", Run),
  when("decay", Decay),
  when("owns", Owns),
  when("rank", Rank),
  when("in", Standing, "Is in the segment of this id."),
  when("intent", Standing, "Is after this now."),
  when("life", Standing, "Is at this stage now."),
  when("scene", Standing, "Is in this scene now."),
  when("tag", Standing, "Has this tag."),
  when("affinity", Standing, "Prefers this touchpoint."),
];
const most = { minItems: 1, maxItems: 32 };
const Condition = ref<WhenSource>("Condition");
const Trigger = ref<TriggerSource>("Trigger");

const WhenDefinition = Type.Union([
  when("all", Type.Array(Condition, most), "All of these."),
  when("any", Type.Array(Condition, most), "At least one of these."),
  when("not", Condition, "Not this."),
  ...LEVELS,
]);

const Same = Type.Array(Property, { minItems: 1, maxItems: 4, uniqueItems: true });
const CancelSource = Type.Object(
  {
    event: Type.Optional(matcherKeys.event),
    where: matcherKeys.where,
    of: Type.Optional(Type.String({ maxLength: 64, description: "A matcher's name under `let`." })),
    match: Type.Optional(Same),
  },
  { ...closed, description: "A matcher; `match`: of the same properties as what it cancels." },
);

const Absent = Type.Object(
  {
    after: MatcherRef,
    key: Type.Optional(
      Type.Array(Property, {
        minItems: 1,
        maxItems: 4,
        uniqueItems: true,
        description: "What keeps the waiting apart: `[pid, sku]`; `pid` is the person.",
      }),
    ),
    within: within("How long to wait; what comes at its very end still counts."),
    of: Type.Array(CancelSource, { minItems: 1, maxItems: 16 }),
    restart: Type.Optional(
      Type.Enum(["keep", "latest"], {
        description: "A second `after` while waiting: keep the first (the default), or wait anew.",
      }),
    ),
  },
  { ...closed, description: "None of these came in time." },
);

const SequenceStep = Type.Object(
  {
    as: Type.Optional(nameText({ description: "What its event is called: `$live.sku`." })),
    event: Type.Optional(matcherKeys.event),
    where: matcherKeys.where,
    of: Type.Optional(Type.String({ maxLength: 64, description: "A matcher's name under `let`." })),
    next: Type.Optional(MatcherRef),
    within: Type.Optional(within("Longest time since the step before.")),
  },
  closed,
);

const Score = Type.Object(
  {
    of: LimitedWeights,
    half_life: HalfLife,
    tiers: Type.Optional(
      Type.Record(nameText(), Type.Number({ exclusiveMinimum: 0 }), {
        ...closed,
        minProperties: 1,
        maxProperties: 16,
        description: "Tier → score from which on it is reached.",
      }),
    ),
  },
  {
    ...closed,
    description:
      "The score came into another tier: `$tier`. Without tiers, whatever changes it: `$points`, `$score`.",
  },
);

const TriggerDefinition = Type.Union([
  when("all", Type.Array(Trigger, most), "When the one moment comes, while all others are true."),
  when("any", Type.Array(Trigger, most), "When any of these comes."),
  when("not", Condition, "Not this."),
  ...LEVELS,
  Type.Object(matcherKeys, { ...closed, description: "An event comes." }),
  when("of", Type.String({ maxLength: 64 }), "An event comes: a matcher's name under `let`."),
  when("absent", Absent),
  when(
    "sequence",
    Type.Array(SequenceStep, { minItems: 2, maxItems: 8 }),
    "One after another, each used up by the next.",
  ),
  Type.Object(
    {
      after: MatcherRef,
      delay: Type.String({
        pattern: "^([0-9]{1,7}(ms|s|m|h|d|w)|sku\\.[a-z][a-z0-9_]*)$",
        patternErrorMessage:
          "a length of time such as 90d, or a field such as sku.consumable_cycle",
      }),
      repeat: Type.Optional(Type.Boolean({ description: "Again after the same time, and again." })),
      until: Type.Optional(CancelSource),
    },
    { ...closed, description: "So long after an event, once for each sku." },
  ),
  when("score", Score),
]);

/** Goes under `$defs` of a schema that uses level conditions. */
export const CONDITION_DEFS = {
  Condition: WhenDefinition,
  Matcher: MatcherDefinition,
  Filter: WhereDefinition,
  Comparison: TestsDefinition,
};
/** Goes under `$defs` of a schema that uses triggers too. */
export const TRIGGER_DEFS = { ...CONDITION_DEFS, Trigger: TriggerDefinition };

/** The keys of a file that name things for its conditions. */
export const namedKeys = {
  tz: Type.Optional(
    Type.String({ description: "IANA time zone; that of freshet.yaml when left out." }),
  ),
  let: Type.Optional(
    Type.Record(nameText(), ref<MatcherSource>("Matcher"), {
      ...closed,
      description: "Matchers by name; each is evaluated once per event.",
    }),
  ),
  dict: Type.Optional(
    Type.Record(nameText(), Scalars, {
      ...closed,
      description: "Lists of values by name, for `in: dict.…`.",
    }),
  ),
};
/** Places in a schema where a condition stands. */
export { Condition as ConditionRef, MatcherRef, Trigger as TriggerRef };

export type MatcherSource = Static<typeof MatcherDefinition>;
export type MatcherRefSource = Static<typeof MatcherRef>;
export type WhereSource = Static<typeof WhereDefinition>;
export type TestsSource = Static<typeof TestsDefinition>;
export type WeightsSource = Static<typeof Weights> | Static<typeof LimitedWeights>;
export type LimitSource = Static<typeof LimitSource>;
export type CancelSource = Static<typeof CancelSource>;
export type SequenceStepSource = Static<typeof SequenceStep>;

interface Levels {
  readonly count: Static<typeof Count>;
  readonly none: Static<typeof None>;
  readonly sum: Static<typeof Sum>;
  readonly run: Static<typeof Run>;
  readonly decay: Static<typeof Decay>;
  readonly owns: Static<typeof Owns>;
  readonly rank: Static<typeof Rank>;
  readonly in: string;
  readonly intent: string;
  readonly life: string;
  readonly scene: string;
  readonly tag: string;
  readonly affinity: string;
}
/** Exactly one of the keys. */
export type LevelSource = Partial<Levels>;
export interface WhenSource extends LevelSource {
  readonly all?: readonly WhenSource[];
  readonly any?: readonly WhenSource[];
  readonly not?: WhenSource;
}
export interface TriggerSource extends LevelSource {
  readonly all?: readonly TriggerSource[];
  readonly any?: readonly TriggerSource[];
  readonly not?: WhenSource;
  readonly event?: MatcherSource["event"];
  readonly where?: WhereSource;
  readonly of?: string;
  readonly absent?: Static<typeof Absent>;
  readonly sequence?: readonly SequenceStepSource[];
  readonly after?: MatcherRefSource;
  readonly delay?: string;
  readonly repeat?: boolean;
  readonly until?: CancelSource;
  readonly score?: Static<typeof Score>;
}
