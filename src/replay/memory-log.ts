import { comparePositions, decodeFrame, encodeFrame, type LogRecord } from "../codec/frame.ts";
import type { FlowGroup } from "../flow/flow-group.ts";
import type { IntakeMessage } from "../flow/intake.ts";
import { buildJob, type Job, type JobDefinition } from "../flow/job.ts";
import type { OnNote, Trace } from "../flow/keyed-task.ts";
import type { Output } from "../flow/output.ts";
import { START } from "../flow/seen-positions.ts";
import type { Scoring } from "../score/seam.ts";
import type { EventTime } from "../time/event-time.ts";

export interface MemoryLogOptions {
  /** Records a frame holds at the most. */
  readonly frameSize: number;
  /** Gets every output, ordered by cause: by the record of `IN` that brought it about. */
  readonly onOutput: (output: Output) => void;
  readonly trace?: Trace | undefined;
  readonly onNote?: OnNote | undefined;
  /**
   * Puts what demand publishes to `IN` there; false where `IN` is one that was stored and holds it
   * already. True by default.
   */
  readonly loop?: boolean;
}

interface Sorted {
  readonly output: Output;
  readonly position: readonly [number, number];
}
interface Hops {
  readonly records: LogRecord[];
  previous: readonly [number, number];
  seq: number;
}

/** What is in memory does not start again: what moved is never asked for twice. */
const NOT_KEPT = { put: () => undefined, get: () => Promise.resolve(undefined) };

const utf8 = new TextEncoder();

/**
 * The three flows over logs in memory: no broker, no clock. Everything that the messages of one
 * second cause has happened before the next second begins, so the result does not depend on how
 * frames are cut, and what demand publishes to `IN` has one place there.
 */
export class MemoryLog {
  readonly job: Job;
  readonly #options: MemoryLogOptions;
  readonly #demand: string;
  readonly #loops: boolean;
  /** By target, then by source. */
  readonly #hops = new Map<string, Map<string, Hops>>();
  readonly #atIntake: Sorted[] = [];
  readonly #atDemand: Sorted[] = [];
  #back: Output[] = [];
  #seq = 0;
  #time = 0 as EventTime;

  constructor(definition: JobDefinition, scoring: Scoring, options: MemoryLogOptions) {
    this.#options = options;
    this.#demand = definition.demand.name;
    this.#loops = options.loop ?? true;
    const sinks = { of: (name: string) => this.#sink(name), moves: NOT_KEPT };
    const { trace, onNote } = options;
    this.job = buildJob(definition, scoring, sinks, { trace, onNote });
  }

  /** The sequence the next message of `IN` gets. */
  get nextSeq(): number {
    return this.#seq + 1;
  }

  /**
   * Appends a message to `IN`; call `settle` whenever its time enters a new second. One that was
   * stored brings its sequence, any other gets the next.
   */
  append(message: Omit<IntakeMessage, "seq"> & { readonly seq?: number }): void {
    this.#seq = message.seq ?? this.#seq + 1;
    this.#time = message.time;
    const { subject, data, contentType, time, msgId } = message;
    this.job.intake.handle({ subject, data, contentType, time, msgId, seq: this.#seq });
  }

  /** Runs the flows until nothing is under way. */
  async settle(): Promise<void> {
    for (;;) {
      // Side by side: one may have to wait until another has come to the same place.
      await Promise.all(this.job.shoppers.map((group) => this.#read(group)));
      this.#leave(this.#atIntake);
      for (const group of this.job.demands) await this.#read(group);
      this.#leave(this.#atDemand);
      if (this.#back.length === 0) return;
      const back = this.#back;
      this.#back = [];
      for (const { subject, id, data } of back) {
        const bytes = utf8.encode(JSON.stringify(data));
        const time = this.#time;
        this.append({ subject, data: bytes, contentType: "application/json", time, msgId: id });
      }
    }
  }

  /** Lets time pass behind the last message until every watermark is at `watermark`. */
  async advance(watermark: EventTime): Promise<void> {
    await this.settle();
    this.#seq += 1;
    this.job.intake.advance(this.#seq, watermark, this.job.definition.disorder);
    await this.settle();
  }

  #sink(source: string) {
    const outputs = source.startsWith(`${this.#demand}-`) ? this.#atDemand : this.#atIntake;
    return {
      hop: (target: string, record: LogRecord) => {
        let sources = this.#hops.get(target);
        if (sources === undefined) {
          sources = new Map();
          this.#hops.set(target, sources);
        }
        let queue = sources.get(source);
        if (queue === undefined) {
          queue = { records: [], previous: START, seq: 0 };
          sources.set(source, queue);
        }
        queue.records.push(record);
      },
      output: (output: Output, position: readonly [number, number]) => {
        outputs.push({ output, position });
      },
    };
  }

  /** Hands a group what waits for it, source by source, cut into frames as a stream would bring them. */
  async #read(group: FlowGroup): Promise<void> {
    for (const [source, hops] of this.#hops.get(group.name) ?? []) {
      if (hops.records.length === 0) continue;
      const records = hops.records.splice(0);
      for (let i = 0; i < records.length; i += this.#options.frameSize) {
        const cut = records.slice(i, i + this.#options.frameSize);
        const frame = decodeFrame(encodeFrame({ source, previous: hops.previous, records: cut }));
        const last = cut[cut.length - 1] as LogRecord;
        hops.previous = [last[1], last[2]];
        hops.seq += 1;
        await group.handle(hops.seq, frame);
      }
    }
  }

  #leave(outputs: Sorted[]): void {
    outputs.sort((a, b) => comparePositions(a.position, b.position));
    for (const { output } of outputs) {
      this.#options.onOutput(output);
      if (this.#loops && output.subject.startsWith("in.")) this.#back.push(output);
    }
    outputs.length = 0;
  }
}
