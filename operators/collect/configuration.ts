import { type Refusal, refusal } from "../../src/codec/wire.ts";
import {
  CONFIG,
  differences,
  type GenerationFact,
  IN_FORCE,
  type Lives,
  livesAfter,
  livesOf,
} from "../../src/config/generation.ts";
import { type GenerationRecord, readGeneration } from "../../src/config/generation-record.ts";
import type { LiveFiles, LiveTexts } from "../../src/config/live.ts";
import { type Part, smallPart } from "../../src/state/part.ts";
import { type EventTime, isoTime, latest, type Millis, plus } from "../../src/time/event-time.ts";
import type { CollectSink } from "./contract.ts";

/** What collect is told of configuration. */
export interface ConfigurationOptions {
  /** What the log began with. */
  readonly base: LiveFiles;
  readonly digest: string;
  readonly read: (texts: LiveTexts) => LiveFiles | undefined;
  /** Whatever the log says, `base` holds: for trying out a draft. */
  readonly isPinned: boolean;
}

/** A record comes into force this much of log time later at the earliest. */
const LEAD = 2000 as Millis;

const SHAPE = refusal("shape", "Put configuration into the log with `freshet config apply`.");
const UNREADABLE = refusal(
  "config",
  "Correct the files that `freshet lint` complains of, and apply them again.",
);

/** A generation on its way, with the log time at which it comes into force. */
interface Pending {
  readonly record: GenerationRecord;
  readonly at: EventTime;
  readonly seq: number;
}

export interface ConfigurationStand {
  /** -1 before any. */
  readonly accepted: number;
  readonly waits: { readonly generation: number; readonly at: EventTime } | null;
}

interface Kept {
  readonly last: number;
  readonly lives: Lives;
  readonly pending: Pending | null;
}

/**
 * Which version of the live files is in force. A record that is accepted waits for its second, then
 * it is told to every key group behind that second, at one place of the log. At most one waits: a
 * higher generation takes the place of one that has not come into force yet.
 */
export class Configuration {
  readonly #options: ConfigurationOptions;
  #last = -1;
  #lives: Lives;
  #pending: Pending | null = null;

  constructor(options: ConfigurationOptions) {
    this.#options = options;
    this.#lives = livesOf(options.base);
  }

  /** Takes in a record: `ok`, a duplicate of what is known, or why it is refused. */
  take(
    value: unknown,
    of: { readonly seq: number; readonly now: EventTime },
    sink: CollectSink,
  ): "ok" | "stale" | Refusal {
    const record = readGeneration(value);
    if (record === undefined) return SHAPE;
    const { generation, digest, texts } = record;
    if (this.#options.isPinned || generation <= this.#last) return "stale";
    if (generation === 0) return this.#begin(record, sink);
    if (this.#options.read(texts) === undefined) return UNREADABLE;
    const { seq, now } = of;
    const earliest = plus(now, LEAD);
    const wished = record.at === null ? earliest : (Date.parse(record.at) as EventTime);
    const before = this.#pending;
    if (before !== null) {
      const { record: dropped } = before;
      sink.publish(
        auditOf("superseded", dropped, { by_generation: generation, at: isoTime(now) }),
        `${seq}/config/superseded`,
      );
    }
    this.#last = generation;
    this.#pending = { record, at: wholeSecond(latest(wished, earliest)), seq };
    const at = isoTime(this.#pending.at);
    sink.publish(auditOf("accepted", record, { digest, at }), `${seq}/config/accepted`);
    return "ok";
  }

  /** What the log began with is told where it is known; a log that is replayed with another keeps to that. */
  #begin(record: GenerationRecord, sink: CollectSink): "ok" | "stale" {
    if (record.digest !== this.#options.digest) return "stale";
    this.#last = 0;
    this.#tell(record, 0 as EventTime, sink);
    return "ok";
  }

  /** Log time has come to `second`. */
  pass(second: EventTime, sink: CollectSink): void {
    const pending = this.#pending;
    if (pending === null || second < pending.at) return;
    this.#pending = null;
    const { record, seq } = pending;
    const files = this.#options.read(record.texts);
    if (files === undefined) return;
    const before = this.#lives;
    this.#lives = livesAfter(before, files, second);
    this.#tell(record, second, sink);
    sink.publish(
      auditOf("applied", record, {
        at: isoTime(second),
        changes: differences(before, this.#lives),
      }),
      `${seq}/config/applied`,
    );
  }

  #tell({ generation, digest, texts }: GenerationRecord, at: EventTime, sink: CollectSink): void {
    const fact: GenerationFact = { generation, at, digest, texts, lives: this.#lives };
    sink.fact(CONFIG, IN_FORCE, fact);
  }

  get stand(): ConfigurationStand {
    const pending = this.#pending;
    const waits = pending && { generation: pending.record.generation, at: pending.at };
    return { accepted: this.#last, waits };
  }

  part(): Part {
    return smallPart(
      "config",
      (): Kept => ({ last: this.#last, lives: this.#lives, pending: this.#pending }),
      (data) => {
        const { last, lives, pending } = data as Kept;
        this.#last = last;
        this.#pending = pending;
        this.#lives = lives;
      },
    );
  }
}

const wholeSecond = (at: EventTime): EventTime => (Math.ceil(at / 1000) * 1000) as EventTime;

type Step = "accepted" | "applied" | "superseded";

/** Who changed what, and when it holds: `audit.config.<step>`. */
const auditOf = (
  step: Step,
  { generation, by, note, digest, restores }: GenerationRecord,
  more: Readonly<Record<string, unknown>>,
) => ({
  subject: `audit.config.${step}`,
  data: { generation, by, note, digest, restores, ...more },
});
