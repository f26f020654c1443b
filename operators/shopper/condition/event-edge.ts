import type { Matcher } from "../../../src/config/condition-ast.ts";
import type { EventTime } from "../../../src/time/event-time.ts";
import { shownEvents, textOfMatcher } from "./explained.ts";
import type { BoundValues, EdgeLeaf } from "./leaf.ts";
import { leafKey } from "./leaf-key.ts";

/** Events that may still be asked for; what is asked for is almost always the one that just came. */
const KEPT_EVENTS = 8;

type Came = [at: EventTime, id: string, type: string, bound: BoundValues];

/** An event comes. Remembered only as long as a late one may change what is true beside it. */
export function eventEdge(of: Matcher): EdgeLeaf<Came[]> {
  const key = leafKey("event", of);
  return {
    key,
    listens: [of.index],
    follows: null,
    add(history = [], { event, bound }) {
      history.push([event.at, event.clientId, event.type, bound]);
      if (history.length > KEPT_EVENTS) history.shift();
      return history;
    },
    join: (into, from) => [...into, ...from].sort((a, b) => a[0] - b[0]).slice(-KEPT_EVENTS),
    thin(history, horizon) {
      const kept = history.filter(([at]) => at >= horizon);
      return kept.length === 0 ? undefined : kept;
    },
    firings(all, from, to) {
      return ((all[key] as Came[] | undefined) ?? [])
        .filter(([at]) => at >= from && at <= to)
        .map(([at, id, type, bound]) => ({
          at,
          by: "event" as const,
          partition: "",
          trigger: id,
          bound: { trigger: bound },
          evidence: [[at, id, type] as const],
        }))
        .sort((a, b) => a.at - b.at);
    },
    next: () => undefined,
    stands: () => true,
    reading(all, at) {
      const came = ((all[key] as Came[] | undefined) ?? []).filter(([time]) => time <= at);
      const seen = came.map(([time, id, type]) => [time, id, type] as const);
      return { what: textOfMatcher(of), evidence: shownEvents(seen) };
    },
  };
}
