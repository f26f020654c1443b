import { setTimeout as sleep } from "node:timers/promises";
import { createInbox, headers, type NatsConnection } from "nats";
import { eventId, sourceOf } from "../operators/collect/event-id.ts";
import type { ShopMessage } from "../operators/simulated-shop/message.ts";
import type { EventTime } from "../src/time/event-time.ts";
import { type Latencies, latenciesOf, randomBelow } from "./harness.ts";

/** Events, and asks beside them, at rates a second that do not wait for anybody. */
export interface Pace {
  readonly rate: number;
  readonly seconds: number;
  readonly asks?: { readonly of: Asked; readonly rate: number } | undefined;
  /** How long it listens behind the last one. */
  readonly listenMs: number;
}

/** Milliseconds are those from the moment at which the cause was meant to be sent. */
export interface Paced {
  /** When the first event was meant to be sent, by the clock. */
  readonly begunAt: number;
  /** When the last event had been sent, by the clock. */
  readonly endedAt: number;
  /** Events a second that were sent, and how late at the worst but for one in a hundred. */
  readonly rate: number;
  readonly lateMs: number;
  /** Recommendations that an event of this pace led to. */
  readonly recommendations: Latencies;
  /** What was recommended at a time of its own, or for an earlier event. */
  readonly others: number;
  /** Asks; one without an answer counts with the time that it was waited for. */
  readonly asks: (Latencies & { readonly rate: number; readonly unanswered: number }) | undefined;
}

/** Requests by what is asked, about somebody by whose identifiers they are known. */
const ASKS = {
  recommend: (ids: unknown) => ({ slot: "mp.home.first", ids, n: 3 }),
  profile: (ids: unknown) => ({ ids }),
} as const;

export type Asked = keyof typeof ASKS;

type Told = Pick<ShopMessage, "subject" | "body">;

interface Due {
  readonly atMs: number;
  readonly subject: string;
  readonly body: string;
}

const WAKE_MS = 1;

/**
 * Sends everything at its intended moment or as soon after it as it can, whatever became of what it
 * sent before, and measures from the intended moments: what waits because others were slow, waits.
 * Log time goes with the clock while it sends and stands still in between.
 */
export class OpenLoop {
  readonly #trackers: NatsConnection;
  readonly #pages: NatsConnection;
  readonly #prefix: string;
  readonly #events: readonly Told[];
  readonly #below = randomBelow(5);
  #sent = 0;
  #logTime: EventTime;

  /** Who asks has a connection of its own, as a page's server does: on the trackers' it would wait behind their events. */
  constructor(
    { trackers, pages }: { trackers: NatsConnection; pages: NatsConnection },
    prefix: string,
    events: readonly Told[],
    start: EventTime,
  ) {
    this.#trackers = trackers;
    this.#pages = pages;
    this.#prefix = prefix;
    this.#events = events;
    this.#logTime = start;
  }

  async run({ rate, seconds, asks, listenMs }: Pace): Promise<Paced> {
    const questions = asks === undefined ? [] : this.#dueAsks(asks.of, asks.rate, seconds);
    const { due, intended } = this.#dueEvents(rate, seconds);
    const inbox = createInbox();
    const recommended: number[] = [];
    const answered = new Map<number, number>();
    const lateness: number[] = [];
    let others = 0;
    let begun = 0;
    const listening = [
      this.#trackers.subscribe(`${this.#prefix}.recommendation.>`, {
        callback: (_, message) => {
          const now = performance.now() - begun;
          const cause = message.headers?.get("ce-causationid") ?? "";
          const from = intended.get(cause.slice(0, CAUSE_DIGITS));
          if (from === undefined) others += 1;
          else recommended.push(now - from);
        },
      }),
      this.#pages.subscribe(`${inbox}.*`, {
        callback: (_, message) => {
          answered.set(Number(message.subject.slice(inbox.length + 1)), performance.now() - begun);
        },
      }),
    ];
    await Promise.all([this.#trackers.flush(), this.#pages.flush()]);
    const json = headers();
    json.set("Content-Type", "application/json");
    begun = performance.now();
    let asked = 0;
    for (let sent = 0; sent < due.length || asked < questions.length; ) {
      const now = performance.now() - begun;
      for (; sent < due.length; sent += 1) {
        const { atMs, subject, body } = due[sent] as Due;
        if (atMs > now) break;
        lateness.push(now - atMs);
        this.#trackers.publish(subject, body, { headers: json });
      }
      for (; asked < questions.length; asked += 1) {
        const { atMs, subject, body } = questions[asked] as Due;
        if (atMs > now) break;
        this.#pages.publish(subject, body, { reply: `${inbox}.${asked}` });
      }
      await sleep(WAKE_MS);
    }
    const endedAt = performance.timeOrigin + performance.now();
    const took = performance.now() - begun;
    this.#trackers.publish(`${this.#prefix}.in.tick`, JSON.stringify({ recv: this.#logTime }));
    await this.#trackers.flush();
    await sleep(listenMs);
    for (const subscription of listening) subscription.unsubscribe();
    const given = performance.now() - begun;
    const waits = questions.map(({ atMs }, i) => (answered.get(i) ?? given) - atMs);
    return {
      begunAt: performance.timeOrigin + begun,
      endedAt,
      rate: due.length / (took / 1000),
      lateMs: latenciesOf(lateness).p99,
      recommendations: latenciesOf(recommended),
      others,
      asks:
        asks === undefined
          ? undefined
          : {
              ...latenciesOf(waits),
              rate: asked / (took / 1000),
              unanswered: asked - answered.size,
            },
    };
  }

  /** The next events, with log time that goes as fast as the clock, and when the cause of each is meant to be. */
  #dueEvents(rate: number, seconds: number) {
    const begins = this.#logTime;
    const intended = new Map<string, number>();
    const due = Array.from({ length: Math.round(rate * seconds) }, (_, i): Due => {
      const atMs = (i * 1000) / rate;
      const ts = Math.floor(begins + atMs) as EventTime;
      const { subject, body } = this.#next();
      intended.set(eventId(sourceOf(body["src"]), String(body["id"]), ts, 0), atMs);
      return {
        atMs,
        subject: `${this.#prefix}.${subject}`,
        body: JSON.stringify({ ...body, ts, recv: ts }),
      };
    });
    this.#logTime = (begins + Math.ceil(seconds * 1000)) as EventTime;
    return { due, intended };
  }
  /** Whoever has told all events tells them again as others. */
  #next(): Told {
    const round = Math.floor(this.#sent / this.#events.length);
    const message = this.#events[this.#sent % this.#events.length] as Told;
    this.#sent += 1;
    if (round === 0) return message;
    return { ...message, body: { ...message.body, id: `${message.body["id"]}-${round}` } };
  }

  /** About people who did something before. */
  #dueAsks(of: Asked, rate: number, seconds: number): Due[] {
    const subject = `${this.#prefix}.ask.${of}`;
    const known = Math.min(this.#sent, this.#events.length);
    return Array.from({ length: Math.round(rate * seconds) }, (_, i): Due => {
      const { body } = this.#events[this.#below(known)] as Told;
      const request = JSON.stringify(ASKS[of](body["ids"]));
      return { atMs: (i * 1000) / rate, subject, body: request };
    });
  }
}
/** Of an event's id; behind it stands what it caused on the way. */
const CAUSE_DIGITS = 32;
