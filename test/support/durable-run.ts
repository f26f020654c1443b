import {
  comparePositions,
  decodeFrame,
  encodeFrame,
  type Frame,
  type LogRecord,
} from "../../src/codec/frame.ts";
import type { FlowGroup, GroupSink } from "../../src/flow/flow-group.ts";
import type { IntakeMessage } from "../../src/flow/intake.ts";
import { buildJob, INTAKE, type Job, type JobDefinition } from "../../src/flow/job.ts";
import type { MoveStore } from "../../src/flow/moves.ts";
import type { Output } from "../../src/flow/output.ts";
import { START } from "../../src/flow/seen-positions.ts";
import { InlineScoring } from "../../src/score/inline.ts";
import type { ScoringFunctions } from "../../src/score/seam.ts";
import { Checkpointer, type CheckpointStore } from "../../src/state/checkpointer.ts";
import { decodeMarker, type Marker } from "../../src/state/marker.ts";

/** Checkpoints of one group that outlive a job, as the broker's stream would keep them. */
export class MemoryCheckpoints implements CheckpointStore {
  readonly pieces = new Map<number, Uint8Array>();
  marks: Uint8Array[] = [];
  #seq = 0;

  async put(piece: Uint8Array): Promise<number> {
    this.#seq = Math.max(this.#seq, ...this.pieces.keys()) + 1;
    this.pieces.set(this.#seq, piece);
    return this.#seq;
  }
  async mark(marker: Uint8Array): Promise<void> {
    this.marks.push(marker);
  }
  async markers(): Promise<readonly Marker[]> {
    const read = this.marks.map(decodeMarker).filter((marker) => marker !== undefined);
    return read.reverse().sort((a, b) => b.seq - a.seq);
  }
  async *read(seqs: readonly number[]): AsyncGenerator<{ seq: number; bytes: Uint8Array }> {
    for (const seq of seqs) {
      const bytes = this.pieces.get(seq);
      if (bytes !== undefined) yield { seq, bytes };
    }
  }
  async purge(before: number): Promise<void> {
    for (const seq of this.pieces.keys()) if (seq < before) this.pieces.delete(seq);
    this.marks = this.marks.slice(-2);
  }
}

export interface DurableOptions {
  /** A fresh job each time: the first flow has state. */
  readonly define: () => Promise<JobDefinition>;
  readonly functions: ScoringFunctions;
  /** What `IN` holds. */
  readonly input: readonly IntakeMessage[];
  /** Messages, of `IN` and of frames together, after which each group's checkpoint is written. */
  readonly checkpointEvery: number;
  /** Messages after which everything but the logs and the checkpoints is gone. */
  readonly crashEvery: number;
}

interface Stored {
  readonly bytes: Uint8Array;
}

/** The three flows over logs and checkpoints that outlive them, with crashes in between. */
export class DurableRun {
  readonly outputs = new Map<string, Output>();
  readonly stores = new Map<string, MemoryCheckpoints>();
  crashes = 0;
  checkpoints = 0;
  /** Messages that were read again. */
  repeated = 0;
  /** Messages that waited for another group, and what was fetched that had moved before a crash. */
  waits = 0;
  fetched = 0;
  readonly #options: DurableOptions;
  readonly #frames = new Map<string, Stored[]>();
  readonly #tails = new Map<string, readonly [number, number]>();
  readonly #queues = new Map<string, LogRecord[]>();
  /** What moved between groups, by target and link. */
  readonly #moved = new Map<string, Uint8Array>();
  /** Groups in the middle of a message: they wait for what moves to them. */
  #busy = new Set<string>();
  #failure: { readonly why: unknown } | undefined;
  readonly #at = new Map<string, number>();
  readonly #furthest = new Map<string, number>();
  #job!: Job;
  #checkpointers = new Map<string, Checkpointer>();
  #handled = 0;

  constructor(options: DurableOptions) {
    this.#options = options;
  }

  async run(): Promise<void> {
    await this.#start();
    const { input } = this.#options;
    for (;;) {
      const moved = await this.#step(input);
      if (moved === undefined) return;
      this.#handled += 1;
      const { checkpointEvery, crashEvery } = this.#options;
      if (this.#handled % checkpointEvery === 0) await this.#checkpoint();
      if (this.#handled % crashEvery === 0) {
        this.crashes += 1;
        await this.#start();
      }
    }
  }

  async #start(): Promise<void> {
    const { define, functions } = this.#options;
    this.#queues.clear();
    this.#busy = new Set();
    const sinks = { of: (name: string) => this.#sink(name), moves: this.#moveStore() };
    this.#job = buildJob(await define(), new InlineScoring(functions), sinks);
    this.#checkpointers = new Map();
    for (const group of this.#groups()) {
      const store = this.stores.get(group.name) ?? new MemoryCheckpoints();
      this.stores.set(group.name, store);
      const checkpointer = new Checkpointer(group, store, {
        owner: `run-${this.crashes}`,
        version: "test",
        layout: "test",
        breathe: () => undefined,
        onTorn: (_marker, why) => {
          throw new Error(why);
        },
      });
      const marker = await checkpointer.restore();
      this.#checkpointers.set(group.name, checkpointer);
      this.#at.set(group.name, marker?.seq ?? 0);
    }
  }
  #groups() {
    return [this.#job.intake, ...this.#job.shoppers, ...this.#job.demands];
  }

  /** The next message of the first group that has one; undefined when all are at their ends. */
  async #step(input: readonly IntakeMessage[]): Promise<true | undefined> {
    const { demands, shoppers } = this.#job;
    // Now one, now another is ahead.
    const first = this.#handled % shoppers.length;
    const groups = [...demands, ...shoppers.slice(first), ...shoppers.slice(0, first)];
    for (const group of groups) {
      const at = this.#at.get(group.name) ?? 0;
      const frame = this.#frames.get(group.name)?.[at];
      if (frame === undefined || this.#busy.has(group.name)) continue;
      await this.#begin(group, at + 1, decodeFrame(frame.bytes));
      return true;
    }
    if (this.#busy.size > 0) throw new Error(`${[...this.#busy]} wait in vain`);
    const at = this.#at.get(INTAKE) ?? 0;
    const message = input[at];
    if (message === undefined) return undefined;
    this.#job.intake.handle({ ...message, seq: at + 1 });
    this.#moveOn(INTAKE, at + 1);
    return true;
  }
  /** Begins a message; one that must wait for another group is left under way. */
  async #begin(group: FlowGroup, seq: number, frame: Frame): Promise<void> {
    const busy = this.#busy;
    busy.add(group.name);
    group.handle(seq, frame).then(
      () => {
        // A crash has come meanwhile.
        if (busy !== this.#busy) return;
        busy.delete(group.name);
        this.#moveOn(group.name, seq);
      },
      (why: unknown) => {
        this.#failure ??= { why };
      },
    );
    await new Promise((resolve) => setImmediate(resolve));
    if (this.#failure !== undefined) throw this.#failure.why;
    if (busy.has(group.name)) this.waits += 1;
  }
  #moveStore(): MoveStore {
    return {
      put: (_source, target, link, bytes) => {
        const name = `${target} ${link}`;
        const known = this.#moved.get(name);
        if (known !== undefined && Buffer.compare(known, bytes) !== 0) {
          throw new Error(`${name} moved again as something else`);
        }
        this.#moved.set(name, bytes);
      },
      get: (target, link) => {
        this.fetched += 1;
        return Promise.resolve(this.#moved.get(`${target} ${link}`));
      },
    };
  }
  #moveOn(group: string, seq: number): void {
    this.#at.set(group, seq);
    if (seq <= (this.#furthest.get(group) ?? 0)) this.repeated += 1;
    else this.#furthest.set(group, seq);
    this.#store(group);
  }

  /** What a message caused for other groups goes onto their logs. */
  #store(source: string): void {
    for (const [name, records] of this.#queues) {
      if (!name.startsWith(`${source}>`) || records.length === 0) continue;
      const target = name.slice(source.length + 1);
      const frames = this.#frames.get(target) ?? [];
      this.#frames.set(target, frames);
      const previous = this.#tails.get(name) ?? START;
      const last = records.at(-1) as LogRecord;
      frames.push({ bytes: encodeFrame({ source, previous, records }) });
      this.#tails.set(name, [last[1], last[2]]);
      this.#queues.set(name, []);
    }
  }

  async #checkpoint(): Promise<void> {
    for (const [name, checkpointer] of this.#checkpointers) {
      if (this.#busy.has(name)) continue;
      const seq = this.#at.get(name) ?? 0;
      if (seq === (checkpointer.marker?.seq ?? 0)) continue;
      const settled = Promise.resolve();
      const cost = await checkpointer.write({
        seq,
        time: 0,
        clean: false,
        settled,
        tails: () => [],
        acknowledged: () => [],
      });
      if (cost === undefined) throw new Error(`${name} wrote no checkpoint`);
      this.checkpoints += 1;
    }
  }

  #sink(source: string): GroupSink {
    return {
      hop: (target, record) => {
        const name = `${source}>${target}`;
        const tail = this.#tails.get(name) ?? START;
        if (comparePositions([record[1], record[2]], tail) <= 0) return;
        const queue = this.#queues.get(name) ?? [];
        this.#queues.set(name, queue);
        queue.push(record);
      },
      output: (output) => {
        const known = this.outputs.get(output.id);
        if (known === undefined) this.outputs.set(output.id, output);
        else if (JSON.stringify(known) !== JSON.stringify(output)) {
          throw new Error(`output ${output.id} came again as another: ${JSON.stringify(output)}`);
        }
      },
    };
  }
}
