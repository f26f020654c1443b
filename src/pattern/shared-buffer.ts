/**
 * Events taken by partial matches, kept once however many matches hold them. A match is a chain of
 * nodes, newest first; matches with a common beginning share its nodes. Both are counted by
 * reference, so what no match needs is gone at once. Plain data: free places are null and listed.
 */
export interface SharedBuffer<E> {
  nodes: (NodeRow | null)[];
  freeNodes: number[];
  events: (EventRow<E> | null)[];
  freeEvents: number[];
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
  return { nodes: [], freeNodes: [], events: [], freeEvents: [] };
}

export const nodesHeld = <E>(buffer: SharedBuffer<E>): number =>
  buffer.nodes.length - buffer.freeNodes.length;

/** Adds an event with one reference, the caller's; `releaseEvent` gives it back. */
export function addEvent<E>(buffer: SharedBuffer<E>, event: E, at: number, seq: number): number {
  return put(buffer.events, buffer.freeEvents, [event, at, seq, 1]);
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
  return put(buffer.nodes, buffer.freeNodes, [stage, event, parent, 0]);
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
    buffer.nodes[at] = null;
    buffer.freeNodes.push(at);
    releaseEvent(buffer, row[1]);
    at = row[2];
  }
}

export function releaseEvent<E>(buffer: SharedBuffer<E>, event: number): void {
  const row = eventRow(buffer, event);
  row[3] -= 1;
  if (row[3] > 0) return;
  buffer.events[event] = null;
  buffer.freeEvents.push(event);
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
  if (nodesHeld(buffer) > 0 || buffer.nodes.length === 0) return;
  buffer.nodes = [];
  buffer.freeNodes = [];
  buffer.events = [];
  buffer.freeEvents = [];
}

function put<Row>(rows: (Row | null)[], free: number[], row: Row): number {
  const place = free.pop();
  if (place === undefined) return rows.push(row) - 1;
  rows[place] = row;
  return place;
}

function nodeRow<E>(buffer: SharedBuffer<E>, node: number): NodeRow {
  const row = buffer.nodes[node];
  if (row === null || row === undefined) throw new RangeError(`no node ${node} in the buffer`);
  return row;
}

function eventRow<E>(buffer: SharedBuffer<E>, event: number): EventRow<E> {
  const row = buffer.events[event];
  if (row === null || row === undefined) throw new RangeError(`no event ${event} in the buffer`);
  return row;
}
