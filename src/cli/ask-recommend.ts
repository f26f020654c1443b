import { nuid } from "nats";
import { mayPersonalise } from "../../operators/consent.ts";
import type { PersonState } from "../../operators/shopper/person.ts";
import { readRecommendOptions } from "../../operators/shopper/recommend.ts";
import type { RuleState } from "../../operators/shopper/rule.ts";
import {
  type Answer,
  answerSlot,
  fills,
  planServing,
  withPlacement,
} from "../../operators/shopper/serve.ts";
import type { Taste } from "../../operators/shopper/taste.ts";
import { hash128 } from "../codec/hash.ts";
import type { EventTime } from "../time/event-time.ts";
import { BadRequest } from "./ask-request.ts";
import { type Answered, placeOf, type Standpoint, type Whom } from "./asked.ts";
import type { OpenJob } from "./open-job.ts";

/** So many things for a slot, for whom. */
export interface SlotAsked extends Whom {
  readonly slot: string;
  readonly n: number;
}

const SLOT = /^[a-z0-9_-]+(\.[a-z0-9_-]+){0,7}$/;

const settingsOf = ({ config }: OpenJob) =>
  readRecommendOptions(
    config.job.operators.shopper.find(({ name }) => name === "recommend")?.options ?? {},
  );

/** Reads the body of an `ask.recommend`. */
export function readSlot(
  open: OpenJob,
  second: EventTime,
  { slot, n = 1, ids = [] }: Readonly<Record<string, unknown>>,
): SlotAsked {
  if (typeof slot !== "string" || !SLOT.test(slot))
    throw new BadRequest("`slot` is no name such as mp.home.first");
  if (typeof n !== "number" || !Number.isInteger(n) || n < 1 || n > 50)
    throw new BadRequest("`n` is no whole number from 1 to 50");
  const settings = settingsOf(open);
  if (!fills(settings, slot)) {
    const filled = settings.slots.join(", ");
    throw new BadRequest(`\`${slot}\` is none of the slots that are filled: ${filled}`);
  }
  return { slot, n, person: open.job.intake.resolve(ids), second };
}

/**
 * `ask.recommend {slot, ids, n}`: reads the person's state and the facts in force and changes
 * neither; what was served is to enter the log before it is answered.
 */
export async function answerRecommend(where: Standpoint, asked: SlotAsked): Promise<Answered> {
  const { open, scoring } = where;
  const { person, slot, second: now } = asked;
  const { task, at } = placeOf(where, asked);
  const settings = settingsOf(open);
  const rules =
    person === undefined ? undefined : (task.stateOf("rule", person) as RuleState | undefined);
  const unsaid = open.config.job.collect.consent === "granted";
  const said = person === undefined ? undefined : task.stateOf("person", person);
  const known = mayPersonalise((said as PersonState | undefined)?.consents, unsaid)
    ? person
    : undefined;
  const taste =
    known === undefined ? undefined : (task.stateOf("recommend", known) as Taste | undefined);
  const serving = planServing(taste, task.facts, asked, now, settings);
  let answer: Answer;
  if ("answer" in serving) answer = serving.answer;
  else {
    const [scored] = await scoring.score([serving.request]);
    if (scored?.ok !== true) throw new Error(`scorer: ${scored?.error ?? "no answer"}`);
    answer = answerSlot(serving.candidates, scored.result, task.facts, asked, settings.version);
  }
  const placed = known === undefined ? undefined : rules?.contact.placed[slot];
  const { keys, ...shown } = withPlacement(answer, placed, task.facts, asked, now);
  if (person === undefined || keys.length === 0)
    return { answer: { rec_id: null, person: person ?? null, slot, ...shown, ...at } };
  const recId = `r_${person.slice(2)}_${hash128(`${person}\n${nuid.next()}`).slice(0, 12)}`;
  const served = {
    id: recId,
    type: "recommendation.served",
    ts: now,
    props: { rec_id: recId, slot, kind: shown.kind, items: keys },
  };
  return {
    answer: { rec_id: recId, person, slot, ...shown, ...at },
    record: { subject: "in.event.mp.recommendation.served", id: recId, body: served },
  };
}
