import type { Msg, NatsConnection } from "nats";
import type { InRecord, RecordWriter } from "../nats/record-writer.ts";
import type { EventTime } from "../time/event-time.ts";
import type { Log } from "../watch/log.ts";
import { configAnswer, type InForce } from "./ask-config.ts";
import { answerExplain, type ExplainAsked, readExplain } from "./ask-explain.ts";
import { answerProfile } from "./ask-profile.ts";
import { answerRecommend, readSlot, type SlotAsked } from "./ask-recommend.ts";
import { BadRequest, requestBody } from "./ask-request.ts";
import { type Answered, readWhom, type Standpoint, type Whom } from "./asked.ts";
import type { OpenJob } from "./open-job.ts";

/** What the group of a person is asked; plain data, as it may go to another thread. */
export type Asked =
  | { readonly for: "recommend"; readonly asked: SlotAsked }
  | { readonly for: "profile"; readonly asked: Whom }
  | { readonly for: "explain"; readonly asked: ExplainAsked };

/** An answer as JSON with what enters the log before it is given, or why there is none. */
export type Told =
  | { readonly json: string; readonly record?: InRecord | undefined }
  | { readonly refused: string };

/** Answers from the groups that run here. */
export async function tell(where: Standpoint, question: Asked): Promise<Told> {
  try {
    const { answer, record } = await answerOf(where, question);
    return { json: JSON.stringify(answer), record };
  } catch (failure) {
    if (failure instanceof BadRequest) return { refused: failure.message };
    throw failure;
  }
}
function answerOf(where: Standpoint, question: Asked): Answered | Promise<Answered> {
  switch (question.for) {
    case "recommend":
      return answerRecommend(where, question.asked);
    case "profile":
      return { answer: answerProfile(where, question.asked) };
    case "explain":
      return { answer: answerExplain(where, question.asked) };
  }
}

interface AskOptions {
  readonly nc: NatsConnection;
  readonly records: RecordWriter;
  readonly open: OpenJob;
  /** Newest second of the log. */
  readonly second: () => EventTime;
  /** The part of the engine that has the person's group. */
  readonly ask: (question: Asked) => Promise<Told>;
  /** What each part has in force. */
  readonly inForce: () => Promise<readonly InForce[]>;
  readonly log: Log;
}

type Body = Readonly<Record<string, unknown>>;

/** What may be asked for over NATS request/reply, with an example of a request. */
const ASKS: Readonly<
  Record<
    string,
    { readonly example: string; answer(options: AskOptions, body: Body): Promise<Told> }
  >
> = {
  recommend: {
    example: '{"slot": "mp.home.first", "ids": [{"k": "unionid", "v": "…"}], "n": 3}',
    answer: async ({ open, second, ask }, body) =>
      ask({ for: "recommend", asked: readSlot(open, second(), body) }),
  },
  profile: {
    example: '{"ids": [{"k": "unionid", "v": "…"}]} or {"person": "p_…"}',
    answer: async ({ open, second, ask }, body) =>
      ask({ for: "profile", asked: readWhom(open.job, second(), body) }),
  },
  explain: {
    example: '{"person": "p_…", "of": "high_value_interest"} or {"rec_id": "r_…"}',
    answer: async ({ open, second, ask }, body) =>
      ask({ for: "explain", asked: readExplain(open.job, second(), body) }),
  },
  config: {
    example: "{}",
    answer: async ({ open, inForce }) => ({
      json: JSON.stringify(configAnswer(open, await inForce())),
    }),
  },
};

export function answerAsks(options: AskOptions): { unsubscribe(): void } {
  const { nc, open, records, log } = options;
  const subscriptions = Object.entries(ASKS).map(([name, { answer, example }]) =>
    nc.subscribe(`${open.config.job.prefix}.ask.${name}`, {
      queue: "freshet",
      callback: (error, message) => {
        if (error !== null) return;
        const told = async () => {
          const reply = await answer(options, requestBody(message));
          if ("json" in reply && reply.record !== undefined) await records.write(reply.record);
          return reply;
        };
        told().then(
          (reply) =>
            respond(message, "json" in reply ? reply.json : refusal(reply.refused, example)),
          (failure: unknown) => {
            const isTheirs = failure instanceof BadRequest;
            if (!isTheirs) log.error({ error: String(failure) }, "an ask failed");
            respond(message, isTheirs ? refusal(failure.message, example) : FAILED);
          },
        );
      },
    }),
  );
  return {
    unsubscribe: () => {
      for (const subscription of subscriptions) subscription.unsubscribe();
    },
  };
}

const refusal = (fact: string, example: string): string =>
  JSON.stringify({ error: { code: "BAD_REQUEST", fact, remedy: `Ask with ${example}.` } });
const FAILED = JSON.stringify({
  error: { code: "INTERNAL", fact: "the ask failed", remedy: "See the engine's log." },
});

function respond(message: Msg, json: string): void {
  message.respond(Buffer.from(json));
}
