import {
  FACT,
  type FactRecord,
  type Frame,
  JOINS,
  type KeyedRecord,
  LEAVES,
  LINK,
  type LinkRecord,
  type LogRecord,
  TIME,
} from "../codec/frame.ts";
import { fnv1a32 } from "../codec/hash.ts";
import type { Scoring } from "../score/seam.ts";
import { type Part, smallPart } from "../state/part.ts";
import { type EventTime, MIN_TIME, type Millis } from "../time/event-time.ts";
import { type Breathe, never } from "./breath.ts";
import type { FactRecords } from "./fact-records.ts";
import type { FlowDefinition } from "./graph.ts";
import { KeyedTask, type OnNote, type TaskSnapshot, type Trace } from "./keyed-task.ts";
import { isFact, MergeOrder, type MergeSnapshot } from "./merge-order.ts";
import { decodeMoved, encodeMoved } from "./moved.ts";
import type { Moves } from "./moves.ts";
import type { Hop } from "./operator.ts";
import type { OperatorVersion } from "./operator-versions.ts";
import type { Output } from "./output.ts";
import { SeenPositions, START } from "./seen-positions.ts";

/** Where the results of one group go, in the order of the records that caused them. */
export interface GroupSink {
  /** `target` is the flow and group a record goes to, e.g. `demand-3`. */
  hop(target: string, record: LogRecord): void;
  /** `position` is that of the causing record in the flow's input. */
  output(output: Output, position: readonly [number, number]): void;
}

export interface GroupOptions {
  readonly flow: FlowDefinition;
  readonly group: number;
  readonly scoring: Scoring;
  readonly hotRows: number;
  /** Shared by the groups of a job, so that each record of facts is decoded once. */
  readonly factRecords: FactRecords;
  readonly trace?: Trace | undefined;
  readonly onNote?: OnNote | undefined;
  /**
   * `log`: one source, records handled as they come, watermark = its time − disorder − 1 ms.
   * `merge`: several sources, records wait for all of them and are handled by event time.
   */
  readonly input:
    | { readonly kind: "log"; readonly disorder: Millis; readonly moves?: Moves }
    | { readonly kind: "merge"; readonly sources: readonly string[] };
  /** The flow that gets what operators forward, and its watermark. */
  readonly next?: { readonly flow: string; readonly groups: number };
}

/** What a group remembers beside the parts of its task; plain data. */
interface GroupSnapshot {
  readonly seen: ReturnType<SeenPositions["snapshot"]>;
  readonly task: TaskSnapshot;
  readonly merge?: MergeSnapshot;
  readonly links?: readonly [left: Position, joined: Position];
}

type Position = readonly [seq: number, n: number];

/** One key group of a flow on its log: positions checked, time and facts applied, hops positioned. */
export class FlowGroup {
  readonly task: KeyedTask;
  readonly #options: GroupOptions;
  readonly #seen = new SeenPositions();
  readonly #merge: MergeOrder | undefined;
  readonly #sink: GroupSink;
  readonly #targets: readonly string[];
  #seq = 0;
  #hops = 0;
  #dropped = 0;
  #left: Position = START;
  #joined: Position = START;

  constructor(options: GroupOptions, sink: GroupSink) {
    this.#options = options;
    this.#sink = sink;
    const { input, next, flow, group, scoring, hotRows, trace, onNote } = options;
    this.#merge = input.kind === "merge" ? new MergeOrder(input.sources) : undefined;
    this.#targets = Array.from({ length: next?.groups ?? 0 }, (_, g) => `${next?.flow}-${g}`);
    this.task = new KeyedTask(
      flow,
      { group, scoring, hotRows, ordered: input.kind === "merge", trace, onNote },
      {
        hop: (hop, id) => this.#forward(hop, id),
        output: (o, position) => sink.output(o, position),
      },
    );
  }
  get name(): string {
    return `${this.#options.flow.name}-${this.#options.group}`;
  }
  /** Sequence of the last message of its log that the group handled. */
  get seq(): number {
    return this.#seq;
  }
  /** Names and versions of the operators whose states the parts hold. */
  get operators(): readonly OperatorVersion[] {
    return this.task.operators;
  }
  /** See `KeyedTask.lift`. */
  lift(writtenBy: readonly OperatorVersion[]): void {
    this.task.lift(writtenBy);
  }
  /** Positions of the last link that a key of the group left by, and of the last that joined one. */
  get left(): Position {
    return this.#left;
  }
  get joined(): Position {
    return this.#joined;
  }
  /** Records that had been read before: frames sent twice or cut again. */
  get dropped(): number {
    return this.#dropped;
  }
  /** Records that wait for the watermark of a slower source. */
  get waiting(): number {
    return this.#merge?.size ?? 0;
  }

  /** What the group remembers, to be written between two messages. From the first call on changes are followed. */
  parts(): readonly Part[] {
    const rest = smallPart(
      "group",
      () => this.#snapshot(),
      (data) => this.#restore(data as GroupSnapshot),
    );
    return [...this.task.parts(), rest];
  }
  #snapshot(): GroupSnapshot {
    return {
      seen: this.#seen.snapshot(),
      task: this.task.snapshot(),
      links: [this.#left, this.#joined],
      ...(this.#merge === undefined ? {} : { merge: this.#merge.snapshot() }),
    };
  }
  #restore({ seen, task, merge, links }: GroupSnapshot): void {
    [this.#left, this.#joined] = links ?? [START, START];
    this.#seen.restore(seen);
    this.task.restore(task);
    if (merge !== undefined) this.#merge?.restore(merge);
  }

  /**
   * One message of the group's log: all it causes has left by the time this resolves. `breathe` is
   * asked between two records, and between two timers that are due, whether others are to have their
   * turn first; while they have it, no step of the group is open.
   */
  async handle(seq: number, frame: Frame, breathe: Breathe = never): Promise<void> {
    const records = this.#seen.fresh(frame, this.name);
    this.#dropped += frame.records.length - records.length;
    this.#seq = seq;
    this.#hops = 0;
    if (this.#merge === undefined) await this.#inLogOrder(records, breathe);
    else await this.#inTimeOrder(this.#merge, frame, records, breathe);
    await this.task.settle();
  }

  async #inLogOrder(records: readonly LogRecord[], breathe: Breathe): Promise<void> {
    for (const record of records) {
      const turn = breathe();
      if (turn !== undefined) await this.task.giveWay(turn);
      const done = this.#apply(record, breathe);
      if (done !== undefined) await done;
    }
  }
  /** Returns a promise only where something had to be waited for. */
  #apply(record: LogRecord, breathe: Breathe): Promise<void> | undefined {
    const position = [record[1], record[2]] as const;
    if (record[0] === TIME) return this.#advance(record[3] as EventTime, position, breathe);
    if (record[0] === FACT) return this.#facts(record, breathe);
    if (record[0] === LINK) return this.#link(record);
    return this.#event(record, position);
  }

  /** One key is another from here on; where that lies in another group, this one waits for its half. */
  async #link(record: LinkRecord): Promise<void> {
    const { input } = this.#options;
    const moves = input.kind === "log" ? input.moves : undefined;
    if (moves === undefined) throw new Error(`${this.name} takes part in no links`);
    const [, seq, n, now, from, key, cause, half] = record;
    await this.task.settle();
    if (half === LEAVES) {
      moves.leave(record, encodeMoved(this.task.depart(from)));
      this.#left = [seq, n];
      return;
    }
    const bytes = half === JOINS ? await moves.arrive(record) : encodeMoved(this.task.depart(from));
    const moved = decodeMoved(bytes, from, key);
    const of = { from, key, now: now as EventTime, cause, position: [seq, n] as const };
    await this.task.join(moved, of);
    if (half === JOINS) this.#joined = [seq, n];
  }

  #facts(record: FactRecord, breathe: Breathe): Promise<void> | undefined {
    const entries = this.#options.factRecords.entriesOf(record);
    return this.task.tell(record[4], entries, { second: record[3] as EventTime, breathe });
  }

  #event(record: KeyedRecord, position: Position): Promise<void> | undefined {
    const event = this.#options.flow.decode(record);
    return this.task.event(event, {
      key: record[4],
      now: record[3] as EventTime,
      cause: record[5],
      position,
    });
  }

  #advance(second: EventTime, position: Position, breathe: Breathe): Promise<void> | undefined {
    const { input } = this.#options;
    const disorder = input.kind === "log" ? input.disorder : 0;
    const fired = this.task.advance((second - disorder - 1) as EventTime, position, breathe);
    if (fired !== undefined) return fired.then(() => this.#tellWatermark());
    this.#tellWatermark();
    return undefined;
  }
  #tellWatermark(): void {
    for (const target of this.#targets) this.#hop(target, TIME, this.task.watermark);
  }

  async #inTimeOrder(
    merge: MergeOrder,
    { source }: Frame,
    records: readonly LogRecord[],
    breathe: Breathe,
  ): Promise<void> {
    for (const record of records) {
      const moved = merge.add(source, record);
      if (moved && merge.watermark > MIN_TIME) await this.#release(merge, breathe);
    }
  }

  async #release(merge: MergeOrder, breathe: Breathe): Promise<void> {
    const { watermark } = merge;
    for (let next = merge.take(watermark); next !== undefined; next = merge.take(watermark)) {
      const turn = breathe();
      if (turn !== undefined) await this.task.giveWay(turn);
      const { order, record } = next;
      const position: Position = [order, 0];
      const fired = this.task.advance((order - 1) as EventTime, position, breathe);
      if (fired !== undefined) await fired;
      const done = isFact(record) ? this.#facts(record, breathe) : this.#event(record, position);
      if (done !== undefined) await done;
    }
    await this.task.advance(watermark, [watermark, 0], breathe);
  }

  #forward(hop: Hop, cause: string): void {
    const target = this.#targets[fnv1a32(hop.key) % this.#targets.length];
    if (target === undefined)
      throw new Error(`flow ${this.#options.flow.name} forwards, but nothing follows it`);
    const id = `${cause}/${this.#options.group}`;
    this.#sink.hop(target, [0, this.#seq, this.#hops++, hop.time, hop.key, id, hop.payload]);
  }
  #hop(target: string, kind: typeof TIME, time: number): void {
    this.#sink.hop(target, [kind, this.#seq, this.#hops++, time]);
  }
}
