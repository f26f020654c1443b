import type { EventTime } from "../../src/time/event-time.ts";
import type { Identifier, Touchpoint } from "./people.ts";

/** What the shop publishes: a subject without the prefix, a JSON body, and when it arrives. */
export interface ShopMessage {
  readonly subject: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly recv: EventTime;
}
/** What the shop hears: a recommendation or a restock signal as published on the output subjects. */
export interface Heard {
  readonly subject: string;
  readonly data: Readonly<Record<string, unknown>>;
}

export type Props = Record<string, unknown>;

/** A canonical event, as the body of a message. */
export type ShopperEvent = {
  readonly id: string;
  readonly type: string;
  readonly ts: number;
  /** Set when it is posted. */
  recv: number;
  readonly touchpoint: Touchpoint;
  readonly ids: readonly Identifier[];
  readonly session: string;
  readonly props: Props;
};
