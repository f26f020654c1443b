import { type EventTime, type Millis, millis } from "./event-time.ts";
import { floorDiv, floorMod, gcd } from "./window.ts";

/** Sliding sums: how time is cut and what is summed. Made by `paneSpec`. */
export interface PaneSpec {
  readonly pane: Millis;
  readonly offset: Millis;
  /** Panes in a window. */
  readonly panes: number;
  /** Panes kept behind the window, for what comes late and for windows that fire again. */
  readonly keep: number;
  /** Numbers summed side by side (views, carts, orders …). */
  readonly measures: number;
  /** Numbers of the owner's that lie beside the totals, for `note`. */
  readonly notes: number;
}

/**
 * Sums of one key, as plain data: `[head, capacity, total per measure…, notes…, cells…]`.
 *
 * Panes are told by their index (`paneIndex`). `head` is the newest pane of the window; the totals
 * cover `(head - panes, head]`.
 * With a capacity above 0 the cells are a ring where pane `p` lies at `p mod capacity`. Otherwise
 * they are a list of `-capacity` entries `(pane, sum per measure…)` sorted by pane, for keys that
 * are seldom seen, with zeros behind. Panes ahead of `head` are held but not yet in the totals. An
 * array instead of an object, because there is one a key: 96 bytes for a key seen once, 8 bytes a
 * pane in a ring. Never -0 into it: with small integers alone, all rings have one shape for V8.
 */
export type PaneRing = number[];

const HEAD = 0;
const CAPACITY = 1;
const TOTALS = 2;

/** Longest sparse list: what makes an insertion O(1). Shorter where a ring takes less memory. */
const SPARSE_ENTRIES = 32;
/** A list stays one, however long, while a ring would take more than so many times its room. */
const EMPTIEST_RING = 16;

export function paneSpec(options: {
  readonly size: Millis;
  readonly slide: Millis;
  readonly offset?: Millis;
  readonly keep?: Millis;
  readonly measures?: number;
  readonly notes?: number;
}): PaneSpec {
  const { size, slide, offset = millis(0), keep = millis(0), measures = 1, notes = 0 } = options;
  if (size <= 0 || slide <= 0) throw new RangeError("size and slide of a window must be positive");
  const pane = millis(gcd(size, slide));
  return { pane, offset, panes: size / pane, keep: Math.ceil(keep / pane), measures, notes };
}

export const paneIndex = (spec: PaneSpec, at: EventTime): number =>
  floorDiv(at - spec.offset, spec.pane);

/** The first instant of a pane. */
export const paneStart = (spec: PaneSpec, pane: number): EventTime =>
  (pane * spec.pane + spec.offset) as EventTime;

const cell = (ring: PaneRing, place: number): number => ring[place] as number;
export const headOf = (ring: PaneRing): number => cell(ring, HEAD);
/** Where totals and notes end and panes begin. */
const firstCell = ({ measures, notes }: PaneSpec): number => TOTALS + measures + notes;

/** Panes up to this one are forgotten. */
const horizon = (ring: PaneRing, spec: PaneSpec): number => headOf(ring) - spec.panes - spec.keep;

/** True when it is a ring by now, false while it is a list. */
export const inRing = (ring: PaneRing): boolean => cell(ring, CAPACITY) > 0;
/** Where the list's entries end. */
const listEnd = (ring: PaneRing, spec: PaneSpec): number =>
  firstCell(spec) - cell(ring, CAPACITY) * (spec.measures + 1);

/** No sums, in the window whose newest pane is `head`; notes are 0. */
export function emptyPanes(spec: PaneSpec, head: number): PaneRing {
  const ring = longer([], firstCell(spec));
  ring[HEAD] = head;
  return ring;
}

/** False when the pane is forgotten: a sum added there would be lost. */
export const remembers = (ring: PaneRing, spec: PaneSpec, pane: number): boolean =>
  pane > horizon(ring, spec);

/** True when no pane holds anything: the state may be dropped. */
export const holdsNothing = (ring: PaneRing, spec: PaneSpec): boolean =>
  inRing(ring) ? occupied(ring, spec).length === 0 : cell(ring, CAPACITY) === 0;

/** The sum of the window that ends with the head. */
export const total = (ring: PaneRing, _spec: PaneSpec, measure = 0): number =>
  cell(ring, TOTALS + measure);

/** The owner's number, which nothing here looks at. */
export const note = (ring: PaneRing, spec: PaneSpec): number => cell(ring, TOTALS + spec.measures);
export const setNote = (ring: PaneRing, spec: PaneSpec, to: number): void => {
  ring[TOTALS + spec.measures] = to;
};

/**
 * Adds `value` to a pane; use the ring that is returned. Nothing happens when the pane is forgotten
 * (ask `remembers` first and count it as late). Sums are exact for whole
 * numbers; rounding of others is forgotten within two lengths of the window.
 */
export function addToPane(
  ring: PaneRing,
  spec: PaneSpec,
  pane: number,
  value: number,
  measure = 0,
): PaneRing {
  const { panes, keep, measures, notes } = spec;
  const behind = cell(ring, HEAD) - pane;
  if (behind >= panes + keep || value === 0) return ring;
  if (behind >= 0 && behind < panes) {
    ring[TOTALS + measure] = cell(ring, TOTALS + measure) + value;
  }
  const capacity = cell(ring, CAPACITY);
  // Spelt out, not called: this is the path of nearly every event.
  const first = TOTALS + measures + notes;
  let place = first;
  if (capacity <= 0) {
    place -= (capacity + 1) * (measures + 1);
    // Below the first entry lie totals, and a list without entries has none to compare.
    if (capacity === 0 || cell(ring, place) !== pane) {
      return addToList(ring, spec, pane, value, measure);
    }
    place += 1 + measure;
  } else {
    if (panes + keep - behind > capacity) return addBeyondRing(ring, spec, pane, value, measure);
    place += (pane - Math.floor(pane / capacity) * capacity) * measures + measure;
  }
  ring[place] = cell(ring, place) + value;
  return ring;
}

/** Moves the window on until `head` is its newest pane; never back. Use the ring that is returned. */
export function advanceTo(ring: PaneRing, spec: PaneSpec, head: number): PaneRing {
  if (head <= headOf(ring)) return ring;
  return inRing(ring) ? advanceRing(ring, spec, head) : advanceList(ring, spec, head);
}

/** The sum over the panes from `from` to `to`, both included. */
export function sumBetween(
  ring: PaneRing,
  spec: PaneSpec,
  from: number,
  to: number,
  measure = 0,
): number {
  const first = Math.max(from, horizon(ring, spec) + 1);
  const capacity = cell(ring, CAPACITY);
  let sum = 0;
  if (capacity <= 0) {
    const end = listEnd(ring, spec);
    for (let i = firstCell(spec); i < end; i += spec.measures + 1) {
      const pane = cell(ring, i);
      if (pane >= first && pane <= to) sum += cell(ring, i + 1 + measure);
    }
    return sum;
  }
  const newest = Math.min(to, horizon(ring, spec) + capacity);
  for (let p = first; p <= newest; p++) sum += cell(ring, ringPlace(spec, capacity, p) + measure);
  return sum;
}

/** The first pane, from `from` on, that holds anything. */
export function nextOccupied(ring: PaneRing, spec: PaneSpec, from: number): number | undefined {
  const first = Math.max(from, horizon(ring, spec) + 1);
  const capacity = cell(ring, CAPACITY);
  if (capacity <= 0) {
    const end = listEnd(ring, spec);
    for (let i = firstCell(spec); i < end; i += spec.measures + 1) {
      if (cell(ring, i) >= first) return cell(ring, i);
    }
    return undefined;
  }
  const newest = horizon(ring, spec) + capacity;
  for (let pane = first; pane <= newest; pane++) {
    if (occupiedAt(ring, spec, ringPlace(spec, capacity, pane))) return pane;
  }
  return undefined;
}

/** The newest pane that holds anything. */
export function newestOccupied(ring: PaneRing, spec: PaneSpec): number | undefined {
  const capacity = cell(ring, CAPACITY);
  if (capacity < 0) return cell(ring, listEnd(ring, spec) - spec.measures - 1);
  const oldest = horizon(ring, spec) + 1;
  for (let pane = oldest + capacity - 1; pane >= oldest; pane--) {
    if (occupiedAt(ring, spec, ringPlace(spec, capacity, pane))) return pane;
  }
  return undefined;
}

function occupiedAt(ring: PaneRing, { measures }: PaneSpec, place: number): boolean {
  for (let m = 0; m < measures; m++) if (cell(ring, place + m) !== 0) return true;
  return false;
}

const ringPlace = (spec: PaneSpec, capacity: number, pane: number): number =>
  firstCell(spec) + floorMod(pane, capacity) * spec.measures;

function addToList(
  ring: PaneRing,
  spec: PaneSpec,
  pane: number,
  value: number,
  measure: number,
): PaneRing {
  const width = spec.measures + 1;
  const first = firstCell(spec);
  const end = listEnd(ring, spec);
  let place = end;
  while (place > first && cell(ring, place - width) >= pane) place -= width;
  if (place < end && cell(ring, place) === pane) {
    ring[place + 1 + measure] = cell(ring, place + 1 + measure) + value;
    return ring;
  }
  const entries = 0 - cell(ring, CAPACITY);
  if (entries >= longestList(spec)) {
    const promoted = toRing(ring, spec, Math.max(pane, cell(ring, end - width)));
    if (promoted !== undefined) return addInRing(promoted, spec, pane, value, measure);
  }
  const list = end < ring.length ? ring : longer(ring, ring.length + roomFor(entries) * width);
  for (let i = end - 1; i >= place; i--) list[i + width] = cell(list, i);
  for (let i = place; i < place + width; i++) list[i] = 0;
  list[place] = pane;
  list[place + 1 + measure] = value;
  list[CAPACITY] = cell(list, CAPACITY) - 1;
  return list;
}

/** Entries of a list that becomes a ring when one more comes: many where late elements are awaited long. */
function longestList({ panes, keep, measures }: PaneSpec): number {
  const width = measures + 1;
  const usual = Math.min(SPARSE_ENTRIES, (panes * measures) / width);
  return Math.max(usual, ((panes + keep) * measures) / width / EMPTIEST_RING);
}

/** Entries that a full list of so many grows by: none to spare for a key that is seen once. */
const roomFor = (entries: number): number => (entries === 0 ? 1 : Math.max(2, entries));

/**
 * A copy of exactly the wanted length, with zeros behind: an array that grows by itself takes room
 * for 16 more. Two loops are several times faster than `fill` or `concat` for arrays this short.
 */
function longer(ring: PaneRing, length: number): PaneRing {
  const copy = new Array<number>(length);
  const end = Math.min(ring.length, length);
  for (let i = 0; i < end; i++) copy[i] = cell(ring, i);
  for (let i = end; i < length; i++) copy[i] = 0;
  return copy;
}

/** Sums at the panes that hold any, oldest first, as a sparse list's cells. */
function occupied(ring: PaneRing, spec: PaneSpec): number[] {
  const capacity = cell(ring, CAPACITY);
  const oldest = horizon(ring, spec) + 1;
  const cells: number[] = [];
  for (let pane = oldest; pane < oldest + capacity; pane++) {
    const place = ringPlace(spec, capacity, pane);
    if (!occupiedAt(ring, spec, place)) continue;
    cells.push(pane, ...ring.slice(place, place + spec.measures));
  }
  return cells;
}

const toList = (ring: PaneRing, spec: PaneSpec): PaneRing => {
  const cells = occupied(ring, spec);
  const list = ring.slice(0, firstCell(spec)).concat(cells);
  list[CAPACITY] = 0 - cells.length / (spec.measures + 1);
  return list;
};

/** As a ring with room up to `newest`; undefined when it would be mostly empty. */
function toRing(list: PaneRing, spec: PaneSpec, newest: number): PaneRing | undefined {
  const least = spec.panes + spec.keep + 1;
  const needed = newest - horizon(list, spec);
  if (needed > 4 * least) return undefined;
  // Some panes to spare, so that events slightly ahead do not grow the ring again.
  const capacity = Math.max(least, needed) + Math.min(4, spec.panes);
  const first = firstCell(spec);
  const ring = longer(list.slice(0, first), first + capacity * spec.measures);
  ring[CAPACITY] = capacity;
  const end = listEnd(list, spec);
  for (let i = first; i < end; i += spec.measures + 1) {
    const place = ringPlace(spec, capacity, cell(list, i));
    for (let m = 0; m < spec.measures; m++) ring[place + m] = cell(list, i + 1 + m);
  }
  return ring;
}

/** Adds past the ring's newest place: to a wider ring, or to a list where that would be mostly empty. */
function addBeyondRing(
  ring: PaneRing,
  spec: PaneSpec,
  pane: number,
  value: number,
  measure: number,
): PaneRing {
  const list = toList(ring, spec);
  const wider = toRing(list, spec, pane);
  if (wider === undefined) return addToList(list, spec, pane, value, measure);
  return addInRing(wider, spec, pane, value, measure);
}

/** Adds to a ring that has a place for the pane. */
function addInRing(
  ring: PaneRing,
  spec: PaneSpec,
  pane: number,
  value: number,
  measure: number,
): PaneRing {
  const place = ringPlace(spec, cell(ring, CAPACITY), pane) + measure;
  ring[place] = cell(ring, place) + value;
  return ring;
}

function advanceList(ring: PaneRing, spec: PaneSpec, target: number): PaneRing {
  const { panes, measures } = spec;
  const width = measures + 1;
  const head = headOf(ring);
  const first = firstCell(spec);
  const end = listEnd(ring, spec);
  const forgotten = target - panes - spec.keep;
  ring[HEAD] = target;
  // Entries are sorted: nothing enters the window and nothing leaves it.
  if (first < end && cell(ring, first) > target - panes && cell(ring, end - width) <= head) {
    return ring;
  }
  let kept = first;
  while (kept < end && cell(ring, kept) <= forgotten) kept += width;
  for (let m = 0; m < measures; m++) ring[TOTALS + m] = 0;
  for (let i = end - width; i >= kept && cell(ring, i) > target - panes; i -= width) {
    if (cell(ring, i) <= target) addToTotals(ring, spec, i + 1);
  }
  if (kept === first) return ring;
  const gone = kept - first;
  ring[CAPACITY] = cell(ring, CAPACITY) + gone / width;
  if (kept === end) return ring.slice(0, first);
  for (let i = kept; i < end; i++) ring[i - gone] = cell(ring, i);
  for (let i = end - gone; i < end; i++) ring[i] = 0;
  return ring;
}

/** Adds the sums of the pane whose first cell is at `place`. */
function addToTotals(ring: PaneRing, { measures }: PaneSpec, place: number): void {
  for (let m = 0; m < measures; m++) {
    ring[TOTALS + m] = cell(ring, TOTALS + m) + cell(ring, place + m);
  }
}

function advanceRing(ring: PaneRing, spec: PaneSpec, target: number): PaneRing {
  const { panes, measures } = spec;
  const capacity = cell(ring, CAPACITY);
  const before = headOf(ring);
  if (target - panes - spec.keep >= horizon(ring, spec) + capacity) {
    const none = ring.slice(0, firstCell(spec));
    none.fill(0, CAPACITY, TOTALS + measures);
    none[HEAD] = target;
    return none;
  }
  if (measures === 1 && target === before + 1) stepRing(ring, spec, target);
  else turnRing(ring, spec, target);
  const turned = floorDiv(target, capacity) !== floorDiv(before, capacity);
  if (turned || !canBeTakenAway(ring, spec)) sumUp(ring, spec);
  return turned ? leaner(ring, spec) : ring;
}

/** False while a total holds what does not go when its pane leaves: infinity, or no number at all. */
function canBeTakenAway(ring: PaneRing, { measures }: PaneSpec): boolean {
  for (let m = 0; m < measures; m++) if (!Number.isFinite(cell(ring, TOTALS + m))) return false;
  return true;
}

/** One pane on, one measure: what every key does at every slide. */
function stepRing(ring: PaneRing, spec: PaneSpec, head: number): void {
  const { panes, keep } = spec;
  const capacity = cell(ring, CAPACITY);
  const first = firstCell(spec);
  const at = head - Math.floor(head / capacity) * capacity;
  const leaving = at < panes ? at - panes + capacity : at - panes;
  const behind = leaving < keep ? leaving - keep + capacity : leaving - keep;
  const change = cell(ring, first + at) - cell(ring, first + leaving);
  ring[TOTALS] = cell(ring, TOTALS) + change;
  ring[first + behind] = 0;
  ring[HEAD] = head;
}

function turnRing(ring: PaneRing, spec: PaneSpec, target: number): void {
  const { panes, measures } = spec;
  const capacity = cell(ring, CAPACITY);
  for (let head = headOf(ring) + 1; head <= target; head++) {
    const entering = ringPlace(spec, capacity, head);
    const leaving = ringPlace(spec, capacity, head - panes);
    const forgotten = ringPlace(spec, capacity, head - panes - spec.keep);
    for (let m = 0; m < measures; m++) {
      const change = cell(ring, entering + m) - cell(ring, leaving + m);
      ring[TOTALS + m] = cell(ring, TOTALS + m) + change;
      ring[forgotten + m] = 0;
    }
  }
  ring[HEAD] = target;
}

/** Totals anew, once a turn: what sums of fractions lost by rounding does not add up for ever. */
function sumUp(ring: PaneRing, spec: PaneSpec): void {
  const { panes, measures } = spec;
  const capacity = cell(ring, CAPACITY);
  const head = headOf(ring);
  for (let m = 0; m < measures; m++) ring[TOTALS + m] = 0;
  for (let pane = head - panes + 1; pane <= head; pane++) {
    addToTotals(ring, spec, ringPlace(spec, capacity, pane));
  }
}

/** Back to a list when, looking once a turn, few panes hold anything. */
function leaner(ring: PaneRing, spec: PaneSpec): PaneRing {
  const most = Math.min(SPARSE_ENTRIES, spec.panes / 2) / 4;
  const { measures } = spec;
  let entries = 0;
  for (let place = firstCell(spec); place < ring.length; place += measures) {
    if (occupiedAt(ring, spec, place)) entries++;
    if (entries > most) return ring;
  }
  return toList(ring, spec);
}
