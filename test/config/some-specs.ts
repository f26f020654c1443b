import Type from "typebox";
import { durationText } from "../../src/config/texts.ts";
import type { OperatorSpec } from "../../src/flow/spec.ts";

function spec(
  name: string,
  flow: OperatorSpec["flow"],
  from: readonly string[],
  properties: Parameters<typeof Type.Object>[0] = {},
): OperatorSpec {
  return {
    name,
    flow,
    from,
    summary: `The ${name} operator.`,
    options: Type.Object(properties, { additionalProperties: false }),
    make() {
      throw new Error("only its configuration is looked at here");
    },
  };
}

/** Operators whose options have every shape that configuration must handle. */
export const SOME_SPECS: readonly OperatorSpec[] = [
  spec("session", "shopper", ["events"], {
    gap: Type.String({ default: "30m", description: "Silence that ends a session." }),
  }),
  spec("intent", "shopper", ["session"], {
    half_life: durationText({ default: "10m" }),
    min_probability: Type.Number({ default: 0.5, minimum: 0, maximum: 1 }),
    mode: Type.Enum(["fast", "exact"], { default: "exact" }),
  }),
  spec("segment", "shopper", ["events"]),
  spec("heat", "demand", ["events"], {
    windows: Type.Array(durationText(), { default: ["5m"], minItems: 1 }),
  }),
  spec("restock", "demand", ["heat"], { budget_minor: Type.Integer({ minimum: 0 }) }),
];
