import { cell } from "./runs.ts";

/**
 * Events taken by partial matches, kept once however many matches hold them. A match is a chain of
 * nodes, newest first; matches with a common beginning share its nodes. Both are counted by
 * reference, so what no match needs is gone at once. Plain data, in flat lists of rows.
 */
export interface SharedBuffer<E> {
  /** Rows of `stage, event, parent, refs, at, seq`; a free one has no refs and the next free as parent. */
  nodes: number[];
  /** Rows of `event, refs`; a free one is `null, ~next free`. */
  events: (E | number | null)[];
  freeNode: number;
  freeEvent: number;
  /** Nodes in use. */
  size: number;
}

const SHORT = 8;
const NODE = 6;
const STAGE = 0;
const EVENT = 1;
const PARENT = 2;
const REFS = 3;
const AT = 4;
const SEQ = 5;

/** An event as a match took it; `seq` is its number. */
export interface Link<E> {
  readonly stage: number;
  readonly event: E;
  readonly seq: number;
}

/** A link in the making, by the places of its event and of the node before it. */
interface NewNode {
  readonly stage: number;
  readonly event: number;
  readonly parent: number;
  readonly at: number;
  readonly seq: number;
}

/** No node, no event: the beginning of every chain. */
export const NONE = -1;

/** Of all buffers that hold nothing: replaced, never filled. */
export const NO_NODES: number[] = [];
export const NO_EVENTS: never[] = [];

/** Adds an event with one reference, the caller's; `releaseEvent` gives it back. */
export function addEvent<E>(buffer: SharedBuffer<E>, event: E): number {
  const place = buffer.freeEvent;
  const { events } = buffer;
  if (place !== NONE) {
    buffer.freeEvent = ~count(buffer, place);
    events[place * 2] = event;
    events[place * 2 + 1] = 1;
    return place;
  }
  const added = events.length / 2;
  if (added === 0) buffer.events = [event, 1];
  else events.push(event, 1);
  return added;
}

/** Adds a node without references: what points to it must `retain` it. */
export function addNode<E>(buffer: SharedBuffer<E>, node: NewNode): number {
  const { stage, event, parent, at, seq } = node;
  buffer.events[event * 2 + 1] = count(buffer, event) + 1;
  retain(buffer, parent);
  buffer.size += 1;
  const place = buffer.freeNode;
  const { nodes } = buffer;
  if (place !== NONE) {
    const o = place * NODE;
    buffer.freeNode = cell(nodes, o + PARENT);
    nodes[o] = stage;
    nodes[o + EVENT] = event;
    nodes[o + PARENT] = parent;
    nodes[o + AT] = at;
    nodes[o + SEQ] = seq;
    return place;
  }
  const added = nodes.length / NODE;
  buffer.nodes = withNode(nodes, node);
  return added;
}

/** Adds a reference to the node, and gives it back. */
export function retain<E>({ nodes }: SharedBuffer<E>, node: number): number {
  if (node !== NONE) nodes[node * NODE + REFS] = cell(nodes, node * NODE + REFS) + 1;
  return node;
}

/** Gives a reference back; frees the node, and what only it held, with the last one. */
export function release<E>(buffer: SharedBuffer<E>, node: number): void {
  const { nodes } = buffer;
  for (let at = node; at !== NONE; ) {
    const o = at * NODE;
    const refs = cell(nodes, o + REFS) - 1;
    nodes[o + REFS] = refs;
    if (refs > 0) return;
    const parent = cell(nodes, o + PARENT);
    nodes[o + PARENT] = buffer.freeNode;
    buffer.freeNode = at;
    buffer.size -= 1;
    releaseEvent(buffer, cell(nodes, o + EVENT));
    at = parent;
  }
}

export function releaseEvent<E>(buffer: SharedBuffer<E>, event: number): void {
  const refs = count(buffer, event) - 1;
  if (refs > 0) {
    buffer.events[event * 2 + 1] = refs;
    return;
  }
  buffer.events[event * 2] = null;
  buffer.events[event * 2 + 1] = ~buffer.freeEvent;
  buffer.freeEvent = event;
}

/** Time of the newest event of a chain. */
export function newestAt<E>({ nodes }: SharedBuffer<E>, node: number): number {
  return cell(nodes, node * NODE + AT);
}

/** The events of a chain, oldest first. */
export function chain<E>({ nodes, events }: SharedBuffer<E>, node: number): Link<E>[] {
  let length = 0;
  for (let at = node; at !== NONE; at = cell(nodes, at * NODE + PARENT)) length += 1;
  const links = new Array<Link<E>>(length);
  for (let at = node; at !== NONE; at = cell(nodes, at * NODE + PARENT)) {
    const o = at * NODE;
    length -= 1;
    // The first of a row in use is an event.
    const event = events[cell(nodes, o + EVENT) * 2] as E;
    links[length] = { stage: cell(nodes, o + STAGE), event, seq: cell(nodes, o + SEQ) };
  }
  return links;
}

/** Forgets everything, free places too. */
export function clear<E>(buffer: SharedBuffer<E>): void {
  buffer.size = 0;
  buffer.nodes = NO_NODES;
  buffer.events = NO_EVENTS;
  buffer.freeNode = NONE;
  buffer.freeEvent = NONE;
}

/** Numbers of a list that is about to grow. */
const growing: number[] = [];

/**
 * The list with a node more: while it is short, as most keys' are, a new one without room to spare;
 * else the list itself.
 */
function withNode(nodes: number[], { stage, event, parent, at, seq }: NewNode): number[] {
  const o = nodes.length;
  if (o === 0) return [stage, event, parent, 0, at, seq];
  if (o >= SHORT * NODE) {
    nodes.push(stage, event, parent, 0, at, seq);
    return nodes;
  }
  for (let i = 0; i < o; i++) growing[i] = cell(nodes, i);
  growing[o] = stage;
  growing[o + EVENT] = event;
  growing[o + PARENT] = parent;
  growing[o + REFS] = 0;
  growing[o + AT] = at;
  growing[o + SEQ] = seq;
  return growing.slice(0, o + NODE);
}

/** The second of an event's row. */
const count = <E>({ events }: SharedBuffer<E>, event: number): number =>
  events[event * 2 + 1] as number;
