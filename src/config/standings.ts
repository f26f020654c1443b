import type { Standing, Topic, Trigger, When } from "./condition-ast.ts";

/** What a condition asks that another operator has to tell, in the order it asks. */
export type Asked = Pick<Standing, "topic" | "value">;

/** Everything that a condition asks of where a person stands. */
export function asked(when: When): readonly Asked[] {
  switch (when.op) {
    case "all":
    case "any":
      return when.of.flatMap(asked);
    case "not":
      return asked(when.of);
    case "standing":
      return [when];
    case "rank":
      return [{ topic: "rank", value: when.per }];
    default:
      return [];
  }
}

/** The same of what a rule waits for. */
export function askedBy(trigger: Trigger): readonly Asked[] {
  switch (trigger.op) {
    case "any":
      return trigger.of.flatMap(askedBy);
    case "becomes":
      return asked(trigger.when);
    case "guard":
      return [...askedBy(trigger.trigger), ...asked(trigger.when)];
    default:
      return [];
  }
}

/** Each topic once. */
export const topicsOf = (all: readonly Asked[]): readonly Topic[] => [
  ...new Set(all.map(({ topic }) => topic)),
];
