import Type, { type Static } from "typebox";
import { MatcherRef, namedKeys, TRIGGER_DEFS, TriggerRef } from "./condition-schema.ts";
import { testsKey } from "./definition-test.ts";
import { CHANNELS, CLASSES, KINDS } from "./rule-ast.ts";
import { durationText, nameText, percentText, timeOfDayText } from "./texts.ts";

const closed = { additionalProperties: false } as const;

const Channel = Type.Enum([...CHANNELS]);
const Channels = Type.Array(Channel, { minItems: 1, uniqueItems: true });
const ChannelChoice = Type.Union([Channel, Channels], {
  description: "Where it goes; of a list, the first that has quota left.",
});
const Ref = (description: string) =>
  Type.String({
    minLength: 1,
    maxLength: 128,
    description: `${description}, or \`$trigger.sku\`.`,
  });
const Value = Type.String({
  minLength: 1,
  maxLength: 256,
  description: "What it gives the person, in words: 这为他提供了什么价值.",
});
const Worth = Type.Number({
  default: 0.5,
  minimum: 0,
  maximum: 1,
  description: "Worth to the person, 0 to 1: decides which of several messages goes.",
});
const ContentSource = Type.Union([
  Ref("Id of a content"),
  Type.Object(
    { type: Type.String({ minLength: 1, maxLength: 64 }), about: Ref("Sku it is about") },
    { ...closed, description: "A content of this type about a thing, by its fact." },
  ),
]);
const Service = Type.String({ minLength: 1, maxLength: 64 });

const Recommend = Type.Object(
  {
    kind: Type.Optional(Type.Enum([...KINDS], { description: "By what it holds when left out." })),
    channel: Type.Optional(ChannelChoice),
    offer: Type.Optional(Type.String({ minLength: 1, maxLength: 64, description: "coupon …" })),
    service: Type.Optional(Service),
    sku: Type.Optional(Ref("The sku")),
    content: Type.Optional(ContentSource),
    from: Type.Optional(
      Type.String({
        pattern: "^compatible\\(\\$[a-z][a-z0-9_]*(\\.[a-z][a-z0-9_]*)?\\)$",
        patternErrorMessage: "goods such as compatible($trigger.sku)",
      }),
    ),
    in_stock: Type.Optional(
      Type.Boolean({
        default: true,
        description: "Nothing sold out. Unknown stock counts as there.",
      }),
    ),
    stock_over: Type.Optional(
      Type.Integer({ minimum: 0, description: "Only while more pieces than this can be sold." }),
    ),
    max_minor: Type.Optional(
      Type.Integer({
        minimum: 0,
        description: "Worth of the offer in minor units, the same for all.",
      }),
    ),
    valid: Type.Optional(durationText({ description: "How long the offer holds once sent." })),
    value: Type.Optional(Value),
    score: Type.Optional(Worth),
  },
  { ...closed, minProperties: 1 },
);
const Place = Type.Object(
  {
    slot: Type.String({
      pattern: "^[a-z0-9_-]+(\\.[a-z0-9_-]+){1,7}$",
      patternErrorMessage: "a slot such as mp.home.first, its channel first",
    }),
    sku: Ref("The sku"),
    ttl: Type.Optional(
      Type.Union([Type.Literal("session"), durationText()], {
        description: "How long it waits to be asked for; `session` when left out.",
      }),
    ),
    value: Type.Optional(Value),
    score: Type.Optional(Worth),
  },
  closed,
);
const Reply = Type.Object({ channel: Channel, content: Ref("Id of a content") }, closed);
const Book = Type.Object(
  {
    service: Service,
    channel: Type.Optional(ChannelChoice),
    sku: Type.Optional(Ref("The sku, that of the trigger when left out")),
  },
  closed,
);
const TagName = nameText({ description: "Part of the subjects `tag.<tag>.on` and `.off`." });
const Tag = Type.Union([
  TagName,
  Type.Object(
    {
      tag: TagName,
      channel: Type.Optional(Channel),
      off: Type.Optional(Type.Boolean({ description: "Takes the tag away." })),
    },
    closed,
  ),
]);
const Amount = Type.Union([Type.Number(), Ref("How many: `$points`, `$score`")]);
const Crm = Type.Union([
  Type.Object({ benefit: Ref("The benefit") }, closed),
  Type.Object({ points: Amount }, { ...closed, description: "Points gained or lost." }),
  Type.Object({ ltv: Amount }, { ...closed, description: "Lifetime value, in minor units." }),
]);

const ActionDefinition = Type.Union([
  Type.Object({ recommend: Recommend }, { ...closed, description: "Send something." }),
  Type.Object({ place: Place }, { ...closed, description: "Show first in a slot, once." }),
  Type.Object({ reply: Reply }, { ...closed, description: "Answer with a content." }),
  Type.Object({ book: Book }, { ...closed, description: "Offer to book a service." }),
  Type.Object({ tag: Tag }, { ...closed, description: "Set or take a tag." }),
  Type.Object(
    { crm: Crm },
    { ...closed, description: "Tell the CRM a benefit, points, a lifetime value." },
  ),
]);
const Action = Type.Unsafe<ActionSource>({ $ref: "#/$defs/Action" });
const Actions = Type.Array(Action, { minItems: 1, maxItems: 16 });

const ChoiceDefinition = Type.Union([
  Action,
  Type.Object({ any_of: Actions }, { ...closed, description: "The one worth most that may." }),
  Type.Object({ first_of: Actions }, { ...closed, description: "The first that may." }),
]);
const Choice = Type.Unsafe<ChoiceSource>({ $ref: "#/$defs/Choice" });
const Then = Type.Union([Choice, Type.Array(Choice, { minItems: 1, maxItems: 8 })], {
  description: "What to do; all of a list.",
});

const Variant = Type.Object(
  {
    id: nameText(),
    share: percentText({ description: "Of the people; all add up to 100%." }),
    // biome-ignore lint/suspicious/noThenProperty: a key of the file; nothing awaits a schema.
    then: Then,
  },
  closed,
);

const Rule = Type.Object(
  {
    id: nameText({ description: "Told with every message as `rule`." }),
    title: Type.Optional(Type.String({ maxLength: 128, description: "The reason in words." })),
    about: Type.Optional(Type.String({ description: "Why it exists." })),
    when: TriggerRef,
    // biome-ignore lint/suspicious/noThenProperty: a key of the file; nothing awaits a schema.
    then: Type.Optional(Then),
    variants: Type.Optional(
      Type.Array(Variant, {
        minItems: 2,
        maxItems: 8,
        description: "A/B: instead of `then`, one by hash of the person.",
      }),
    ),
    class: Type.Optional(
      Type.Enum([...CLASSES], {
        default: "marketing",
        description: "`service` is exempt from caps, never from consent, quota and quiet hours.",
      }),
    ),
    value: Type.Optional(Value),
    recheck: Type.Optional(
      Type.Enum(["at_send", "never"], {
        default: "at_send",
        description: "Judge again when a message that was held is about to go.",
      }),
    ),
    once: Type.Optional(
      Type.Object(
        {
          per: Type.Optional(
            Type.Union([Type.String(), Type.Array(Type.String(), { minItems: 1, maxItems: 4 })], {
              description: "`pid`, or the person and properties of the trigger: `[pid, sku]`.",
            }),
          ),
          every: durationText({ description: "At most once in this time." }),
        },
        closed,
      ),
    ),
    within: Type.Optional(durationText({ description: "Too late to act after this time." })),
    grace: Type.Optional(
      durationText({ description: "A step down of a `score` counts only after so long." }),
    ),
    rollout: Type.Optional(percentText({ description: "Of the people, by hash; 100% left out." })),
    hold_out: Type.Optional(
      percentText({ description: "Of those, who only get a `suppressed.holdout`." }),
    ),
    enabled: Type.Optional(Type.Boolean({ default: true })),
    ...testsKey,
  },
  closed,
);

const Every = Type.Union([Type.Enum(["day", "week", "month"]), durationText()], {
  description: "A local calendar day, week or month; or any stretch of this length: 24h.",
});
const Max = Type.Integer({ minimum: 0, maximum: 10_000 });

const Quiet = Type.Object(
  {
    from: timeOfDayText({ description: "Local time of day, quiet from here." }),
    to: timeOfDayText({ description: "No longer quiet." }),
    channels: Type.Optional(Channels),
    classes: Type.Optional(Type.Array(Type.Enum([...CLASSES]), { minItems: 1 })),
    do: Type.Optional(
      Type.Enum(["hold", "drop"], {
        default: "hold",
        description: "Hold until the quiet hours are over, or drop.",
      }),
    ),
  },
  closed,
);
const PerWord = Type.Enum(["pid", "channel", "rule"]);
const Cap = Type.Object(
  {
    per: Type.Optional(
      Type.Union([PerWord, Type.Array(PerWord, { minItems: 1, maxItems: 3 })], {
        description: "Counted for each person (`pid`, always), channel, rule.",
      }),
    ),
    max: Max,
    every: Every,
    channels: Type.Optional(Channels),
    rules: Type.Optional(Type.Array(nameText(), { minItems: 1, maxItems: 200 })),
  },
  closed,
);
const Backoff = Type.Object(
  {
    ignored: Type.Integer({ minimum: 1, maximum: 32, description: "So many in a row." }),
    after: Type.Optional(durationText({ default: "24h", description: "No answer until then." })),
    interval: Type.Optional(durationText({ default: "1d", description: "What grows." })),
    factor: Type.Number({ minimum: 1, maximum: 100 }),
    most: Type.Optional(durationText({ default: "30d", description: "Longest interval." })),
  },
  closed,
);
const Grant = Type.Object(
  {
    of: MatcherRef,
    max: Type.Optional(Max),
    within: Type.Optional(durationText({ description: "For so long; for ever when left out." })),
    adds: Type.Optional(
      Type.Boolean({
        description: "Each adds `max`; otherwise what is left is set to the larger.",
      }),
    ),
    revokes: Type.Optional(Type.Boolean({ description: "Takes back what is left." })),
  },
  closed,
);
const Way = Type.Object(
  {
    id: nameText(),
    classes: Type.Optional(
      Type.Array(Type.Enum([...CLASSES]), {
        minItems: 1,
        description: "What may go; all, left out.",
      }),
    ),
    limits: Type.Optional(
      Type.Array(Type.Object({ max: Max, every: Every }, closed), { minItems: 1, maxItems: 4 }),
    ),
    grants: Type.Optional(Type.Array(Grant, { minItems: 1, maxItems: 8 })),
  },
  { ...closed, description: "A way that the platform allows; all its limits hold." },
);

const Contact = Type.Object(
  {
    currency: Type.Optional(
      Type.String({ default: "CNY", pattern: "^[A-Z]{3}$", description: "Of `max_minor`." }),
    ),
    pages: Type.Optional(
      Type.Array(Channel, {
        default: ["mp", "channels"],
        description: "Channels that show on a page the person has open: they interrupt nobody.",
      }),
    ),
    min_score: Type.Optional(Type.Number({ default: 0, minimum: 0, maximum: 1 })),
    stale_after: Type.Optional(
      durationText({ default: "24h", description: "What came true longer ago is not sent." }),
    ),
    hold_out: Type.Optional(
      percentText({ default: "0%", description: "Of all people, who never get marketing." }),
    ),
    quiet: Type.Optional(Type.Array(Quiet, { default: [], maxItems: 8 })),
    caps: Type.Optional(Type.Array(Cap, { default: [], maxItems: 32 })),
    backoff: Type.Optional(Backoff),
    cool_down: Type.Optional(
      Type.Object(
        {
          closed: Type.Optional(
            durationText({ default: "7d", description: "For the rule whose message was closed." }),
          ),
          blocked: Type.Optional(
            durationText({ default: "30d", description: "For the channel that was blocked." }),
          ),
        },
        { ...closed, default: {} },
      ),
    ),
    breaker: Type.Optional(
      Type.Object(
        {
          blocks: percentText({ description: "Of the messages sent." }),
          least: Type.Integer({ minimum: 1, description: "Not judged on fewer messages." }),
          half_life: Type.Optional(durationText({ default: "7d", description: "Of the counts." })),
        },
        closed,
      ),
    ),
    quotas: Type.Optional(
      Type.Object(
        Object.fromEntries(
          CHANNELS.map((channel) => [
            channel,
            Type.Optional(Type.Array(Way, { minItems: 1, maxItems: 4 })),
          ]),
        ),
        { ...closed, description: "By channel, the ways to send; none: no quota." },
      ),
    ),
  },
  { ...closed, default: {}, description: "One policy over all rules and recommendations." },
);

export const RulesSchema = Type.Object(
  {
    version: Type.Literal(1),
    ...namedKeys,
    rules: Type.Array(Rule, { maxItems: 1000, description: "In any order." }),
    contact: Type.Optional(Contact),
  },
  {
    ...closed,
    title: "Freshet rules",
    description: "If this, then that; and how much a person may be asked to bear.",
    $defs: { ...TRIGGER_DEFS, Action: ActionDefinition, Choice: ChoiceDefinition },
  },
);

export type RulesSource = Static<typeof RulesSchema>;
export type RuleSource = Static<typeof Rule>;
export type ThenSource = Static<typeof Then>;
export type ContactSource = Static<typeof Contact>;
export type WaySource = Static<typeof Way>;
export type PeriodSource = Static<typeof Every>;
export type RecommendSource = Static<typeof Recommend>;
export interface ActionSource {
  readonly recommend?: RecommendSource;
  readonly place?: Static<typeof Place>;
  readonly reply?: Static<typeof Reply>;
  readonly book?: Static<typeof Book>;
  readonly tag?: Static<typeof Tag>;
  readonly crm?: Static<typeof Crm>;
}
export interface ChoiceSource extends ActionSource {
  readonly any_of?: readonly ActionSource[];
  readonly first_of?: readonly ActionSource[];
}
