import type { NatsConnection } from "nats";
import { type Msg, nuid } from "nats";
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
import type { Engine } from "../engine.ts";
import { keyGroup } from "../flow/key-group.ts";
import type { Scoring } from "../score/seam.ts";
import { type EventTime, isoTime, MIN_TIME } from "../time/event-time.ts";
import type { Log } from "../watch/log.ts";
import { answerConfig } from "./ask-config.ts";
import { answerExplain } from "./ask-explain.ts";
import { answerProfile } from "./ask-profile.ts";
import { BadRequest, requestBody } from "./ask-request.ts";
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

const SLOT = /^[a-z0-9_-]+(\.[a-z0-9_-]+){0,7}$/;

/** What may be asked for over NATS request/reply, with an example of a request. */
const ASKS: Readonly<
  Record<string, { readonly example: string; answer(options: AskOptions, message: Msg): unknown }>
> = {
  recommend: {
    example: '{"slot": "mp.home.first", "ids": [{"k": "unionid", "v": "…"}], "n": 3}',
    answer: recommend,
  },
  profile: {
    example: '{"ids": [{"k": "unionid", "v": "…"}]} or {"person": "p_…"}',
    answer: ({ engine, open }, message) => answerProfile(engine, open, message),
  },
  explain: {
    example: '{"person": "p_…", "of": "high_value_interest"} or {"rec_id": "r_…"}',
    answer: ({ engine, open }, message) => answerExplain(engine, open, message),
  },
  config: { example: "{}", answer: ({ engine, open }) => answerConfig(engine, open) },
};

export function answerAsks(options: AskOptions): { unsubscribe(): void } {
  const { nc, open, log } = options;
  const subscriptions = Object.entries(ASKS).map(([name, { answer, example }]) =>
    nc.subscribe(`${open.config.job.prefix}.ask.${name}`, {
      queue: "freshet",
      callback: (error, message) => {
        if (error !== null) return;
        const reply = async () => respond(message, await answer(options, message));
        reply().catch((failure: unknown) => {
          if (!(failure instanceof BadRequest))
            log.error({ error: String(failure) }, "an ask failed");
          respond(message, refusal(failure, example));
        });
      },
    }),
  );
  return {
    unsubscribe: () => {
      for (const subscription of subscriptions) subscription.unsubscribe();
    },
  };
}

/**
 * `ask.recommend {slot, ids, n}`: reads the person's state and the facts in force and changes
 * neither; what was served enters the log, acknowledged, before it is answered.
 */
async function recommend({ engine, open, scoring }: AskOptions, message: Msg): Promise<unknown> {
  const request = readRequest(message);
  const { shopper } = open.config.job.operators;
  const settings = readRecommendOptions(
    shopper.find(({ name }) => name === "recommend")?.options ?? {},
  );
  if (!fills(settings, request.slot)) {
    const filled = settings.slots.join(", ");
    throw new BadRequest(`\`${request.slot}\` is none of the slots that are filled: ${filled}`);
  }
  const person = open.job.intake.resolve(request.ids);
  const groups = engine.job.shoppers;
  const group = groups[person === undefined ? 0 : keyGroup(person, groups.length)];
  if (group === undefined) throw new Error("a job has no shopper group");
  const { task } = group;
  const rules =
    person === undefined ? undefined : (task.stateOf("rule", person) as RuleState | undefined);
  const unsaid = open.config.job.collect.consent === "granted";
  const said = person === undefined ? undefined : task.stateOf("person", person);
  const known = mayPersonalise((said as PersonState | undefined)?.consents, unsaid)
    ? person
    : undefined;
  const taste =
    known === undefined ? undefined : (task.stateOf("recommend", known) as Taste | undefined);
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
  const { slot, n = 1, ids = [] } = requestBody(message);
  if (typeof slot !== "string" || !SLOT.test(slot))
    throw new BadRequest("`slot` is no name such as mp.home.first");
  if (typeof n !== "number" || !Number.isInteger(n) || n < 1 || n > 50)
    throw new BadRequest("`n` is no whole number from 1 to 50");
  return { slot, n, ids };
}

function refusal(failure: unknown, example: string): unknown {
  if (failure instanceof BadRequest) {
    return {
      error: {
        code: "BAD_REQUEST",
        fact: failure.message,
        remedy: `Ask with ${example}.`,
      },
    };
  }
  return { error: { code: "INTERNAL", fact: "the ask failed", remedy: "See the engine's log." } };
}

function respond(message: Msg, answer: unknown): void {
  message.respond(Buffer.from(JSON.stringify(answer)));
}
