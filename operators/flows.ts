import type { KeyedRecord } from "../src/codec/frame.ts";
import type { FlowDefinition } from "../src/flow/graph.ts";
import type { Node } from "../src/flow/operator.ts";
import type { EventTime } from "../src/time/event-time.ts";
import type { JournalPayload } from "./collect/contract.ts";
import type { DemandRecord, PartialCounts } from "./demand/partial.ts";
import type { PropValue, ShopEvent } from "./event.ts";
import { shopFacts } from "./facts.ts";

const KEPT_WORDS = 1024;
const words = new Map<string, string>();

/**
 * One string for a word that comes with event after event: a name in a record is looked up by
 * identity, once its string has been, and what states keep of it is one string.
 */
function sameWord(word: string): string {
  const known = words.get(word);
  if (known !== undefined) return known;
  if (words.size < KEPT_WORDS) words.set(word, word);
  return word;
}

/** The journal's record as the operators of the shopper flow see it. */
function readShopEvent(record: KeyedRecord): ShopEvent {
  const [, , , at, person, id, payload] = record;
  const [type, touchpoint, session, props, clientId, recv, ids] = payload as JournalPayload;
  return {
    id,
    type: sameWord(type),
    at: at as EventTime,
    recv: recv as EventTime,
    person,
    touchpoint: sameWord(touchpoint),
    session: session ?? undefined,
    props: props as Readonly<Record<string, PropValue>>,
    clientId,
    ids,
  };
}

/** A second's counts as the operators of the demand flow see them. */
function readDemandRecord(record: KeyedRecord): DemandRecord {
  const [, , , time, key, cause, payload] = record;
  return { key, time: time as EventTime, cause, payload: payload as PartialCounts };
}

export const shopperFlow = (nodes: readonly Node[]): FlowDefinition => ({
  name: "shopper",
  nodes,
  decode: readShopEvent,
  factIndex: shopFacts,
});

export const demandFlow = (nodes: readonly Node[]): FlowDefinition => ({
  name: "demand",
  nodes,
  decode: readDemandRecord,
  factIndex: shopFacts,
});
