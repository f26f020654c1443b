import type { Msg } from "nats";
import type { Engine } from "../engine.ts";
import { requestBody } from "./ask-request.ts";
import { askedPerson } from "./asked-person.ts";
import type { OpenJob } from "./open-job.ts";

/** `ask.profile {ids}` or `{person}`: all that the operators know of a person, read from their states. */
export function answerProfile(engine: Engine, { job }: OpenJob, message: Msg): unknown {
  const { person, second, task, at } = askedPerson(engine, job, requestBody(message));
  if (person === undefined) return { person: null, ...at };
  return { person, ...at, ...task.profileOf(person, second) };
}
