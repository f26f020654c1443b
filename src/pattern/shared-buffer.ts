/**
 * Events taken by partial matches, kept once however many matches hold them. A match is a chain of
 * nodes, newest first; matches with a common beginning share its nodes. Both are counted by
 * reference, so what no match needs is gone at once. Plain data.
 */
export interface SharedBuffer<E> {
  /** A free place holds the number of the next free one. */
  nodes: (NodeRow | number)[];
  events: (EventRow<E> | number)[];
  freeNode: number;
  freeEvent: number;
  /** Nodes in use. */
  size: number;
}

type NodeRow = [stage: number, event: number, parent: number, refs: number];
type EventRow<E> = [event: E, at: number, seq: number, refs: number];

/** An event as a match took it; `seq` orders events of the same time by arrival. */
export interface Link<E> {
  readonly stage: number;
  readonly event: E;
  readonly at: number;
  readonly seq: number;
}

/** No node, no event: the beginning of every chain. */
export const NONE = -1;

export function emptyBuffer<E>(): SharedBuffer<E> {
  return { nodes: [], events: [], freeNode: NONE, freeEvent: NONE, size: 0 };
}

/** Adds an event with one reference, the caller's; `releaseEvent` gives it back. */
export function addEvent<E>(buffer: SharedBuffer<E>, event: E, at: number, seq: number): number {
  const row: EventRow<E> = [event, at, seq, 1];
  const place = buffer.freeEvent;
  if (place === NONE) return buffer.events.push(row) - 1;
  buffer.freeEvent = nextFree(buffer.events[place]);
  buffer.events[place] = row;
  return place;
}

/** Adds a node without references: what points to it must `retain` it. */
export function addNode<E>(
  buffer: SharedBuffer<E>,
  stage: number,
  event: number,
  parent: number,
): number {
  eventRow(buffer, event)[3] += 1;
  retain(buffer, parent);
  buffer.size += 1;
  const row: NodeRow = [stage, event, parent, 0];
  const place = buffer.freeNode;
  if (place === NONE) return buffer.nodes.push(row) - 1;
  buffer.freeNode = nextFree(buffer.nodes[place]);
  buffer.nodes[place] = row;
  return place;
}

export function retain<E>(buffer: SharedBuffer<E>, node: number): void {
  if (node !== NONE) nodeRow(buffer, node)[3] += 1;
}

/** Gives a reference back; frees the node, and what only it held, with the last one. */
export function release<E>(buffer: SharedBuffer<E>, node: number): void {
  let at = node;
  while (at !== NONE) {
    const row = nodeRow(buffer, at);
    row[3] -= 1;
    if (row[3] > 0) return;
    buffer.nodes[at] = buffer.freeNode;
    buffer.freeNode = at;
    buffer.size -= 1;
    releaseEvent(buffer, row[1]);
    at = row[2];
  }
}

export function releaseEvent<E>(buffer: SharedBuffer<E>, event: number): void {
  const row = eventRow(buffer, event);
  row[3] -= 1;
  if (row[3] > 0) return;
  buffer.events[event] = buffer.freeEvent;
  buffer.freeEvent = event;
}

/** Time of the newest event of a chain. */
export function newestAt<E>(buffer: SharedBuffer<E>, node: number): number {
  return eventRow(buffer, nodeRow(buffer, node)[1])[1];
}

/** The events of a chain, oldest first. */
export function chain<E>(buffer: SharedBuffer<E>, node: number): Link<E>[] {
  const links: Link<E>[] = [];
  for (let at = node; at !== NONE; ) {
    const [stage, event, parent] = nodeRow(buffer, at);
    const [value, time, seq] = eventRow(buffer, event);
    links.push({ stage, event: value, at: time, seq });
    at = parent;
  }
  return links.reverse();
}

/** Forgets the free places of a buffer that holds nothing. */
export function tidy<E>(buffer: SharedBuffer<E>): void {
  if (buffer.size > 0 || buffer.nodes.length === 0) return;
  buffer.nodes = [];
  buffer.events = [];
  buffer.freeNode = NONE;
  buffer.freeEvent = NONE;
}

function nextFree(place: unknown): number {
  if (typeof place !== "number") throw new RangeError("the list of free places is broken");
  return place;
}

function nodeRow<E>(buffer: SharedBuffer<E>, node: number): NodeRow {
  const row = buffer.nodes[node];
  if (row === undefined || typeof row === "number") throw new RangeError(`no node ${node}`);
  return row;
}

function eventRow<E>(buffer: SharedBuffer<E>, event: number): EventRow<E> {
  const row = buffer.events[event];
  if (row === undefined || typeof row === "number") throw new RangeError(`no event ${event}`);
  return row;
}
