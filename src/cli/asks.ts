import type { NatsConnection } from "nats";
import { type Msg, nuid, type Subscription } from "nats";
import { mayPersonalise } from "../../operators/shopper/contact/consent.ts";
import { readRecommendOptions } from "../../operators/shopper/recommend.ts";
import type { RuleState } from "../../operators/shopper/rule.ts";
import {
  type Answer,
  answerSlot,
  planServing,
  withPlacement,
} from "../../operators/shopper/serve.ts";
import type { Taste } from "../../operators/shopper/taste.ts";
import { hash128 } from "../codec/hash.ts";
import type { Engine } from "../engine.ts";
import { keyGroup } from "../flow/key-group.ts";
import type { Scoring } from "../score/seam.ts";
import { type EventTime, isoTime, MIN_TIME } from "../time/event-time.ts";
import type { Log } from "../watch/log.ts";
import type { OpenJob } from "./open-job.ts";

interface AskOptions {
  readonly nc: NatsConnection;
  readonly engine: Engine;
  readonly open: OpenJob;
  readonly scoring: Scoring;
  readonly log: Log;
}

interface SlotRequest {
  readonly slot: string;
  readonly n: number;
  readonly ids: unknown;
}

class BadRequest extends Error {}

const MOST_REQUEST_BYTES = 16_384;
const SLOT = /^[a-z0-9_-]+(\.[a-z0-9_-]+){0,7}$/;

/**
 * `ask.recommend {slot, ids, n}` over NATS request/reply: reads the person's state and the facts in
 * force and changes neither; what was served enters the log, acknowledged, before it is answered.
 */
export function answerAsks(options: AskOptions): Subscription {
  const { nc, open, log } = options;
  return nc.subscribe(`${open.config.job.prefix}.ask.recommend`, {
    queue: "freshet",
    callback: (error, message) => {
      if (error !== null) return;
      recommend(options, message)
        .then((answer) => respond(message, answer))
        .catch((failure: unknown) => {
          if (!(failure instanceof BadRequest))
            log.error({ error: String(failure) }, "an ask failed");
          respond(message, refusal(failure));
        });
    },
  });
}

async function recommend({ engine, open, scoring }: AskOptions, message: Msg): Promise<unknown> {
  const request = readRequest(message);
  const person = open.job.intake.resolve(request.ids);
  const groups = engine.job.shoppers;
  const group = groups[person === undefined ? 0 : keyGroup(person, groups.length)];
  if (group === undefined) throw new Error("a job has no shopper group");
  const { task } = group;
  const rules =
    person === undefined ? undefined : (task.stateOf("rule", person) as RuleState | undefined);
  const unsaid = open.config.job.collect.consent === "granted";
  const known = mayPersonalise(rules?.contact.consents, unsaid) ? person : undefined;
  const taste =
    known === undefined ? undefined : (task.stateOf("recommend", known) as Taste | undefined);
  const { shopper } = open.config.job.operators;
  const settings = readRecommendOptions(
    shopper.find(({ name }) => name === "recommend")?.options ?? {},
  );
  const now = engine.job.intake.second;
  const serving = planServing(taste, task.facts, request, now, settings);
  let answer: Answer;
  if ("answer" in serving) answer = serving.answer;
  else {
    const [scored] = await scoring.score([serving.request]);
    if (scored?.ok !== true) throw new Error(`scorer: ${scored?.error ?? "no answer"}`);
    answer = answerSlot(serving.candidates, scored.result, task.facts, request, settings.version);
  }
  const placed = known === undefined ? undefined : rules?.contact.placed[request.slot];
  const { keys, ...shown } = withPlacement(answer, placed, task.facts, request, now);
  const at = { group: group.name, seq: group.seq, watermark: timeOrNull(task.watermark) };
  if (person === undefined || keys.length === 0)
    return { rec_id: null, person: person ?? null, slot: request.slot, ...shown, ...at };
  const recId = `r_${person.slice(2)}_${hash128(`${person}\n${nuid.next()}`).slice(0, 12)}`;
  await engine.remember("in.event.mp.recommendation.served", recId, {
    id: recId,
    type: "recommendation.served",
    ts: now,
    props: { rec_id: recId, slot: request.slot, kind: shown.kind, items: keys },
  });
  return { rec_id: recId, person, slot: request.slot, ...shown, ...at };
}

/** Null before the first second of the log. */
const timeOrNull = (at: EventTime): string | null => (at === MIN_TIME ? null : isoTime(at));

function readRequest(message: Msg): SlotRequest {
  if (message.data.length > MOST_REQUEST_BYTES)
    throw new BadRequest(`more than ${MOST_REQUEST_BYTES} bytes`);
  let body: unknown;
  try {
    body = message.json();
  } catch {
    throw new BadRequest("the request is not JSON");
  }
  if (typeof body !== "object" || body === null)
    throw new BadRequest("the request is not an object");
  const { slot, n = 1, ids = [] } = body as Record<string, unknown>;
  if (typeof slot !== "string" || !SLOT.test(slot))
    throw new BadRequest("`slot` is no name such as mp.home.first");
  if (typeof n !== "number" || !Number.isInteger(n) || n < 1 || n > 50)
    throw new BadRequest("`n` is no whole number from 1 to 50");
  return { slot, n, ids };
}

function refusal(failure: unknown): unknown {
  if (failure instanceof BadRequest) {
    return {
      error: {
        code: "BAD_REQUEST",
        fact: failure.message,
        remedy: 'Ask with {"slot": "mp.home.first", "ids": [{"k": "unionid", "v": "…"}], "n": 3}.',
      },
    };
  }
  return { error: { code: "INTERNAL", fact: "the ask failed", remedy: "See the engine's log." } };
}

function respond(message: Msg, answer: unknown): void {
  message.respond(Buffer.from(JSON.stringify(answer)));
}
