import type { Msg } from "nats";
import type { Engine } from "../engine.ts";
import { keyGroup } from "../flow/key-group.ts";
import { type EventTime, isoTime, MIN_TIME } from "../time/event-time.ts";
import { BadRequest, requestBody } from "./ask-request.ts";
import type { OpenJob } from "./open-job.ts";

const PERSON = /^p_[0-9a-f]{16}$/;

/** `ask.profile {ids}` or `{person}`: all that the operators know of a person, read from their states. */
export function answerProfile(engine: Engine, { job }: OpenJob, message: Msg): unknown {
  const { person: named, ids } = requestBody(message);
  if (named !== undefined && (typeof named !== "string" || !PERSON.test(named)))
    throw new BadRequest("`person` is no pseudonym");
  if (named === undefined && ids === undefined) throw new BadRequest("nobody is asked for");
  const person = named ?? job.intake.resolve(ids);
  const groups = engine.job.shoppers;
  const group = groups[person === undefined ? 0 : keyGroup(person, groups.length)];
  if (group === undefined) throw new Error("a job has no shopper group");
  const { task } = group;
  const second = engine.job.intake.second;
  const at = {
    at: second === 0 ? null : isoTime(second),
    group: group.name,
    seq: group.seq,
    watermark: timeOrNull(task.watermark),
  };
  if (person === undefined || !task.knows(person)) return { person: null, ...at };
  return { person, ...at, ...task.profileOf(person, second) };
}

/** Null before the first second of the log. */
const timeOrNull = (at: EventTime): string | null => (at === MIN_TIME ? null : isoTime(at));
