import Type from "typebox";
import { FORGET, type Hop, type Operator } from "../../src/flow/operator.ts";
import type { OperatorSpec } from "../../src/flow/spec.ts";
import type { EventTime } from "../../src/time/event-time.ts";
import { normalKeyword, partialHop } from "../demand/partial.ts";
import { numberProp, type ShopEvent, textProp } from "../event.ts";

/** What a person did with a thing, on its way to the figures about the thing. */
interface Engaged {
  readonly what: string;
  readonly thing: string;
  readonly person: string;
  readonly at: EventTime;
  /** 0 to 1, how much of it; null where that means nothing. */
  readonly ratio: number | null;
  readonly amount: number | null;
}

/** Whether the person's chats may be kept and counted, by the latest word about it. */
export interface EngagementState {
  at: EventTime;
  chats: boolean;
}

interface Reading {
  readonly what: string;
  thing(event: ShopEvent): string | undefined;
  readonly ratio?: string;
  readonly amount?: string;
}

const prop = (name: string) => (event: ShopEvent) => textProp(event, name);
/** What follows the path may name a person. */
const page = (event: ShopEvent) => textProp(event, "path")?.split(/[?#]/, 1)[0];
const query = (event: ShopEvent) => normalKeyword(textProp(event, "query") ?? "");
const live = (event: ShopEvent) => textProp(event, "live_id") ?? textProp(event, "content_id");

const POSTS: readonly Reading[] = [
  { what: "group", thing: prop("group_id") },
  { what: "group_keyword", thing: prop("keyword") },
];
/** What is counted, by type of event. */
const READINGS: ReadonlyMap<string, readonly Reading[]> = new Map([
  ["article.read", [{ what: "article", thing: prop("content_id"), ratio: "completion" }]],
  ["video.played", [{ what: "video", thing: live, ratio: "completion" }]],
  ["live.left", [{ what: "live", thing: live, ratio: "completion" }]],
  ["order.paid", [{ what: "live_order", thing: prop("live_id"), amount: "total_minor" }]],
  ["content.liked", [{ what: "like", thing: prop("content_id") }]],
  ["content.commented", [{ what: "comment", thing: prop("content_id") }]],
  ["menu.clicked", [{ what: "menu", thing: prop("key") }]],
  ["element.clicked", [{ what: "element", thing: prop("element") }]],
  ["page.viewed", [{ what: "page", thing: page, amount: "dwell_ms" }]],
  ["searched", [{ what: "search", thing: query }]],
  ["coupon.claimed", [{ what: "coupon", thing: prop("coupon_id") }]],
  ["group.message.posted", POSTS],
  ["group.message.replied", POSTS],
]);
/** A question out of a chat: counted only with consent to keep chats. */
const QUESTION: Reading = { what: "faq", thing: prop("topic") };
const CHATS = "chat_archive";

/**
 * Hands on who read, searched, asked or posted what, for figures about the things. Of people it
 * remembers one thing: whether they have agreed that chats are kept. Who has not said, has not.
 */
function engagementOperator(): Operator<ShopEvent, Engaged, EngagementState> {
  return {
    name: "engagement",
    version: 1,
    order: "arrival",
    key: ({ person, type }) =>
      READINGS.has(type) || type === "cs.asked" || type === "privacy.consent" ? person : undefined,
    init: () => ({ at: 0 as EventTime, chats: false }),
    onEvent(event, state, ctx) {
      if (event.type === "privacy.consent") hear(event, state);
      const asked = event.type === "cs.asked" && state.chats ? [QUESTION] : [];
      for (const reading of READINGS.get(event.type) ?? asked) {
        const engaged = engagedBy(event, reading);
        if (engaged !== undefined) ctx.emit(engaged);
      }
      return state.at === 0 ? FORGET : state;
    },
    forward: hopOf,
    merge: (into, from) => (from.at > into.at ? from : into),
  };
}

function hear(event: ShopEvent, state: EngagementState): void {
  if (textProp(event, "purpose") !== CHATS || event.at < state.at) return;
  state.at = event.at;
  state.chats = textProp(event, "status") === "granted";
}

function engagedBy(event: ShopEvent, reading: Reading): Engaged | undefined {
  const thing = reading.thing(event);
  if (thing === undefined || thing === "") return undefined;
  const number = (name: string | undefined) =>
    name === undefined ? null : (numberProp(event, name) ?? null);
  const { what } = reading;
  const { person, at } = event;
  return { what, thing, person, at, ratio: number(reading.ratio), amount: number(reading.amount) };
}

const hopOf = ({ what, thing, person, at, ratio, amount }: Engaged): Hop =>
  partialHop(`${what}:${thing}`, at, ["engagement", person, ratio, amount]);

export const engagementSpec: OperatorSpec = {
  name: "engagement",
  flow: "shopper",
  summary: "Who read, searched, asked or posted what, for the figures of `engagement_kpi`.",
  from: ["events"],
  options: Type.Object({}, { additionalProperties: false }),
  make: () => engagementOperator(),
};
