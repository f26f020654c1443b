import type { Random } from "../../operators/simulated-shop/random.ts";
import type { SimBroker, StoredMessage } from "./broker.ts";
import { PREFIX } from "./sim-engine.ts";
import type { TrafficMessage } from "./traffic.ts";

const ANSWERS = ["delivered", "exposed", "clicked", "ignored", "closed", "purchased"] as const;
/** Recommendations that somebody may still answer, and outputs among which they are looked for. */
const REMEMBERED = 12;
const LOOKED_THROUGH = 480;

/** People who are recommended something, and now and then say what they think of it. */
export class Audience {
  readonly #broker: SimBroker;
  readonly #random: Random;
  #answers = 0;
  /** Of the output stream. */
  #listened = 0;
  #remembered: StoredMessage[] = [];

  constructor(broker: SimBroker, random: Random) {
    this.#broker = broker;
    this.#random = random;
  }

  /** An answer to one of the last recommendations, if there are any. */
  answer(now: number): Omit<TrafficMessage, "at"> | undefined {
    const heard = this.#heard();
    if (heard.length === 0) return undefined;
    const text = Buffer.from(this.#random.pick(heard)?.data ?? []).toString();
    const { rec_id } = JSON.parse(text) as { readonly rec_id: string };
    const kind = this.#random.pick(ANSWERS);
    this.#answers += 1;
    const id = `answer-${this.#answers}`;
    const body = JSON.stringify({
      id,
      ts: Math.floor(now),
      rec_id,
      item: `s${this.#random.below(4)}`,
    });
    return { subject: `in.feedback.${kind}`, body, msgId: id };
  }
  /** The last recommendations, oldest first. */
  #heard(): readonly StoredMessage[] {
    const { messages } = this.#broker.stream(`${PREFIX.toUpperCase()}_OUT`);
    for (; this.#listened < messages.length; this.#listened += 1) {
      const message = messages[this.#listened];
      if (message?.subject.startsWith(`${PREFIX}.recommendation.`)) this.#remembered.push(message);
    }
    const oldest = messages.length - LOOKED_THROUGH;
    this.#remembered = this.#remembered.slice(-REMEMBERED).filter(({ seq }) => seq > oldest);
    return this.#remembered;
  }
}
