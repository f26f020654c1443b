import type { ShopJob } from "../../operators/job.ts";
import type { Engine } from "../engine.ts";
import { groupNames, groupOfKey } from "../flow/job.ts";
import type { KeyedTask } from "../flow/keyed-task.ts";
import type { InRecord } from "../nats/record-writer.ts";
import type { Scoring } from "../score/seam.ts";
import { type EventTime, isoTime, MIN_TIME } from "../time/event-time.ts";
import { BadRequest } from "./ask-request.ts";
import type { OpenJob } from "./open-job.ts";

const PERSON = /^p_[0-9a-f]{16}$/;

/** Where a request is answered: the part of an engine that has the person's group. */
export interface Standpoint {
  readonly engine: Engine;
  readonly open: OpenJob;
  readonly scoring: Scoring;
}

/** What is answered, and what enters the log before it is. */
export interface Answered {
  readonly answer: unknown;
  readonly record?: InRecord;
}

/** Whom a request is about: plain data, as it may go to another thread. */
export interface Whom {
  /** Undefined when nobody is known by what was named. */
  readonly person: string | undefined;
  /** Newest second of the log as it was asked. */
  readonly second: EventTime;
}

/** Reads `{ids}` or `{person}` of a request. */
export function readWhom(
  { intake }: ShopJob,
  second: EventTime,
  { person: named, ids }: Readonly<Record<string, unknown>>,
): Whom {
  if (named !== undefined && (typeof named !== "string" || !PERSON.test(named)))
    throw new BadRequest("`person` is no pseudonym");
  if (named === undefined && ids === undefined) throw new BadRequest("nobody is asked for");
  return { person: named ?? intake.resolve(ids), second };
}

/** Name of the group that answers; of nobody's questions the first. */
export function groupOf({ job }: OpenJob, { person }: Whom): string {
  const name = person === undefined ? groupNames(job).shoppers[0] : groupOfKey(job, person);
  if (name === undefined) throw new Error("a job has no shopper group");
  return name;
}

/** The group's task, and the place of the log that it answers from. */
export interface Place {
  readonly task: KeyedTask;
  readonly at: {
    readonly group: string;
    readonly seq: number;
    readonly watermark: string | null;
  };
}

export function placeOf({ engine, open }: Standpoint, whom: Whom): Place {
  const wanted = groupOf(open, whom);
  const group = engine.job.shoppers.find(({ name }) => name === wanted);
  if (group === undefined) throw new Error(`${wanted} does not run here`);
  const { name, seq, task } = group;
  return { task, at: { group: name, seq, watermark: timeOrNull(task.watermark) } };
}

/** The person where the group knows them, and the moment with the place. */
export function knownOf(where: Standpoint, whom: Whom) {
  const { task, at } = placeOf(where, whom);
  const { person, second } = whom;
  return {
    person: person !== undefined && task.knows(person) ? person : undefined,
    second,
    task,
    at: { at: second === 0 ? null : isoTime(second), ...at },
  };
}

/** Null before the first second of the log. */
const timeOrNull = (at: EventTime): string | null => (at === MIN_TIME ? null : isoTime(at));
