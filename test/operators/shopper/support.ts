import type { ShopEvent } from "../../../operators/event.ts";
import type { Node, Operator } from "../../../src/flow/operator.ts";
import type { EventTime } from "../../../src/time/event-time.ts";
import type { ScriptLine } from "../../support/play.ts";

export const T0 = Date.UTC(2026, 10, 2, 4);
export const MIN = 60_000;
export const HOUR = 60 * MIN;
export const DAY = 24 * HOUR;
export const ANN = "p_00000000000000a1";

let ids = 0;

/** An event of `ANN` (or of the person named in `over`), `ms` after T0. */
export function shopEvent(
  ms: number,
  type: string,
  props: ShopEvent["props"] = {},
  over: Partial<ShopEvent> = {},
): ShopEvent {
  ids += 1;
  const at = (T0 + ms) as EventTime;
  return {
    id: `${ids}`.padStart(32, "0"),
    type,
    at,
    recv: at,
    person: ANN,
    touchpoint: "mp",
    session: undefined,
    props,
    clientId: `c${ids}`,
    ...over,
  };
}

export const line = (event: ShopEvent): ScriptLine => ({
  at: event.at,
  key: event.person,
  event,
  id: event.id,
});

export const clock = (ms: number): ScriptLine => ({ watermark: T0 + ms });

/** An operator at the end of the graph that keeps what it is told; told is the test's own list. */
export function probe<Signal extends { readonly person: string }>(
  from: readonly string[],
  told: Signal[],
): Node {
  const operator: Operator<Signal, never, null> = {
    name: "probe",
    version: 1,
    order: "arrival",
    key: (signal) => signal.person,
    init: () => null,
    onEvent(signal, state) {
      told.push(structuredClone(signal));
      return state;
    },
  };
  return { operator, from };
}
