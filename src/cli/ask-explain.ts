import type { ShopJob } from "../../operators/job.ts";
import type { EventTime } from "../time/event-time.ts";
import { BadRequest } from "./ask-request.ts";
import { knownOf, readWhom, type Standpoint, type Whom } from "./asked.ts";

const REC = /^r_([0-9a-f]{16})_[0-9a-f]{12}$/;
/** An answer that is longer would not go through a broker as it is shipped. */
const MOST_ANSWER_BYTES = 900_000;

/** The person whose recommendation has this id; undefined where it is no such id. */
export const personOfRec = (rec: string): string | undefined => {
  const digits = REC.exec(rec)?.[1];
  return digits === undefined ? undefined : `p_${digits}`;
};

/** Of whom an explanation is wanted, and of what. */
export interface ExplainAsked extends Whom {
  /** A definition; of a `rec` that decision and its rule. */
  readonly of?: string;
  readonly rec?: string;
}

/** Reads the body of an `ask.explain`. */
export function readExplain(
  job: ShopJob,
  second: EventTime,
  { rec_id: rec, of, ...whom }: Readonly<Record<string, unknown>>,
): ExplainAsked {
  if (of !== undefined && typeof of !== "string")
    throw new BadRequest("`of` is no id of a segment, tag or rule");
  if (rec === undefined)
    return { ...readWhom(job, second, whom), ...(of === undefined ? {} : { of }) };
  const person = typeof rec === "string" ? personOfRec(rec) : undefined;
  if (typeof rec !== "string" || person === undefined)
    throw new BadRequest("`rec_id` is no id of a recommendation");
  return { person, second, rec };
}

/**
 * `ask.explain {ids}`, `{person}` or `{rec_id}`: how every definition stands for a person, what
 * restrains messages to them and what was decided lately, read from the states.
 */
export function answerExplain(where: Standpoint, asked: ExplainAsked): unknown {
  const { person, second, task, at } = knownOf(where, asked);
  if (person === undefined) return { person: null, ...at };
  const { of, rec } = asked;
  const sections = task.explanationOf(person, second);
  if (rec === undefined)
    return bounded({ person, ...at, ...(of === undefined ? sections : onlyOf(sections, of)) });
  const { rules, decisions } = sections;
  const decision = listOf(decisions).find(({ rec_id: id }) => id === rec);
  if (decision === undefined) return { person: null, ...at };
  const rule = listOf(rules).filter(({ rule: id }) => id === decision["rule"]);
  return { person, ...at, rules: rule, decisions: [decision] };
}

type Entry = Readonly<Record<string, unknown>>;
const listOf = (section: unknown): readonly Entry[] =>
  Array.isArray(section) ? (section as readonly Entry[]) : [];

/** Of lists about definitions, what is about one of them. */
export function onlyOf(sections: Entry, id: string): Entry {
  const isAbout = ({ segment, rule }: Entry) => (segment ?? rule) === id;
  return Object.fromEntries(
    Object.entries(sections).map(([name, section]) => [
      name,
      Array.isArray(section) ? listOf(section).filter(isAbout) : section,
    ]),
  );
}

function bounded(answer: Entry): Entry {
  if (Buffer.byteLength(JSON.stringify(answer)) <= MOST_ANSWER_BYTES) return answer;
  throw new BadRequest(
    `there is more to say than ${MOST_ANSWER_BYTES} bytes: name one definition in \`of\``,
  );
}
