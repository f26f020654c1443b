import { createHistogram, type RecordableHistogram } from "node:perf_hooks";
import type { Msg, NatsConnection, Subscription } from "nats";

/** What a plain subscriber of the output subjects saw. */
export interface TallyReport {
  readonly events: number;
  readonly eventsPerSecond: number;
  readonly intents: number;
  readonly segmentChanges: number;
  readonly trends: number;
  readonly recommendations: number;
  /** Answers to pages that asked. */
  readonly served: number;
  readonly restocks: number;
  readonly deadLetters: number;
  readonly latencyMs: { readonly p50: number; readonly p99: number };
}

/** An output as a subscriber reads it. */
export interface Received {
  /** Without the prefix. */
  readonly subject: string;
  readonly data: Readonly<Record<string, unknown>>;
}

const COUNTED: Readonly<Record<string, keyof TallyReport>> = {
  intent: "intents",
  segment: "segmentChanges",
  trend: "trends",
  recommendation: "recommendations",
  restock: "restocks",
  deadletter: "deadLetters",
};

/** What the engine lets the log remember of an answer. */
const SERVED = ".recommendation.served";

/**
 * Counts what stands on the subjects, as any program could: it knows the subjects and the headers
 * and nothing else of the engine. Latency is from the broker's storing an event to the arrival of
 * an output it caused.
 */
export class Tally {
  readonly counts: Record<string, number> = {};
  readonly #latency: RecordableHistogram = createHistogram();
  readonly #subscriptions: Subscription[];
  #events = 0;
  #served = 0;

  constructor(nc: NatsConnection, prefix: string, onOutput: (received: Received) => void) {
    const listen = (subject: string, callback: (message: Msg) => void) =>
      nc.subscribe(`${prefix}.${subject}`, {
        callback: (error, message) => error === null && callback(message),
      });
    const output = (message: Msg) => {
      const subject = message.subject.slice(prefix.length + 1);
      const token = subject.slice(0, subject.indexOf("."));
      this.counts[token] = (this.counts[token] ?? 0) + 1;
      const stored = Number(message.headers?.get("freshet-stored") || Number.NaN);
      if (!Number.isNaN(stored)) this.#latency.record(Math.max(1, Date.now() - stored));
      onOutput({ subject, data: message.json<Record<string, unknown>>() });
    };
    this.#subscriptions = [
      ...Object.keys(COUNTED).map((token) => listen(`${token}.>`, output)),
      listen("in.event.>", ({ subject }) => {
        if (subject.endsWith(SERVED)) this.#served += 1;
        else this.#events += 1;
      }),
      listen("in.feedback.>", () => {
        this.#events += 1;
      }),
    ];
  }
  get events(): number {
    return this.#events;
  }
  get latencyMs(): { p50: number; p99: number } {
    if (this.#latency.count === 0) return { p50: 0, p99: 0 };
    return { p50: this.#latency.percentile(50), p99: this.#latency.percentile(99) };
  }

  report(seconds: number): TallyReport {
    const count = (token: string) => this.counts[token] ?? 0;
    return {
      events: this.#events,
      eventsPerSecond: Math.round(this.#events / Math.max(seconds, 0.001)),
      intents: count("intent"),
      segmentChanges: count("segment"),
      trends: count("trend"),
      recommendations: count("recommendation"),
      served: this.#served,
      restocks: count("restock"),
      deadLetters: count("deadletter"),
      latencyMs: this.latencyMs,
    };
  }

  stop(): void {
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
  }
}
