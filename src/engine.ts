import {
  headers,
  type JsMsg,
  type NatsConnection,
  NatsError,
  type StoredMsg,
  type StreamInfo,
} from "nats";
import { comparePositions, type Frame, JOINS, LINK, type LogRecord } from "./codec/frame.ts";
import { type EngineReport, type GroupReport, LOGS, type LogName } from "./engine-report.ts";
import { Fault } from "./faults.ts";
import { Breath, type Breathe } from "./flow/breath.ts";
import type { FlowGroup, GroupSink } from "./flow/flow-group.ts";
import type { IntakeGroup } from "./flow/intake.ts";
import {
  buildJob,
  groupNames,
  groupOfKey,
  INTAKE,
  type Job,
  type JobDefinition,
} from "./flow/job.ts";
import { type JobPart, wholeJob } from "./flow/job-part.ts";
import type { Output } from "./flow/output.ts";
import { Runs } from "./flow/runs.ts";
import { AckInbox } from "./nats/ack-inbox.ts";
import { BrokerMoves } from "./nats/broker-moves.ts";
import { Checkpoints } from "./nats/checkpoints.ts";
import { Eraser, type EraserOptions } from "./nats/eraser.ts";
import { HopPublisher } from "./nats/hop-publisher.ts";
import { KnownOutputs } from "./nats/known-outputs.ts";
import { Lanes } from "./nats/lanes.ts";
import { checkRead, checkTails } from "./nats/log-check.ts";
import { OutputPublisher } from "./nats/output-publisher.ts";
import { forgetBefore } from "./nats/raw-records.ts";
import { type ReadPosition, StreamReader } from "./nats/reader.ts";
import { RecentTimes } from "./nats/recent-times.ts";
import { Slots } from "./nats/slots.ts";
import { foreignFrame, readFrame, type StoredFrame } from "./nats/stored-frame.ts";
import {
  ensureStreams,
  lastOf,
  manager,
  type Names,
  namesOf,
  type StreamLimits,
} from "./nats/streams.ts";
import { within } from "./nats/within.ts";
import type { Scoring } from "./score/seam.ts";
import { decodeMarker, type StreamTail } from "./state/marker.ts";
import type { EventTime, Millis } from "./time/event-time.ts";
import type { Log } from "./watch/log.ts";

export interface EngineOptions {
  readonly nc: NatsConnection;
  readonly definition: JobDefinition;
  /** What runs here; all of the job when left out. */
  readonly part?: JobPart;
  readonly scoring: Scoring;
  readonly prefix: string;
  readonly instance: string;
  /** Of the build and its configuration: state another one left in mid-log is refused. */
  readonly version: string;
  readonly checkpointEvery: Millis;
  /** A group that has read so many records since its last checkpoint does not wait for the time. */
  readonly checkpointRecords: number;
  readonly limits: StreamLimits;
  /** How long what `IN` held raw is kept once it is checkpointed; for as long as the log when left out. */
  readonly keepRaw?: Millis;
  /** Publish a tick when `IN` is silent for a second; off where time comes from the events. */
  readonly ticks: boolean;
  readonly log: Log;
  /** What is about a person on `IN`; left out, nobody is erased from the logs. */
  readonly erasing?: Pick<EraserOptions, "subject" | "read" | "concerns">;
  /** The parts that run elsewhere: people are erased once their checkpoints are past it, too. */
  readonly others?: Pick<EraserOptions, "passed" | "rewrite" | "rewritten">;
  /** When the records of `IN` were stored: shared by the parts of an engine. */
  readonly stored?: RecentTimes;
  /** Looks at what was restored before anything is read; what it throws keeps the engine from starting. */
  readonly onRestored?: (job: Job) => void;
  /** Told of every output once it stands on the broker; `latencyMs` since its record of `IN` was stored. */
  readonly onPublished?: (output: Output, latencyMs: number | undefined) => void;
  /** Told of the failure that stops the engine. */
  readonly onFailure: (failure: unknown) => void;
}

const HOP_ROOM = 20_000;
const OUTPUT_ROOM = 8_192;
const FRAMES_UNDER_WAY = 64;
/** Frames sent and not yet acknowledged: at few events a second none waits for another. */
const FRAMES_IN_FLIGHT = 4;
/** With more than so many messages still to be read, longer frames are worth more than early ones. */
const BEHIND = 512;
/** Messages of `IN` that are taken in one go. */
const RUN = 64;
/** Reading holds the thread for so long, or for one record, before others have their turn. */
const SLICE_MS = 4;
const TICK_MS = 1000;
const FORGET_MS = 60_000;
/** Two stores of one broker may disagree about the time by so much. */
const CLOCKS_APART = 60_000;
const NOWHERE: ReadPosition = { seq: 0, time: 0 };

type Position = readonly [seq: number, n: number];

/** A log is read only where groups of its flow run. */
interface Readers {
  readonly in: StreamReader | undefined;
  readonly events: StreamReader | undefined;
  readonly demand: StreamReader | undefined;
}

/** How an engine stands that no longer reads. */
export interface Halted {
  /** What was read is not through yet. */
  readonly busy: boolean;
  /** Sequence of EVENTS that was read to; infinite where it is not read. */
  readonly read: number;
  /** Groups wait for what others say before this sequence of EVENTS; 0 when none does. */
  readonly waitsFor: number;
}

/**
 * The three flows on a broker, or a part of them: three readers, the groups they feed, and what the groups say.
 *
 *     IN ──► collect ──► EVENTS ──► shopper groups ──► DEMAND ──► demand groups
 *     ▲                                  └──► OUT ◄────────────────────┘ └──► IN (what was learned)
 */
export class Engine {
  readonly job: Job;
  readonly #options: EngineOptions;
  readonly #part: JobPart;
  readonly #names: Names;
  readonly #inbox: AckInbox;
  readonly #known: KnownOutputs;
  readonly #outputs: OutputPublisher;
  readonly #moves: BrokerMoves;
  readonly #hops = new Map<string, Map<string, HopPublisher>>();
  /** For frames in flight. */
  readonly #slots = new Slots(() => (this.#isBehind ? 1 : FRAMES_IN_FLIGHT));
  /** The message of its log each group is at; what it causes cannot be older than that. */
  readonly #at = new Map<string, ReadPosition>();
  /** The last message each group is through with. */
  readonly #done = new Map<string, ReadPosition>();
  readonly #stored: RecentTimes;
  readonly checkpoints: Checkpoints;
  readonly #byName: ReadonlyMap<string, FlowGroup>;
  /** Groups of the job that other parts run. */
  readonly #elsewhere: ReadonlySet<string>;
  #readers: Readers;
  readonly #lanes = new Lanes(FRAMES_UNDER_WAY);
  readonly #breath = new Breath(SLICE_MS);
  readonly #breathe: Breathe = () => this.#breath.taken();
  #running: Promise<void>[] = [];
  /** Logs that are being read. */
  #following = 0;
  /** Times all groups were told to write everything anew. */
  #rewrites = 0;
  #ticker: NodeJS.Timeout | undefined;
  #eraser: Eraser | undefined;
  #looking: NodeJS.Timeout | undefined;
  #lastInAt = Date.now();
  #lastForgot = Date.now();
  /** Where the intake's checkpoint was a while ago: both markers that are kept are beyond it. */
  #forgettable = 0;
  #stopping = false;
  #failed = false;

  /** Prepares an engine and lets it run. */
  static async start(options: EngineOptions): Promise<Engine> {
    const engine = await Engine.prepare(options);
    engine.run();
    return engine;
  }

  /** Makes the streams, and learns what stands on the broker already. */
  static async prepare(options: EngineOptions): Promise<Engine> {
    const engine = new Engine(options);
    const { nc, limits, prefix } = options;
    try {
      await ensureStreams(nc, engine.#names, limits, prefix);
      await engine.checkpoints.restore();
      options.onRestored?.(engine.job);
      engine.#resume();
      await engine.#checkLogs();
      await engine.#known.refresh();
      await engine.#openHops();
      await engine.checkpoints.claim();
    } catch (error) {
      engine.#inbox.close();
      throw unanswered(error);
    }
    return engine;
  }

  private constructor(options: EngineOptions) {
    const { nc, prefix, log, definition, scoring, instance, limits } = options;
    this.#options = options;
    this.#part = options.part ?? wholeJob(definition);
    this.#stored = options.stored ?? new RecentTimes(RecentTimes.room());
    this.#names = namesOf(prefix);
    this.#inbox = new AckInbox(nc, log);
    this.#known = new KnownOutputs(
      nc,
      [
        { stream: this.#names.out, filter: this.#names.subject(">") },
        { stream: this.#names.in, filter: this.#names.subject("in.knowledge.>") },
        { stream: this.#names.in, filter: this.#names.subject("in.privacy.erase.>") },
      ],
      log,
    );
    this.#outputs = new OutputPublisher(this.#inbox, this.#known, {
      prefix,
      instance,
      windowMs: limits.duplicateWindow,
      onPublished: (output, storedAt, sentBefore) => {
        const latency = storedAt === undefined || sentBefore ? undefined : Date.now() - storedAt;
        options.onPublished?.(output, latency);
      },
    });
    this.#moves = new BrokerMoves(nc, this.#inbox, this.#names, (source, target) =>
      this.#isPast(source, target),
    );
    const sinks = { of: (name: string) => this.#sink(name), moves: this.#moves };
    this.job = buildJob(definition, scoring, sinks, {}, this.#part);
    this.#byName = new Map([...this.job.shoppers, ...this.job.demands].map((g) => [g.name, g]));
    const { shoppers, demands } = groupNames(definition);
    this.#elsewhere = new Set([...shoppers, ...demands].filter((name) => !this.#byName.has(name)));
    this.checkpoints = new Checkpoints(this.#groups(), {
      nc,
      inbox: this.#inbox,
      names: this.#names,
      owner: instance,
      version: options.version,
      layout: `${definition.groups}+${definition.demandGroups}`,
      every: options.checkpointEvery,
      records: options.checkpointRecords,
      log,
      tails: (group) =>
        [...(this.#hops.get(group) ?? [])].map(([target, hop]) => [target, ...hop.tail]),
      settled: (group) => {
        const hops = [...(this.#hops.get(group)?.values() ?? [])];
        return Promise.all([
          ...hops.map((hop) => hop.settled()),
          this.#moves.settled(group),
          this.#outputs.settled(group),
        ]);
      },
      onTakenOver: (fault) => this.#fail(fault),
    });
    this.#readers = this.#readersAfter(() => NOWHERE);
  }

  #intake(): readonly IntakeGroup[] {
    return this.#part.intake ? [this.job.intake] : [];
  }
  /** Those that run here. */
  #groups(): readonly (IntakeGroup | FlowGroup)[] {
    return [...this.#intake(), ...this.job.shoppers, ...this.job.demands];
  }

  /** Readers behind what their groups have read; groups ahead of the slowest drop what comes again. */
  #readersAfter(position: (group: string) => ReadPosition): Readers {
    const { nc, log } = this.#options;
    const slowest = (groups: readonly { readonly name: string }[]) =>
      groups.map(({ name }) => position(name)).reduce((a, b) => (a.seq < b.seq ? a : b));
    const reader = (stream: string, groups: readonly { readonly name: string }[]) =>
      groups.length === 0
        ? undefined
        : new StreamReader(nc, { stream, after: slowest(groups), log });
    return {
      in: reader(this.#names.in, this.#intake()),
      events: reader(this.#names.events, this.job.shoppers),
      demand: reader(this.#names.demand, this.job.demands),
    };
  }

  /** Goes on where the checkpoints end: what was stored a minute before the oldest cannot be made again. */
  #resume(): void {
    const positions = new Map(
      this.#groups().map(({ name }) => [name, this.checkpoints.after(name)]),
    );
    this.#readers = this.#readersAfter((group) => positions.get(group) ?? NOWHERE);
    for (const [name, position] of positions) {
      this.#at.set(name, position);
      this.#done.set(name, position);
    }
    const oldest = Math.min(...[...positions.values()].map(({ time }) => time));
    this.#known.startAt(Math.max(0, oldest - CLOCKS_APART));
  }

  /** A reader looks at what the slowest of its groups read last; this, at what the furthest did. */
  async #checkLogs(): Promise<void> {
    const jsm = await manager(this.#options.nc);
    const { shoppers, demands } = this.job;
    const furthest = (groups: readonly FlowGroup[]) =>
      groups.map(({ name }) => this.#positionOf(name)).reduce((a, b) => (a.seq > b.seq ? a : b));
    for (const [stream, groups] of [
      [this.#names.events, shoppers],
      [this.#names.demand, demands],
    ] as const) {
      const position = groups.length === 0 ? NOWHERE : furthest(groups);
      if (position.seq > 0) await checkRead(jsm, stream, position);
    }
  }

  /** Depths of every queue. */
  get queues(): Readonly<
    Record<"in" | "events" | "demand" | "frames" | "hops" | "outputs" | "merging", number>
  > {
    let hops = 0;
    for (const targets of this.#hops.values())
      for (const hop of targets.values()) hops += hop.queued;
    return {
      in: this.#backlog,
      events: this.#readers.events?.pending ?? 0,
      demand: this.#readers.demand?.pending ?? 0,
      frames: this.#lanes.underWay,
      hops,
      outputs: this.#outputs.size,
      merging: this.job.demands.reduce((sum, group) => sum + group.waiting, 0),
    };
  }
  /** Messages of `IN` that collect has not had yet. */
  get #backlog(): number {
    const reader = this.#readers.in;
    if (reader === undefined) return 0;
    return reader.pending + Math.max(0, reader.position.seq - this.#takenUpTo("in"));
  }
  /** Sequence that a log is worked on up to; of `IN`, collect may not have had yet what is read. */
  #takenUpTo(log: LogName): number {
    return log === "in" ? this.#positionOf(INTAKE).seq : (this.#readers[log]?.position.seq ?? 0);
  }
  get #isBehind(): boolean {
    return LOGS.some((log) => (this.#readers[log]?.pending ?? 0) > BEHIND);
  }
  /** How everything stands. */
  report(): EngineReport {
    const ends = new Map(this.#inbox.tails.map(({ stream, seq }) => [stream, seq]));
    const perLog = (of: (log: LogName) => number | undefined) =>
      Object.fromEntries(
        LOGS.map((log) => [log, of(log)] as const).filter(([, n]) => n !== undefined),
      );
    return {
      ready: this.ready,
      caughtUp: this.caughtUp,
      queues: this.queues,
      positions: perLog((log) => this.#readers[log] && this.#takenUpTo(log)),
      acknowledged: perLog((log) => ends.get(this.#names[log])),
      readerRestarts: LOGS.reduce((n, log) => n + (this.#readers[log]?.restarts ?? 0), 0),
      resent: this.#inbox.resent,
      checkpoints: this.checkpoints.counts,
      rewritten: this.checkpoints.rewritten,
      rewrites: this.#rewrites,
      groups: [...this.job.shoppers, ...this.job.demands].map((group) => this.#reportOf(group)),
    };
  }
  #reportOf({ name, task, dropped }: FlowGroup): GroupReport {
    const operators = task.graph.nodes.map(({ index, operator }) => {
      const counts = task.counts[index];
      if (counts === undefined) throw new Error(`nothing is counted of ${operator.name}`);
      return { name: operator.name, counts };
    });
    return {
      flow: task.flowName,
      checkpointed: this.checkpoints.after(name).seq,
      watermark: task.watermark,
      keys: task.keys,
      coldBytes: task.coldBytes,
      timers: task.pendingTimers,
      scored: task.scored,
      dropped,
      operators,
    };
  }
  /** True while the engine reads and its broker answers. */
  get ready(): boolean {
    return !this.#stopping && !this.#failed && !this.#options.nc.isClosed();
  }
  /** True when every log has been read to its present end and nothing is under way. */
  get caughtUp(): boolean {
    const { in: backlog, events, demand, frames, hops, outputs } = this.queues;
    return (
      backlog === 0 &&
      events === 0 &&
      demand === 0 &&
      frames === 0 &&
      hops === 0 &&
      outputs === 0 &&
      this.#moves.idle
    );
  }

  /** Makes every group write all that it remembers at its next checkpoint. */
  rewrite(): void {
    this.#rewrites += 1;
    this.checkpoints.rewrite();
  }

  /** Stops reading, lets what was read finish and be acknowledged, and lets go of the broker. */
  async stop(withinMs = 8000): Promise<void> {
    this.halt();
    await this.finish(withinMs);
  }
  /** Stops reading; what was read goes on. */
  halt(): void {
    this.#stopping = true;
    clearInterval(this.#ticker);
    clearInterval(this.#looking);
    this.#eraser?.stop();
    for (const log of LOGS) this.#readers[log]?.stop();
  }
  /** How it stands after that. */
  halted(): Halted {
    const waiting = [...this.job.moves.waitElsewhere].map((name) => this.#positionOf(name).seq);
    return {
      busy: this.#following > 0 || this.#lanes.underWay > 0,
      read: this.#readers.events?.position.seq ?? Number.POSITIVE_INFINITY,
      waitsFor: Math.max(0, ...waiting),
    };
  }
  /** Reads EVENTS on up to a place, for those who wait for what a group of this part says before it. */
  readOn(upTo: number): void {
    const { events } = this.#readers;
    if (events === undefined || this.#following > 0 || events.position.seq >= upTo) return;
    const { nc, log } = this.#options;
    const stream = this.#names.events;
    const reader = new StreamReader(nc, { stream, after: events.position, until: upTo, log });
    this.#readers = { ...this.#readers, events: reader };
    this.#running.push(this.#reading(() => this.#follow(reader, () => false)));
  }
  /** Lets what was read be acknowledged and checkpointed, and lets go of the broker. */
  async finish(withinMs: number): Promise<void> {
    const end = Date.now() + withinMs;
    const left = () => Math.max(0, end - Date.now());
    const { log } = this.#options;
    const read = await within(Promise.all(this.#running), withinMs);
    const handled = await within(this.#lanes.idle(), left());
    log.debug({ read, handled, leftMs: left() }, "stopping: reading has ended");
    while (!this.#quiet() && Date.now() < end) await pause(20);
    log.debug({ quiet: this.#quiet(), leftMs: left() }, "stopping: what was said is acknowledged");
    // Only what is wholly through: a frame that failed or is under way is read again.
    if (!this.#failed && read && handled && this.#quiet()) {
      await within(
        this.checkpoints.writeAll((group) => this.#done.get(group) ?? NOWHERE),
        left(),
      );
    }
    log.debug({ leftMs: left() }, "stopping: checkpoints are written");
    this.job.moves.abandon(new Error("the engine has stopped"));
    this.#inbox.close();
  }

  /** Whether the checkpoint of a group elsewhere is past the record that a group here is at. */
  async #isPast(source: string, target: string): Promise<boolean> {
    const jsm = await manager(this.#options.nc);
    const marker = this.#names.checkpoint(source, "marker");
    const stored = await lastOf(jsm, this.#names.state, marker);
    const past = stored === undefined ? undefined : decodeMarker(stored.data)?.seq;
    return past !== undefined && past >= this.#positionOf(target).seq;
  }

  #positionOf(group: string): ReadPosition {
    return this.#at.get(group) ?? NOWHERE;
  }

  #quiet(): boolean {
    for (const targets of this.#hops.values()) {
      for (const hop of targets.values()) if (!hop.idle) return false;
    }
    return this.#moves.idle && this.#outputs.size === 0;
  }

  /** Starts reading. */
  run(): void {
    const { in: intake, events, demand } = this.#readers;
    if (intake !== undefined) this.#running.push(this.#reading(() => this.#takeAll(intake)));
    for (const reader of [events, demand])
      if (reader !== undefined) this.#running.push(this.#reading(() => this.#follow(reader)));
    if (this.#part.intake) this.#eraseSometimes();
    this.#ticker = setInterval(() => this.#tick(), TICK_MS);
    void this.#watchConnection();
  }

  /** Whoever was erased is taken out of what is stored, too, once no checkpoint needs it. */
  #eraseSometimes(): void {
    const { nc, log, erasing, others, checkpointEvery } = this.#options;
    if (erasing === undefined) return;
    const { checkpoints, job } = this;
    const groups = { collect: [job.intake], events: job.shoppers, demand: job.demands };
    const eraser = new Eraser({
      nc,
      names: this.#names,
      log,
      ...erasing,
      passed: (flow, seq) =>
        groups[flow].every(({ name }) => checkpoints.after(name).seq >= seq) &&
        others?.passed(flow, seq) !== false,
      rewrite: () => {
        this.rewrite();
        others?.rewrite();
      },
      rewritten: () => checkpoints.rewritten && others?.rewritten() !== false,
    });
    this.#eraser = eraser;
    this.#looking = setInterval(() => {
      eraser.look().catch((error: unknown) => {
        log.warn({ error: String(error) }, "the logs are to be looked through again");
      });
    }, checkpointEvery);
  }

  /** A broker that comes back must still hold what it had acknowledged, and the groups be this version's. */
  async #watchConnection(): Promise<void> {
    let before: readonly StreamTail[] = [];
    for await (const { type } of this.#options.nc.status()) {
      if (this.#stopping || this.#failed) return;
      // As it was when the broker went: what is acknowledged by the one that came back proves nothing.
      if (type === "disconnect") before = this.#inbox.tails;
      if (type === "reconnect") await this.#checkTails(before);
    }
  }
  async #checkTails(tails: readonly StreamTail[]): Promise<void> {
    while (!this.#stopping && !this.#options.nc.isClosed()) {
      try {
        await checkTails(await manager(this.#options.nc), tails);
        return await this.checkpoints.refuseOthers();
      } catch (failure) {
        if (failure instanceof Fault) return this.#fail(failure);
        this.#options.log.debug({ error: String(failure) }, "the broker is asked again");
        await pause(TICK_MS);
      }
    }
  }
  #fail(failure: unknown): void {
    this.#failed = true;
    if (!this.#stopping) this.#options.onFailure(failure);
  }

  /** A failure while a log is read stops the engine, loudly. */
  async #reading(read: () => Promise<void>): Promise<void> {
    this.#following += 1;
    try {
      await read();
    } catch (failure) {
      this.#fail(failure);
    } finally {
      this.#following -= 1;
    }
  }
  /** `IN` for good, in runs: collect is quicker with several messages in a row than with one between two frames. */
  async #takeAll(reader: StreamReader): Promise<void> {
    for await (const run of new Runs(reader.messages(), RUN)) {
      for (const message of run) {
        const turn = this.#breath.taken();
        if (turn !== undefined) await turn;
        const wait = this.#take(message);
        if (wait !== undefined) await wait;
        if (this.#stopping) return;
      }
    }
  }
  /** Frames for good. */
  async #follow(reader: StreamReader, isOver = () => this.#stopping): Promise<void> {
    for await (const message of reader.messages()) {
      await this.#breath.taken();
      const wait = this.#frame(message);
      if (wait !== undefined) await wait;
      if (isOver()) return;
    }
  }

  /** One message of `IN` through collect. */
  #take(message: JsMsg): Promise<void> | undefined {
    const { streamSequence: seq, timestampNanos } = message.info;
    const time = Math.floor(timestampNanos / 1_000_000) as EventTime;
    this.#lastInAt = Date.now();
    this.#stored.set(seq, time);
    this.#at.set(INTAKE, { seq, time });
    this.#done.set(INTAKE, { seq, time });
    this.job.intake.handle({
      subject: message.subject.slice(this.#options.prefix.length + 1),
      data: message.data,
      contentType: message.headers?.get("Content-Type") || undefined,
      seq,
      time,
      msgId: message.headers?.get("Nats-Msg-Id") || undefined,
    });
    this.checkpoints.offer(INTAKE, { seq, time }, 1);
    return this.#room(INTAKE);
  }

  /** One frame through its group, in the group's own lane; those of groups elsewhere are passed over. */
  #frame(message: JsMsg): Promise<void> | undefined {
    const { stream, streamSequence: seq, timestampNanos } = message.info;
    const stored = { stream, subject: message.subject, seq, data: message.data };
    const [flow, group] = message.subject
      .slice(this.#options.prefix.length + "hop".length + 2)
      .split(".");
    const name = `${flow}-${group}`;
    const target = this.#byName.get(name);
    if (target === undefined && this.#elsewhere.has(name)) return undefined;
    if (target === undefined) throw foreignFrame(stored);
    const frame = readFrame(stored);
    return this.#lanes.add(name, async () => {
      // A group that is ahead of the slowest one gets again what it has read.
      if (seq <= this.#positionOf(name).seq) return;
      await this.#breath.taken();
      const position = { seq, time: Math.floor(timestampNanos / 1_000_000) };
      this.#at.set(name, position);
      await this.#handle(target, seq, frame);
      this.#done.set(name, position);
      this.checkpoints.offer(name, position, frame.records.length);
      const room = this.#room(name);
      if (room !== undefined) await room;
    });
  }

  /** Who waits for a group that fails waits in vain. */
  async #handle(group: FlowGroup, seq: number, frame: Frame): Promise<void> {
    try {
      await group.handle(seq, frame, this.#breathe);
    } catch (failure) {
      this.job.moves.abandon(failure);
      throw failure;
    }
  }

  #sink(source: string): GroupSink {
    const fromIn = !source.startsWith(`${this.#options.definition.demand.name}-`);
    return {
      hop: (target: string, record: LogRecord) => {
        const hop = this.#hops.get(source)?.get(target);
        if (hop === undefined) throw new Error(`no hop leads from ${source} to ${target}`);
        hop.push(record, this.#leftBehind(source, record));
      },
      output: (output, position) => {
        const storedAt = fromIn ? this.#stored.get(position[0]) : undefined;
        this.#outputs.publish(output, source, this.#positionOf(source).time, storedAt);
      },
    };
  }

  /**
   * The half of a link that joins stands on the log behind the half that leaves: who waits for a
   * group has read what that group is to do first.
   */
  #leftBehind(source: string, record: LogRecord): HopPublisher | undefined {
    if (record[0] !== LINK || record[7] !== JOINS) return undefined;
    return this.#hops.get(source)?.get(groupOfKey(this.#options.definition, record[4]));
  }

  /** Waits while what a source sends has no room; undefined when there is room. */
  #room(source: string): Promise<void> | undefined {
    const full: HopPublisher[] = [];
    for (const hop of this.#hops.get(source)?.values() ?? [])
      if (hop.queued > HOP_ROOM) full.push(hop);
    if (full.length === 0 && this.#outputs.size < OUTPUT_ROOM) return undefined;
    const drained = full.map(
      (hop) => new Promise<void>((resolve) => hop.whenBelow(HOP_ROOM / 2, resolve)),
    );
    return Promise.all([...drained, this.#outputs.below(OUTPUT_ROOM)]).then(() => undefined);
  }

  /** One publisher per (source, target), behind the tail an earlier run left. */
  async #openHops(): Promise<void> {
    const jsm = await manager(this.#options.nc);
    const { definition, shoppers } = this.job;
    const targets = groupNames(definition);
    const opening: Promise<void>[] = [];
    const open = (stream: string, source: string, target: string) => {
      const targets = this.#hops.get(source) ?? new Map<string, HopPublisher>();
      this.#hops.set(source, targets);
      const subject = this.#names.hop(target, source);
      opening.push(
        lastOf(jsm, stream, subject).then((stored) => {
          const last = stored && readFrame(placed(stored, stream)).records.at(-1);
          // A log that has aged out whole is behind what the checkpoint remembers of its end.
          const kept = this.checkpoints.tails(source).find(([name]) => name === target);
          const tail = latestOf(last && [last[1], last[2]], kept && [kept[1], kept[2]]);
          const through = { inbox: this.#inbox, slots: this.#slots };
          targets.set(target, new HopPublisher(through, { subject, source, target, tail }));
        }),
      );
    };
    if (this.#part.intake) {
      for (const shopper of targets.shoppers) open(this.#names.events, INTAKE, shopper);
      for (const demand of targets.demands) open(this.#names.demand, INTAKE, demand);
    }
    for (const { name } of shoppers)
      for (const demand of targets.demands) open(this.#names.demand, name, demand);
    await Promise.all(opening);
  }

  /**
   * When every log has been read to its end as the broker tells it (a reader that waits for its
   * broker does not know), nothing that stands on `OUT` can be made again.
   */
  async #forgetKnown(): Promise<void> {
    const jsm = await manager(this.#options.nc);
    const logs = LOGS.filter((log) => this.#readers[log] !== undefined);
    const infos = await Promise.all(logs.map((log) => jsm.streams.info(this.#names[log])));
    const isRead = ({ state }: StreamInfo, i: number) =>
      state.last_seq === this.#readers[logs[i] as LogName]?.position.seq;
    if (this.caughtUp && infos.every(isRead)) this.#known.clear();
  }

  /** Raw identifiers do not stay: what the intake's checkpoints are past goes when it is old enough. */
  #forgetRaw(now: number): void {
    const { keepRaw, nc, log } = this.#options;
    const until = Math.min(this.#forgettable, this.#eraser?.needed ?? this.#forgettable);
    this.#lastForgot = now;
    this.#forgettable = this.checkpoints.after(INTAKE).seq;
    if (keepRaw === undefined || until === 0 || this.#stopping) return;
    manager(nc)
      .then((jsm) => forgetBefore(jsm, this.#names.in, now - keepRaw, until))
      .catch((error: unknown) => {
        log.debug({ error: String(error) }, "raw records are kept for now");
      });
  }

  #tick(): void {
    if (this.caughtUp && this.#known.size > 0) {
      this.#forgetKnown().catch((error: unknown) => {
        this.#options.log.debug({ error: String(error) }, "known outputs are kept for now");
      });
    }
    if (!this.#part.intake) return;
    const now = Date.now();
    const { keepRaw = FORGET_MS } = this.#options;
    if (now - this.#lastForgot >= Math.min(FORGET_MS, keepRaw)) this.#forgetRaw(now);
    if (!this.#options.ticks || now - this.#lastInAt < TICK_MS || this.#stopping) return;
    const id = headers();
    id.set("Nats-Msg-Id", `tick-${Math.floor(now / 1000)}`);
    try {
      this.#options.nc.publish(this.#names.subject("in.tick"), new Uint8Array(), { headers: id });
    } catch (error) {
      this.#options.log.debug({ error: String(error) }, "tick not sent");
    }
  }
}

/** Its properties are the client's, and not its own. */
const placed = ({ subject, seq, data }: StoredMsg, stream: string): StoredFrame => ({
  stream,
  subject,
  seq,
  data,
});

function latestOf(a: Position | undefined, b: Position | undefined): Position | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return comparePositions(a, b) > 0 ? a : b;
}

/** What a broker that is away says of itself, as a fault with a remedy; anything else as it is. */
function unanswered(error: unknown): unknown {
  if (!(error instanceof NatsError)) return error;
  return new Fault("BROKER_UNREACHABLE", `the broker does not answer: ${error.message}`, {}, error);
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
