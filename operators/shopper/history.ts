import Type from "typebox";
import { FORGET, type Operator, type ProfileSections } from "../../src/flow/operator.ts";
import type { OperatorSpec } from "../../src/flow/spec.ts";
import {
  type EventTime,
  earliest,
  isoTime,
  latest,
  type Millis,
  plus,
} from "../../src/time/event-time.ts";
import { firstText, precedence, type ShopEvent, textProp } from "../event.ts";
import type { Deed } from "./contact/outcome.ts";
import { insertAt } from "./insert.ts";
import { duration } from "./options.ts";
import { TAGS } from "./profile-parts.ts";
import { withOne } from "./records.ts";
import { isAct } from "./session.ts";

const NAME = "history";
const QUIET = "quiet";
const KEPT_TOUCHES = 8;
const KEPT_TYPES = 96;
const KEPT_TRAITS = 32;
const KEPT_TAGS = 64;

type Touch = [at: EventTime, touchpoint: string, type: string, place: string, id: string];

/** Types of events, and of each how many there were and when the newest. Parallel lists: copied at every event. */
interface Counters {
  /** Replaced when it changes. */
  types: readonly string[];
  counts: number[];
  lasts: EventTime[];
}

export interface HistoryState {
  first: EventTime;
  last: EventTime;
  counters: Counters;
  /** What people said of themselves, the latest answer. */
  traits: Record<string, [value: string, at: EventTime]>;
  /** Tags that rules have set or taken. */
  tags: Record<string, [on: boolean, at: EventTime, rule: string]>;
  /** The last acts in time order. */
  touches: Touch[];
  /** The touchpoint a person was met at first. */
  origin: string;
  armed: boolean;
}

type In = ShopEvent | Deed | { readonly kind: string; readonly proposal?: { person: string } };

/** What a person's record holds beside what operators conclude: counters, traits, tags, last touches. */
function historyOperator({ keep }: { readonly keep: Millis }): Operator<In, never, HistoryState> {
  return {
    name: NAME,
    version: 2,
    order: "arrival",
    purpose: "profiling",
    key(input) {
      if (!("kind" in input)) return input.person;
      return isTagging(input) ? input.proposal.person : undefined;
    },
    init: emptyHistory,
    copy: (state) => ({
      ...state,
      counters: {
        types: state.counters.types,
        counts: state.counters.counts.slice(),
        lasts: state.counters.lasts.slice(),
      },
      touches: state.touches.slice(),
    }),
    migrate: (state) => fromRecord(state as HistoryOfRecord),
    onEvent(input, state, ctx) {
      if ("kind" in input) {
        if (isTagging(input)) noteTag(state, input);
      } else noteEvent(state, input);
      if (!state.armed) ctx.setTimer(QUIET, plus(latest(state.last, ctx.now), keep));
      state.armed = true;
      return state;
    },
    onTimer(_timer, state, ctx) {
      const due = plus(state.last, keep);
      if (due <= ctx.now) return FORGET;
      ctx.setTimer(QUIET, due);
      return state;
    },
    merge(into, from, ctx) {
      const joined = mergeHistories(into, from);
      ctx.setTimer(QUIET, plus(latest(joined.last, ctx.now), keep));
      joined.armed = true;
      return joined;
    },
    profile: show,
  };
}

const emptyHistory = (): HistoryState => ({
  first: 0 as EventTime,
  last: 0 as EventTime,
  counters: { types: [], counts: [], lasts: [] },
  traits: {},
  tags: {},
  touches: [],
  origin: "",
  armed: false,
});

/** Version 1 kept what is counted by type. */
type HistoryOfRecord = Omit<HistoryState, "counters"> & {
  readonly counts: Readonly<Record<string, readonly [count: number, last: EventTime]>>;
};

function fromRecord({ counts, ...rest }: HistoryOfRecord): HistoryState {
  const counted = Object.values(counts);
  return {
    ...rest,
    counters: {
      types: Object.keys(counts),
      counts: counted.map(([count]) => count),
      lasts: counted.map(([, last]) => last),
    },
  };
}

const isTagging = (input: In): input is Deed =>
  "kind" in input && input.kind === "deed" && (input as Deed).option.op === "tag";

function noteTag(state: HistoryState, { option, proposal, time }: Deed): void {
  setTag(state, option.kind, [!option.off, time, proposal.rule]);
}
function setTag(state: HistoryState, tag: string, said: HistoryState["tags"][string]): void {
  if ((state.tags[tag]?.[1] ?? said[1]) > said[1]) return;
  state.tags = withOne(state.tags, tag, said);
  dropOldest(state.tags, KEPT_TAGS);
}

function dropTag(state: HistoryState, tag: string): void {
  const { [tag]: _, ...others } = state.tags;
  state.tags = others;
}

function noteEvent(state: HistoryState, event: ShopEvent): void {
  const { type, at } = event;
  addCount(state.counters, type, 1, at);
  if (type === "privacy.request.tagdelete") dropTag(state, textProp(event, "tag") ?? "");
  answerOf(state, event);
  if (!isAct(type)) return;
  if (state.first === 0 || at < state.first) {
    state.first = at;
    state.origin = event.touchpoint;
  }
  state.last = latest(state.last, at);
  addTouch(state, [at, event.touchpoint, type, firstText(event, PLACES) ?? "", event.clientId]);
}

function addCount(counters: Counters, type: string, by: number, at: EventTime): void {
  const { types, counts, lasts } = counters;
  const place = types.indexOf(type);
  if (place >= 0) {
    counts[place] = (counts[place] ?? 0) + by;
    lasts[place] = latest(lasts[place] ?? at, at);
    return;
  }
  counters.types = [...types, type];
  counts.push(by);
  lasts.push(at);
  if (counts.length > KEPT_TYPES) dropOldestCount(counters);
}

/** As `dropOldest`. */
function dropOldestCount(counters: Counters): void {
  const { types, counts, lasts } = counters;
  let oldest = 0;
  for (let i = 1; i < types.length; i += 1) {
    const [at, least] = [lasts[i] ?? 0, lasts[oldest] ?? 0];
    if (at < least || (at === least && (types[i] ?? "") > (types[oldest] ?? ""))) oldest = i;
  }
  counters.types = types.filter((_, i) => i !== oldest);
  counts.splice(oldest, 1);
  lasts.splice(oldest, 1);
}

/** Votes and surveys ask for an attribute of the person; a correction sets one. */
function answerOf(state: HistoryState, event: ShopEvent): void {
  const attribute = textProp(event, "attribute");
  const value = event.props["value"];
  if (attribute === undefined || value === undefined || value === null) return;
  setTrait(state, attribute, [typeof value === "string" ? value : JSON.stringify(value), event.at]);
}
function setTrait(state: HistoryState, name: string, said: [string, EventTime]): void {
  if ((state.traits[name]?.[1] ?? said[1]) > said[1]) return;
  state.traits = withOne(state.traits, name, said);
  dropOldest(state.traits, KEPT_TRAITS);
}

/** Where exactly an act took place, as far as it says. */
const PLACES = precedence(["scene", "channel", "source", "path", "group_id", "live_id"]);

/** In time order; of one millisecond in the order of ids, so that the order of arrival leaves no trace. */
function addTouch({ touches }: HistoryState, touch: Touch): void {
  let place = touches.length;
  while (place > 0 && isBefore(touch, touches[place - 1] as Touch)) place -= 1;
  insertAt(touches, place, touch);
  if (touches.length > KEPT_TOUCHES) touches.shift();
}
const isBefore = (a: Touch, b: Touch): boolean => a[0] < b[0] || (a[0] === b[0] && a[4] < b[4]);

/** Keeps the entries with the newest times; of equal ones those first by name. */
function dropOldest(
  entries: Record<string, readonly [unknown, EventTime, ...unknown[]]>,
  most: number,
): void {
  const names = Object.keys(entries);
  if (names.length <= most) return;
  const at = (name: string) => entries[name]?.[1] ?? 0;
  const oldest = names.reduce((a, b) => (at(b) < at(a) || (at(b) === at(a) && b > a) ? b : a));
  delete entries[oldest];
}

function mergeHistories(into: HistoryState, from: HistoryState): HistoryState {
  if (into.first === 0 || (from.first !== 0 && from.first < into.first)) into.origin = from.origin;
  into.first =
    into.first === 0 || from.first === 0
      ? latest(into.first, from.first)
      : earliest(into.first, from.first);
  into.last = latest(into.last, from.last);
  from.counters.types.forEach((type, i) => {
    addCount(
      into.counters,
      type,
      from.counters.counts[i] ?? 0,
      from.counters.lasts[i] ?? into.last,
    );
  });
  for (const [name, said] of Object.entries(from.traits)) setTrait(into, name, said);
  for (const [tag, said] of Object.entries(from.tags)) setTag(into, tag, said);
  for (const touch of from.touches) addTouch(into, touch);
  return into;
}

function show(state: HistoryState): ProfileSections {
  const { first, last, counters, traits, tags, touches, origin } = state;
  return {
    traits: {
      ...(first === 0 ? {} : { first_seen: isoTime(first), last_seen: isoTime(last), origin }),
      ...Object.fromEntries(Object.entries(traits).map(([name, [value]]) => [name, value])),
    },
    counters: Object.fromEntries(counters.types.map((type, i) => [type, counters.counts[i]])),
    tags: Object.entries(tags)
      .filter(([, [on]]) => on)
      .map(([tag, [, at, rule]]) => ({ tag, since: isoTime(at), by: rule })),
    touches: touches.map(([at, touchpoint, type, place, id]) => ({
      at: isoTime(at),
      touchpoint,
      type,
      ...(place === "" ? {} : { place }),
      event: id,
    })),
  };
}

const Options = Type.Object(
  {
    keep: Type.String({
      default: "180d",
      description: "What is known of a person who has done nothing for this long is forgotten.",
    }),
  },
  { additionalProperties: false },
);

export const historySpec: OperatorSpec = {
  name: NAME,
  flow: "shopper",
  summary: "A person's counters, traits, tags set by rules, and last touches.",
  from: ["events", "rule"],
  options: Options,
  profile: {
    traits: Type.Record(Type.String(), Type.String(), {
      description: "First and last act, the touchpoint of the first, and what the person answered.",
    }),
    counters: Type.Record(Type.String(), Type.Integer({ minimum: 1 }), {
      description: "Events so far, by type.",
    }),
    tags: TAGS,
    touches: Type.Array(
      Type.Object({
        at: Type.String({ format: "date-time" }),
        touchpoint: Type.String(),
        type: Type.String(),
        place: Type.Optional(Type.String()),
        event: Type.String(),
      }),
      { description: "The last acts across all touchpoints, oldest first." },
    ),
  },
  make: (options) =>
    historyOperator({ keep: duration((options as { readonly keep?: string }).keep, "180d") }),
};
