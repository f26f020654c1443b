import type { EventTime } from "../../../src/time/event-time.ts";
import type { Consents } from "../../consent.ts";
import { type ShopEvent, textProp } from "../../event.ts";

/** The member of the company who has a customer on WeCom, by the connector's name for them. */
export type Sender = [member: string, since: EventTime];

/** As much of what is known of a person as says who writes to them. */
interface Known {
  sender?: Sender;
}

/** Whoever was added last writes; nobody once the contact is removed. `consents` have heard the event. */
export function hearSender(known: Known, event: ShopEvent, { channels }: Consents): void {
  const { type, at } = event;
  if (type !== "contact.added" && type !== "contact.removed") return;
  if (textProp(event, "channel") !== "wecom" || at < (channels["wecom"]?.[0] ?? at)) return;
  const member = type === "contact.added" ? textProp(event, "member") : undefined;
  if (member === undefined) delete known.sender;
  else known.sender = [member, at];
}

/** One person had both: the later contact stands. */
export function joinSender(into: Known, from: Known): void {
  if (from.sender !== undefined && from.sender[1] > (into.sender?.[1] ?? -1))
    into.sender = from.sender;
}
