import type { ShopJob } from "../../operators/job.ts";
import type { Engine } from "../engine.ts";
import { keyGroup } from "../flow/key-group.ts";
import type { KeyedTask } from "../flow/keyed-task.ts";
import { type EventTime, isoTime, MIN_TIME } from "../time/event-time.ts";
import { BadRequest } from "./ask-request.ts";

const PERSON = /^p_[0-9a-f]{16}$/;

/** Whom a request is about, where that is known, and the place of the log that it is answered from. */
interface AskedPerson {
  /** Undefined when nobody is known by what was named. */
  readonly person: string | undefined;
  readonly task: KeyedTask;
  readonly second: EventTime;
  readonly at: {
    readonly at: string | null;
    readonly group: string;
    readonly seq: number;
    readonly watermark: string | null;
  };
}

/** Reads `{ids}` or `{person}` of a request. */
export function askedPerson(
  engine: Engine,
  job: ShopJob,
  { person: named, ids }: Readonly<Record<string, unknown>>,
): AskedPerson {
  if (named !== undefined && (typeof named !== "string" || !PERSON.test(named)))
    throw new BadRequest("`person` is no pseudonym");
  if (named === undefined && ids === undefined) throw new BadRequest("nobody is asked for");
  const person = named ?? job.intake.resolve(ids);
  const groups = engine.job.shoppers;
  const group = groups[person === undefined ? 0 : keyGroup(person, groups.length)];
  if (group === undefined) throw new Error("a job has no shopper group");
  const { task } = group;
  const { second } = engine.job.intake;
  return {
    person: person !== undefined && task.knows(person) ? person : undefined,
    task,
    second,
    at: {
      at: second === 0 ? null : isoTime(second),
      group: group.name,
      seq: group.seq,
      watermark: task.watermark === MIN_TIME ? null : isoTime(task.watermark),
    },
  };
}
