import { knownOf, type Standpoint, type Whom } from "./asked.ts";

/** `ask.profile {ids}` or `{person}`: all that the operators know of a person, read from their states. */
export function answerProfile(where: Standpoint, whom: Whom): unknown {
  const { person, second, task, at } = knownOf(where, whom);
  if (person === undefined) return { person: null, ...at };
  return { person, ...at, ...task.profileOf(person, second) };
}
