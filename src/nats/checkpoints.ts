import type { NatsConnection } from "nats";
import { Fault, isFault } from "../faults.ts";
import { Breath } from "../flow/breath.ts";
import { type Checkpointed, Checkpointer, type CheckpointStore } from "../state/checkpointer.ts";
import type { HopTail, Marker } from "../state/marker.ts";
import type { Millis } from "../time/event-time.ts";
import type { Log } from "../watch/log.ts";
import type { AckInbox } from "./ack-inbox.ts";
import { BrokerCheckpoints } from "./checkpoint-store.ts";
import { checkTails } from "./log-check.ts";
import type { ReadPosition } from "./reader.ts";
import { refuseWhileRead } from "./readers-of.ts";
import { manager, type Names } from "./streams.ts";

export interface CheckpointsOptions {
  readonly nc: NatsConnection;
  readonly inbox: AckInbox;
  readonly names: Names;
  readonly owner: string;
  /** Of the build and its configuration: another one may only go on where this one stopped cleanly. */
  readonly version: string;
  /** How many key groups the flows have, e.g. `16+4`. */
  readonly layout: string;
  readonly every: Millis;
  /** Records of a group after which its checkpoint does not wait for the time. */
  readonly records: number;
  readonly log: Log;
  /** Where a group's records stand on the logs of its targets. */
  readonly tails: (group: string) => readonly HopTail[];
  /** Resolves once everything the group caused so far is acknowledged. */
  readonly settled: (group: string) => Promise<unknown>;
  /** Told when another version has taken a group over: this engine must stop. */
  readonly onTakenOver: (fault: Fault) => void;
}

interface Entry {
  readonly checkpointer: Checkpointer;
  /** Wall time from which the next checkpoint is due. */
  dueAt: number;
  /** Records since the last one was begun. */
  records: number;
  /** When it last asked for its turn. */
  offeredAt: number;
  /** Position of the last one. */
  at: ReadPosition;
  /** Checkpoints that stand and began after the group was last to be written anew. */
  anew: number;
  /** The one that is being written began before that. */
  stale: boolean;
}

/** Groups whose checkpoints are written at the same time. */
const AT_A_TIME = 2;
/** A due group that has not asked for so long is not waited for. */
const PATIENCE_MS = 2000;
/** Encoding holds the thread for so long at the most. */
const SLICE_MS = 4;

/** Writes checkpoints of all groups by and by, and restores from them. */
export class Checkpoints {
  readonly #options: CheckpointsOptions;
  readonly #entries = new Map<string, Entry>();
  #writing = 0;
  #written = 0;
  #bytes = 0;
  #torn = 0;
  readonly #breath = new Breath(SLICE_MS);

  constructor(groups: readonly Checkpointed[], options: CheckpointsOptions) {
    this.#options = options;
    const { nc, inbox, names, owner, version, layout, every, log } = options;
    groups.forEach((group, i) => {
      const store: CheckpointStore = new BrokerCheckpoints(nc, inbox, names, group.name, log);
      const checkpointer = new Checkpointer(group, store, {
        owner,
        version,
        layout,
        breathe: () => this.#breath.taken(),
        onTorn: (marker, why) => {
          this.#torn += 1;
          log.warn(
            { group: group.name, seq: marker.seq, why },
            "a checkpoint is torn; the one before it is taken",
          );
        },
      });
      const dueAt = Date.now() + every + (every * i) / groups.length;
      this.#entries.set(group.name, {
        checkpointer,
        dueAt,
        records: 0,
        offeredAt: 0,
        at: NOWHERE,
        anew: 0,
        stale: false,
      });
    });
  }

  /** For the metrics. */
  get counts(): { readonly written: number; readonly bytes: number; readonly torn: number } {
    return { written: this.#written, bytes: this.#bytes, torn: this.#torn };
  }
  /** Oldest position and time a group goes on from: 0 where there is no checkpoint. */
  after(group: string): ReadPosition {
    return this.#entries.get(group)?.at ?? NOWHERE;
  }
  /** Makes every group write all that it remembers at its next checkpoint. */
  rewrite(): void {
    for (const entry of this.#entries.values()) {
      entry.stale = entry.checkpointer.writing;
      entry.anew = 0;
      entry.checkpointer.rewrite();
    }
  }
  /** Every group has done so, and once more: the markers before that are gone, with their pieces. */
  get rewritten(): boolean {
    return [...this.#entries.values()].every(({ anew }) => anew >= 2);
  }
  tails(group: string): readonly HopTail[] {
    return this.#entries.get(group)?.checkpointer.marker?.tails ?? [];
  }

  /**
   * Fills every group from its latest whole checkpoint; throws VERSION_MISMATCH, STATE_INVALID,
   * ENGINE_RUNS while a twin of the version that stopped still reads, and as `checkTails` when the broker does not hold any more what it had acknowledged.
   */
  async restore(): Promise<void> {
    const jsm = await manager(this.#options.nc);
    const left = [...this.#entries];
    const work = async () => {
      for (let next = left.pop(); next !== undefined; next = left.pop()) {
        const [group, entry] = next;
        const marker = await entry.checkpointer.restore();
        if (marker === undefined) continue;
        this.#check(group, marker);
        entry.at = { seq: marker.seq, time: marker.time };
      }
    };
    await Promise.all(Array.from({ length: RESTORED_AT_A_TIME }, work));
    const markers = [...this.#entries.values()].map(({ checkpointer }) => checkpointer.marker);
    const { version, names, log } = this.#options;
    if (markers.some((marker) => marker !== undefined && marker.version !== version)) {
      await refuseWhileRead(jsm, names);
      log.warn({ version }, "another build, configuration or tenant key goes on from a clean stop");
    }
    const acknowledged = markers.flatMap((marker) => marker?.acknowledged ?? []);
    await checkTails(jsm, acknowledged);
    this.#options.inbox.remember(acknowledged);
  }

  /** Before anything is decided: see `Checkpointer.claim`. */
  async claim(): Promise<void> {
    await Promise.all([...this.#entries.values()].map(({ checkpointer }) => checkpointer.claim()));
    await this.refuseOthers();
  }
  /**
   * Throws VERSION_MISMATCH when another version has claimed the groups meanwhile. Whoever claims has
   * claimed all of them before he looks: of two that start at once at least one sees the other.
   */
  async refuseOthers(): Promise<void> {
    const [first] = this.#entries.values();
    await first?.checkpointer.refuseOthers();
  }

  #check(group: string, marker: Marker): void {
    const { layout } = this.#options;
    if (marker.layout !== layout) {
      throw new Fault(
        "STATE_INVALID",
        `${group} was stored by an engine with ${marker.layout} key groups, this one has ${layout}: their number is fixed once there is state`,
        { group },
      );
    }
    if (marker.version === this.#options.version || marker.clean) return;
    throw new Fault(
      "VERSION_MISMATCH",
      `${group} was left in the middle of its log, at ${marker.seq}, by another build or configuration`,
      { group, theirs: marker.version, ours: this.#options.version },
    );
  }

  /** Call it between two messages of a group, of so many records: begins a checkpoint when one is due. */
  offer(group: string, at: ReadPosition, records: number): void {
    const entry = this.#entries.get(group);
    if (entry === undefined) return;
    const now = Date.now();
    entry.records += records;
    if (entry.records >= this.#options.records) entry.dueAt = Math.min(entry.dueAt, now);
    if (entry.dueAt > now) return;
    if (entry.checkpointer.writing || entry.at.seq === at.seq) return;
    entry.offeredAt = now;
    if (this.#writing >= AT_A_TIME || this.#isOther(entry, now)) return;
    entry.dueAt = now + this.#options.every;
    entry.records = 0;
    this.#write(group, entry, at, false).catch((error: unknown) => {
      if (isFault(error, "VERSION_MISMATCH")) this.#options.onTakenOver(error);
      this.#options.log.warn({ group, error: String(error) }, "a checkpoint was not written");
    });
  }

  /** Whether a group that has been due for longer, and is alive, is to come first. */
  #isOther(entry: Entry, now: number): boolean {
    for (const other of this.#entries.values()) {
      if (other.dueAt < entry.dueAt && other.offeredAt > now - PATIENCE_MS) return true;
    }
    return false;
  }

  /** The last checkpoint of every group, once nothing is under way: `at` says where each stands. */
  async writeAll(at: (group: string) => ReadPosition): Promise<void> {
    const left = [...this.#entries];
    const work = async () => {
      for (let next = left.pop(); next !== undefined; next = left.pop()) {
        const [group, entry] = next;
        while (entry.checkpointer.writing) await new Promise((resolve) => setTimeout(resolve, 10));
        const position = at(group);
        if (position.seq > 0) await this.#write(group, entry, position, true);
      }
    };
    await Promise.all(Array.from({ length: RESTORED_AT_A_TIME }, work));
  }

  async #write(group: string, entry: Entry, at: ReadPosition, clean: boolean): Promise<void> {
    const { settled, tails, inbox, log } = this.#options;
    this.#writing += 1;
    try {
      const cost = await entry.checkpointer.write({
        ...at,
        clean,
        settled: settled(group),
        tails: () => tails(group),
        acknowledged: () => inbox.tails,
      });
      if (cost === undefined) {
        log.info({ group }, "another owner of the group writes its checkpoints");
        return;
      }
      entry.at = at;
      if (entry.stale) entry.stale = false;
      else entry.anew += 1;
      this.#written += 1;
      this.#bytes += cost.bytes;
    } finally {
      this.#writing -= 1;
    }
  }
}

const NOWHERE: ReadPosition = { seq: 0, time: 0 };
const RESTORED_AT_A_TIME = 4;
