import Type, { type Static } from "typebox";
import { CONDITION_DEFS, ConditionRef, MatcherRef, namedKeys } from "./condition-schema.ts";
import { testsKey } from "./definition-test.ts";
import { GOALS } from "./segment-ast.ts";
import { durationText, nameText } from "./texts.ts";

const Leave = Type.Object(
  {
    after: durationText({ description: "So long after the entry, and after the last `unless`." }),
    unless: MatcherRef,
  },
  {
    additionalProperties: false,
    description: "When it is left; as soon as `when` is false, else.",
  },
);

const Segment = Type.Object(
  {
    id: nameText({ description: "Part of the subjects `segment.<id>.entered` and `.exited`." }),
    title: Type.Optional(Type.String({ maxLength: 128, description: "What people call it." })),
    about: Type.Optional(Type.String({ description: "Why it exists." })),
    goal: Type.Optional(
      Type.Enum([...GOALS], { description: "What it is for: says which KPI is kept of it." }),
    ),
    when: ConditionRef,
    leave: Type.Optional(Leave),
    ...testsKey,
  },
  { additionalProperties: false },
);

export const SegmentsSchema = Type.Object(
  {
    version: Type.Literal(1),
    ...namedKeys,
    segments: Type.Array(Segment, { maxItems: 1000, description: "In any order." }),
  },
  {
    additionalProperties: false,
    title: "Freshet segments",
    description: "Who belongs together, by what they did; left by the clock too.",
    $defs: CONDITION_DEFS,
  },
);

export type SegmentsSource = Static<typeof SegmentsSchema>;
