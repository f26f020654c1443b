import type { Matcher, Trigger } from "./condition-ast.ts";

/** What an event of a trigger is called, and which events it may be; none: nothing is known of it. */
export type Bindings = ReadonlyMap<string, readonly string[] | undefined>;

/** Properties that a moment carries although no event names them. */
export const SAID: Readonly<Record<string, readonly string[]>> = {
  intent: ["sku", "category"],
};

/** The names under which `$name.property` finds something when the trigger fires. */
export function bindingsOf(trigger: Trigger): Bindings {
  switch (trigger.op) {
    case "event":
      return new Map([["trigger", eventsOf(trigger.of)]]);
    case "absent":
    case "after":
      return new Map([["trigger", eventsOf(trigger.after)]]);
    case "sequence": {
      const steps = trigger.steps.map(({ as, of }) => [as, eventsOf(of)] as const);
      const last = trigger.steps.at(-1);
      return new Map([...steps, ["trigger", last === undefined ? [] : eventsOf(last.of)]]);
    }
    case "score":
    case "becomes":
      return new Map([
        ["trigger", undefined],
        ["intent", undefined],
      ]);
    case "guard":
      return new Map([...bindingsOf(trigger.trigger), ["intent", undefined]]);
    case "any":
      return joined(trigger.of.map(bindingsOf));
  }
}

const eventsOf = ({ events }: Matcher): readonly string[] => events;

/** Of several triggers any may fire. */
function joined(all: readonly Bindings[]): Bindings {
  const names = new Map<string, readonly string[] | undefined>();
  for (const bindings of all) {
    for (const [name, events] of bindings) {
      const known = names.get(name) ?? [];
      names.set(name, events === undefined ? undefined : [...known, ...events]);
    }
  }
  return names;
}
