import { withFields } from "../../../src/flow/with-fields.ts";
import type { EventTime } from "../../../src/time/event-time.ts";
import type { StandingChange } from "./leaf.ts";

/** By topic and value: since when it has been so. Only of what lasts: segments and tags. Plain data. */
export type Standings = Record<string, EventTime>;

const LASTING = ["segment", "tag"] as const;

/** Whether it is remembered though nothing asks for it yet: a definition to come may. */
export const isLasting = (topic: string | undefined): boolean =>
  (LASTING as readonly (string | undefined)[]).includes(topic);

/** Puts a change among what is known of a person; where nothing is left, nothing is kept. */
export function noteStanding(
  state: { standings?: Standings },
  { topic, value, on, at }: StandingChange,
): void {
  if (!isLasting(topic)) return;
  const name = `${topic} ${value}`;
  // Replaced as a whole: a copy of the state shares it.
  const all: Record<string, EventTime> = withFields(state.standings ?? {}, {});
  if (on) all[name] = at;
  else delete all[name];
  if (Object.keys(all).length > 0) state.standings = all;
  else delete state.standings;
}

/** As if each were told now. */
export const changesOf = (standings: Standings | undefined): readonly StandingChange[] =>
  Object.entries(standings ?? {}).map(([name, at]) => {
    const space = name.indexOf(" ");
    const topic = name.slice(0, space) as StandingChange["topic"];
    return { topic, value: name.slice(space + 1), on: true, at, insteadOf: null, bound: {} };
  });

/** Of two persons who turn out to be one: what is told of the other one's segments is told anew. */
export function joinStandings(
  into: Standings | undefined,
  from: Standings | undefined,
): Standings | undefined {
  const tags = Object.entries(from ?? {}).filter(([name]) => name.startsWith("tag "));
  return tags.length === 0 ? into : { ...Object.fromEntries(tags), ...into };
}
