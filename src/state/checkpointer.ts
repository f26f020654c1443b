import { Fault } from "../faults.ts";
import type { Breathe } from "../flow/breath.ts";
import type { OperatorVersion } from "../flow/operator-versions.ts";
import { sameOperators } from "../flow/operator-versions.ts";
import {
  digestOf,
  encodeMarker,
  type HopTail,
  type Marker,
  markerName,
  type PieceRef,
  type StreamTail,
  sameBytes,
} from "./marker.ts";
import type { Cut, Part } from "./part.ts";

/** Where the checkpoints of one group are kept. */
export interface CheckpointStore {
  /** Resolves to the sequence of the piece once it is stored. */
  put(piece: Uint8Array): Promise<number>;
  /** `id` names the marker, however often it is sent. */
  mark(marker: Uint8Array, id: string): Promise<void>;
  /** Markers that can be read, the latest first. */
  markers(): Promise<readonly Marker[]>;
  /** The pieces of these sequences that are still there, in their order. */
  read(
    seqs: readonly number[],
  ): AsyncIterable<{ readonly seq: number; readonly bytes: Uint8Array }>;
  /** Forgets the pieces before a sequence and all markers but the latest two. */
  purge(before: number): Promise<void>;
}

/** What a checkpointer writes of and restores into. */
export interface Checkpointed {
  readonly name: string;
  parts(): readonly Part[];
  readonly operators: readonly OperatorVersion[];
  /** Brings states that were written by other operators to these; only after a restore. */
  lift?(writtenBy: readonly OperatorVersion[]): void;
}

export interface CheckpointerOptions {
  readonly owner: string;
  /** Of the build and its configuration. */
  readonly version: string;
  /** How many key groups the flows have. */
  readonly layout: string;
  /** Asked now and then while pieces are encoded. */
  readonly breathe: Breathe;
  /** Told of a checkpoint that could not be used. */
  readonly onTorn: (marker: Marker, why: string) => void;
}

/** The moment of a checkpoint. */
export interface CheckpointAt {
  readonly seq: number;
  readonly time: number;
  readonly clean: boolean;
  /** Both asked for once it is settled. */
  readonly tails: () => readonly HopTail[];
  readonly acknowledged: () => readonly StreamTail[];
  /** Resolves once everything caused by records up to `seq` is acknowledged. */
  readonly settled: Promise<unknown>;
}

/** What one checkpoint cost. */
export interface CheckpointCost {
  readonly pieces: number;
  readonly bytes: number;
}

/** Cuts a part may be spread over before it is written whole again. */
const CUTS_A_CHAIN = 64;
/** Pieces that are on their way at a time. */
const UNDER_WAY = 4;

/** Writes the checkpoints of one key group and restores from them. */
export class Checkpointer {
  readonly #of: Checkpointed;
  readonly #store: CheckpointStore;
  readonly #options: CheckpointerOptions;
  readonly #parts: readonly Part[];
  /** Of the last checkpoint that stands. */
  #marker: Marker | undefined;
  /** False while what the store holds is not what the parts' changes follow on. */
  #linked = false;
  #writing = false;
  /** The next checkpoint is to name no piece of an earlier one. */
  #anew = false;
  /** Markers that `restore` passed over: nobody's checkpoints. */
  readonly #torn = new Set<string>();
  /** Markers that stood there before anything was decided. */
  readonly #earlier = new Set<string>();

  constructor(of: Checkpointed, store: CheckpointStore, options: CheckpointerOptions) {
    this.#of = of;
    this.#store = store;
    this.#options = options;
    this.#parts = of.parts();
  }

  /** From the next checkpoint on no piece that was written until now is needed. */
  rewrite(): void {
    this.#anew = true;
  }

  get writing(): boolean {
    return this.#writing;
  }
  /** The last checkpoint that was written or restored. */
  get marker(): Marker | undefined {
    return this.#marker;
  }

  /** Fills the empty parts from the latest checkpoint that is whole; undefined when there is none. */
  async restore(): Promise<Marker | undefined> {
    const markers = await this.#store.markers();
    for (const marker of markers) this.#earlier.add(markerName(marker));
    for (const marker of markers) {
      const runs = await this.#load(marker);
      if (runs === undefined) {
        this.#torn.add(markerName(marker));
        continue;
      }
      for (const { part, era, bytes } of runs) part.restore(bytes, era);
      const same = sameOperators(marker.operators, this.#of.operators);
      if (!same) this.#of.lift?.(marker.operators);
      this.#marker = marker;
      this.#linked = same;
      return marker;
    }
    return undefined;
  }

  /**
   * Says that this version decides from here on, before anything is decided: the same state under a
   * marker of its own, which no other version may go on from.
   */
  async claim(): Promise<void> {
    const { owner, version, layout } = this.#options;
    const { name: group, operators } = this.#of;
    const nothing = { cut: 0, seq: 0, time: 0, operators, tails: [], acknowledged: [], pieces: [] };
    const { cut, ...found } = this.#marker ?? nothing;
    const claimed = { ...found, group, cut: cut + 1, version, layout, clean: false, owner };
    await this.#store.mark(encodeMarker(claimed), markerName(claimed));
    this.#marker = claimed;
  }

  /**
   * Throws VERSION_MISMATCH when another version has said so meanwhile: of two that decide the same
   * events one must stop.
   */
  async refuseOthers(): Promise<void> {
    this.#refuse(await this.#store.markers());
  }
  #refuse(stored: readonly Marker[]): void {
    const other = stored.find(
      (marker) =>
        marker.version !== this.#options.version && !this.#earlier.has(markerName(marker)),
    );
    if (other === undefined) return;
    throw new Fault(
      "VERSION_MISMATCH",
      `another build or configuration goes on with ${this.#of.name}, since ${other.seq}`,
      { group: this.#of.name, theirs: other.version, ours: this.#options.version },
    );
  }

  /** Every run of bytes a marker names; undefined when one is missing or not what it was. */
  async #load(marker: Marker): Promise<readonly Run[] | undefined> {
    const found = new Map<number, Uint8Array>();
    const torn = await tornBy(this.#store, marker, (seq, bytes) => found.set(seq, bytes));
    if (torn === undefined) return runsOf(marker.pieces, found, this.#parts);
    this.#options.onTorn(marker, torn);
    return undefined;
  }

  /**
   * Call it between two messages: what is written is this moment. Resolves to undefined when it was
   * given up because another owner of the group writes checkpoints already; throws as `refuseOthers`.
   */
  async write(at: CheckpointAt): Promise<CheckpointCost | undefined> {
    if (this.#writing) throw new Error(`a checkpoint of ${this.#of.name} is being written already`);
    this.#writing = true;
    const chain = this.#linked && !this.#anew ? (this.#marker?.pieces ?? []) : [];
    if (this.#anew) for (const part of this.#parts) part.relearn?.();
    const cuts = this.#parts.map((part) => {
      const pieces = chain.filter((ref) => ref.part === part.name);
      const whole = isLong(pieces);
      return { part, cut: part.cut(whole), kept: whole ? [] : pieces };
    });
    this.#anew = false;
    // From here on the parts have forgotten what changed before: only this checkpoint knows.
    this.#linked = false;
    try {
      return await this.#write(cuts, at);
    } finally {
      this.#writing = false;
    }
  }

  async #write(cuts: readonly PartCut[], at: CheckpointAt): Promise<CheckpointCost | undefined> {
    const cut = (this.#marker?.cut ?? 0) + 1;
    const fresh = await this.#put(cuts, cut);
    const pieces = cuts.flatMap(({ part, cut: of, kept }) => [
      ...kept.filter((ref) => ref.era >= of.keepFrom),
      ...fresh.filter((ref) => ref.part === part.name),
    ]);
    await at.settled;
    const stored = await this.#store.markers();
    this.#refuse(stored);
    const latest = stored.find((marker) => !this.#torn.has(markerName(marker)));
    const goesOn = cuts.some(({ kept }) => kept.length > 0);
    if (!sameMarker(latest, this.#marker) && (goesOn || (latest?.seq ?? 0) > at.seq)) {
      return undefined;
    }
    const { owner, version, layout } = this.#options;
    const { name: group, operators } = this.#of;
    const { seq, time, clean } = at;
    const tails = at.tails();
    const acknowledged = at.acknowledged();
    const about = { group, cut, seq, time, version, layout, clean, owner };
    const marker = { ...about, operators, tails, acknowledged, pieces };
    await this.#store.mark(encodeMarker(marker), markerName(marker));
    this.#marker = marker;
    this.#linked = true;
    await this.#purge([...(latest?.pieces ?? []), ...pieces]);
    return { pieces: fresh.length, bytes: fresh.reduce((sum, ref) => sum + ref.bytes, 0) };
  }

  async #put(cuts: readonly PartCut[], cut: number): Promise<readonly PieceRef[]> {
    const refs: Promise<PieceRef>[] = [];
    for (const { part, cut: of } of cuts) {
      for (const piece of of.pieces()) {
        if (piece === undefined) {
          await this.#options.breathe();
          continue;
        }
        const { era, bytes } = piece;
        const digest = digestOf(bytes);
        const put = this.#store.put(bytes);
        refs.push(
          put.then((seq) => ({ part: part.name, cut, era, seq, bytes: bytes.length, digest })),
        );
        if (refs.length > UNDER_WAY) await refs[refs.length - 1 - UNDER_WAY];
        await this.#options.breathe();
      }
    }
    return Promise.all(refs);
  }

  /** What neither of the two latest markers names is needed by nobody. */
  async #purge(needed: readonly PieceRef[]): Promise<void> {
    let first = Number.POSITIVE_INFINITY;
    for (const { seq } of needed) first = Math.min(first, seq);
    if (first < Number.POSITIVE_INFINITY) await this.#store.purge(first);
  }
}

/** Why a checkpoint cannot be used, undefined when it can; `onPiece` gets what is as it was written. */
export async function tornBy(
  store: CheckpointStore,
  { pieces }: Marker,
  onPiece: (seq: number, bytes: Uint8Array) => void = () => undefined,
): Promise<string | undefined> {
  const refs = new Map(pieces.map((ref) => [ref.seq, ref]));
  let whole = 0;
  for await (const { seq, bytes } of store.read([...refs.keys()].sort((a, b) => a - b))) {
    const ref = refs.get(seq);
    if (ref === undefined || !sameBytes(digestOf(bytes), ref.digest)) {
      return `piece ${seq} is not what was written`;
    }
    whole += 1;
    onPiece(seq, bytes);
  }
  return whole === refs.size
    ? undefined
    : `${refs.size - whole} of ${refs.size} pieces are missing`;
}

/** Whether nobody has written a marker since one's own. */
const sameMarker = (a: Marker | undefined, b: Marker | undefined): boolean =>
  (a === undefined ? undefined : markerName(a)) === (b === undefined ? undefined : markerName(b));

interface PartCut {
  readonly part: Part;
  readonly cut: Cut;
  /** Pieces of earlier checkpoints that the cut goes on from. */
  readonly kept: readonly PieceRef[];
}
/** The bytes one cut wrote of one part in one era. */
interface Run {
  readonly part: Part;
  readonly era: number;
  readonly bytes: Uint8Array;
}

/** True when a part had better be written whole: nothing is there, or its changes outweigh it. */
function isLong(pieces: readonly PieceRef[]): boolean {
  const first = pieces[0];
  if (first === undefined) return true;
  const cuts = new Set(pieces.map(({ cut }) => cut)).size;
  if (cuts >= CUTS_A_CHAIN) return true;
  const sum = (of: readonly PieceRef[]) => of.reduce((total, { bytes }) => total + bytes, 0);
  const base = sum(pieces.filter(({ cut }) => cut === first.cut));
  return cuts > 4 && sum(pieces) > 2 * base + SMALL;
}

/** Changes that need not be weighed. */
const SMALL = 64 * 1024;

function runsOf(
  refs: readonly PieceRef[],
  found: ReadonlyMap<number, Uint8Array>,
  parts: readonly Part[],
): readonly Run[] {
  const byRun = new Map<string, { part: Part; era: number; cut: number; pieces: Uint8Array[] }>();
  for (const ref of refs) {
    const part = parts.find(({ name }) => name === ref.part);
    if (part === undefined) continue;
    const name = `${ref.part}\n${ref.cut}\n${ref.era}`;
    const run = byRun.get(name) ?? { part, era: ref.era, cut: ref.cut, pieces: [] };
    byRun.set(name, run);
    run.pieces.push(found.get(ref.seq) as Uint8Array);
  }
  return [...byRun.values()].map(({ part, era, pieces }) => {
    const bytes = pieces.length === 1 ? (pieces[0] as Uint8Array) : Buffer.concat(pieces);
    return { part, era, bytes };
  });
}
