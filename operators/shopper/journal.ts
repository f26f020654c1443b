import Type from "typebox";
import { CONFIG, type GenerationFact, IN_FORCE } from "../../src/config/generation.ts";
import type { Context, Facts, Operator } from "../../src/flow/operator.ts";
import type { OperatorSpec } from "../../src/flow/spec.ts";
import { type EventTime, earliest, type Millis, minus } from "../../src/time/event-time.ts";
import type { PropValue, ShopEvent } from "../event.ts";
import { insertAt } from "./insert.ts";
import { duration } from "./options.ts";
import type { PastSignal, SessionSignal, SessionView, Step } from "./signals.ts";

const NAME = "journal";

/** An event as it is kept, with the id of its session. */
type Entry = readonly [
  at: EventTime,
  id: string,
  type: string,
  touchpoint: string,
  tracker: string | null,
  session: string | null,
  props: Readonly<Record<string, PropValue>>,
  clientId: string,
  recv: EventTime,
];

export interface JournalState {
  /** In time order; of one millisecond by id. */
  entries: Entry[];
  /** When the configuration that the past was last told for came into force. */
  asOf?: EventTime;
}

interface JournalOptions {
  readonly keep: Millis;
  readonly events: number;
}

/**
 * The last events of each person. When the log brings other definitions, those that are new begin with
 * them instead of with nothing: told before the first event that is judged by the new ones.
 */
function journalOperator({
  keep,
  events,
}: JournalOptions): Operator<SessionSignal, PastSignal, JournalState> {
  function tellPast(state: JournalState, ctx: Context<PastSignal>): void {
    const at = inForceSince(ctx.facts);
    const before = (state.asOf ?? 0) as EventTime;
    if (before === at) return;
    state.asOf = at;
    if (state.entries.length === 0) return;
    const steps = state.entries.map((entry) => stepOf(entry, ctx.key));
    ctx.emit({ kind: "past", person: ctx.key, before, steps });
  }
  const bound = (state: JournalState): void => {
    const newest = state.entries.at(-1)?.[0] ?? (0 as EventTime);
    const horizon = minus(newest, keep);
    const tooMany = state.entries.length - events;
    let gone = Math.max(0, tooMany);
    while ((state.entries[gone]?.[0] ?? newest) < horizon) gone += 1;
    if (gone > 0) state.entries.splice(0, gone);
  };
  return {
    name: NAME,
    version: 1,
    order: "arrival",
    purpose: "profiling",
    wakes: CONFIG,
    keep,
    key: (signal) => (signal.kind === "step" ? signal.person : undefined),
    init: () => ({ entries: [] }),
    copy: (state) => ({ ...state, entries: state.entries.slice() }),
    onEvent(signal, state, ctx) {
      tellPast(state, ctx);
      if (signal.kind === "step") insert(state.entries, entryOf(signal));
      bound(state);
      return state;
    },
    onTimer(_timer, state, ctx) {
      tellPast(state, ctx);
      return state;
    },
    merge(into, from, ctx) {
      for (const entry of from.entries) insert(into.entries, entry);
      // Told for either is not told for both.
      const asOf = earliest((into.asOf ?? 0) as EventTime, (from.asOf ?? 0) as EventTime);
      if (asOf === 0) delete into.asOf;
      else into.asOf = asOf;
      tellPast(into, ctx);
      bound(into);
      return into;
    },
  };
}

/** 0 while what the log began with is. */
const inForceSince = (facts: Facts): EventTime =>
  (facts.get(CONFIG, IN_FORCE) as GenerationFact | undefined)?.at ?? (0 as EventTime);

function entryOf({ event, session }: Step): Entry {
  const { at, id, type, touchpoint, props, clientId, recv } = event;
  return [
    ...([at, id, type, touchpoint, event.session ?? null, session?.id ?? null] as const),
    ...([props, clientId, recv] as const),
  ];
}

function insert(entries: Entry[], entry: Entry): void {
  let place = entries.length;
  while (place > 0 && isBefore(entry, entries[place - 1] as Entry)) place -= 1;
  insertAt(entries, place, entry);
}
const isBefore = (a: Entry, b: Entry): boolean => a[0] < b[0] || (a[0] === b[0] && a[1] < b[1]);

function stepOf(entry: Entry, person: string): Step {
  const [at, id, type, touchpoint, tracker, session, props, clientId, recv] = entry;
  const event: ShopEvent = {
    ...{ id, type, at, recv, person, touchpoint, props, clientId },
    session: tracker ?? undefined,
  };
  return { kind: "step", person, event, session: session === null ? null : viewOf(session, at) };
}

/** Of a session of the past only its id is known, which is what conditions ask for. */
const viewOf = (id: string, at: EventTime): SessionView => ({
  ...{ id, started: at, last: at, steps: 1 },
  ...{ skus: [], categories: [], touchpoints: [] },
});

const Options = Type.Object(
  {
    keep: Type.String({ default: "30d", description: "How far back it reaches." }),
    events: Type.Integer({
      default: 64,
      minimum: 1,
      maximum: 4096,
      description: "Of a person so many events are kept, the newest.",
    }),
  },
  { additionalProperties: false },
);

export const journalSpec: OperatorSpec = {
  name: NAME,
  flow: "shopper",
  summary: "The last events of each person, for definitions that come into force while it runs.",
  from: ["session"],
  options: Options,
  make(options) {
    const { keep, events = 64 } = options as { readonly keep?: string; readonly events?: number };
    return journalOperator({ keep: duration(keep, "30d"), events });
  },
};
