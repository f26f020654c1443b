import Type, { type Static } from "typebox";
import { durationText, HoursText, nameText } from "./texts.ts";

const PropName = "^(?!constructor$|prototype$)[a-z][a-z0-9_]{0,63}$";
const EventName = "^[a-z][a-z0-9_]*(\\.[a-z][a-z0-9_]*){0,3}$";

const About = Type.Optional(Type.String({ description: "What it means, for people." }));

/** A type of property. */
const PropType = Type.Object(
  {
    is: Type.Enum(
      ["string", "integer", "number", "boolean", "enum", "strings", "lines", "scalar"],
      {
        description:
          "`strings` is a list of texts, `lines` a list of {sku, qty, price_minor}, `scalar` a text, a number or a boolean.",
      },
    ),
    about: About,
    unit: Type.Optional(
      Type.Enum(["ms", "minor", "ratio", "count"], {
        description:
          "`ms`: milliseconds. `minor`: money in minor units (分) of the event's `currency`. `ratio`: 0 to 1. `count`: pieces.",
      }),
    ),
    values: Type.Optional(
      Type.Array(Type.String(), { minItems: 1, uniqueItems: true, description: "Of an enum." }),
    ),
    max_length: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 65_536,
        description: "Characters of a text; 256 when left out.",
      }),
    ),
    max_items: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 1000, description: "Of a list; 100 when left out." }),
    ),
    min: Type.Optional(Type.Number({ description: "Smallest number allowed." })),
    max: Type.Optional(Type.Number({ description: "Largest number allowed." })),
    coerce: Type.Optional(
      Type.Boolean({
        description: 'Accept `"3"` for a number and 3 for a text; otherwise that is refused.',
      }),
    ),
  },
  { additionalProperties: false },
);

/** Property name → name of a type under `types`. */
const Props = (description: string) =>
  Type.Record(Type.String({ pattern: PropName }), Type.String(), {
    additionalProperties: false,
    description,
  });

const EventPlan = Type.Object(
  {
    about: About,
    required: Type.Optional(Props("Properties without which the event is refused.")),
    optional: Type.Optional(Props("Properties it may carry; any other is stripped and counted.")),
    one_of: Type.Optional(
      Type.Array(Type.Array(Type.String(), { minItems: 2, maxItems: 8 }), {
        maxItems: 8,
        description: "Of each list of optional properties, at least one must be there.",
      }),
    ),
    touchpoints: Type.Optional(
      Type.Array(Type.String(), {
        minItems: 1,
        uniqueItems: true,
        description: "Where alone it may happen; anywhere when left out.",
      }),
    ),
  },
  { additionalProperties: false },
);

/** Where events come from. */
const Touchpoint = Type.Object(
  {
    title: Type.String({ description: "What it is, for people." }),
    owner: Type.Optional(Type.String({ description: "Whom an alarm is for." })),
    silent_after: Type.Optional(
      durationText({ description: "An alarm goes out when nothing has come of it for so long." }),
    ),
    active: Type.Optional(
      Type.Array(HoursText, {
        minItems: 1,
        maxItems: 8,
        description: "Local hours in which silence counts; at any hour when left out.",
      }),
    ),
    expects: Type.Optional(
      Type.Record(Type.String({ pattern: EventName }), durationText(), {
        additionalProperties: false,
        description: "Types of events that come of it, each with the silence that is alarming.",
      }),
    ),
  },
  { additionalProperties: false },
);

const Codes = (description: string) =>
  Type.Record(
    Type.String({ pattern: "^[a-z][a-z0-9_]*(\\.[a-z0-9_]+)*$" }),
    Type.Array(Type.Integer({ minimum: 1000, maximum: 9999 }), { minItems: 1, uniqueItems: true }),
    { additionalProperties: false, description },
  );

export const TrackingPlanSchema = Type.Object(
  {
    version: Type.Literal(1),
    currency: Type.String({
      pattern: "^[A-Z]{3}$",
      patternErrorMessage: "an ISO 4217 code such as CNY",
      description: "Of money whose event does not say.",
    }),
    touchpoints: Type.Record(nameText(), Type.Union([Type.String(), Touchpoint]), {
      additionalProperties: false,
      description: "Where events come from: name → meaning, or the entry of the registry.",
    }),
    scenes: Type.Optional(
      Type.Object(
        {
          entries: Type.Optional(
            Codes(
              "Where somebody came from → WeChat's scene codes; it becomes the property `entry_source`.",
            ),
          ),
          flags: Type.Optional(
            Codes("Why it is nobody's behaviour → scene codes; such events go no further."),
          ),
        },
        { additionalProperties: false, description: "Scene codes of mini programs." },
      ),
    ),
    elements: Type.Optional(
      Type.Record(Type.String({ maxLength: 128 }), Type.String({ pattern: EventName }), {
        additionalProperties: false,
        description:
          "Element of a page → the type of event that `element.clicked` on it stands for.",
      }),
    ),
    types: Type.Record(Type.String({ pattern: PropName }), PropType, {
      additionalProperties: false,
      description: "Types of properties, by name.",
    }),
    common: Props("Properties that every event may carry."),
    facts: Type.Record(
      Type.Enum(["sku", "content", "live"]),
      Type.Record(Type.String({ pattern: PropName }), Type.String(), {
        additionalProperties: false,
      }),
      {
        description:
          "Fields of facts that conditions may read as `sku.line`, `content.category`, `live.kind`.",
      },
    ),
    events: Type.Record(Type.String({ pattern: EventName }), EventPlan, {
      additionalProperties: false,
      minProperties: 1,
      description: "Every type of event, `object.action`.",
    }),
  },
  {
    additionalProperties: false,
    title: "Freshet tracking plan",
    description: "Which events may enter, with which properties, of which types and units.",
  },
);

export type TrackingPlanSource = Static<typeof TrackingPlanSchema>;
export type PropTypeSource = Static<typeof PropType>;
export type TouchpointSource = Static<typeof Touchpoint>;
export type EventPlanSource = Static<typeof EventPlan>;
