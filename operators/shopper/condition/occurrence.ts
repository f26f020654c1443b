import type { Facts } from "../../../src/flow/operator.ts";
import type { ShopEvent } from "../../event.ts";
import type { SessionView } from "../signals.ts";
import { boundOf } from "./bound.ts";
import type { BoundValues } from "./leaf.ts";

/** An event that met matchers, as it is put into histories. */
export class Occurrence {
  readonly event: ShopEvent;
  readonly session: SessionView | null;
  /** Indexes of the matchers it met. */
  readonly met: readonly number[];
  readonly facts: Facts;
  #bound: BoundValues | undefined;

  constructor(event: ShopEvent, session: SessionView | null, met: readonly number[], facts: Facts) {
    this.event = event;
    this.session = session;
    this.met = met;
    this.facts = facts;
  }

  /** What rules may say of the event, for all the leaves that remember it: nobody changes it. */
  get bound(): BoundValues {
    this.#bound ??= boundOf(this.event, this.facts);
    return this.#bound;
  }
}
