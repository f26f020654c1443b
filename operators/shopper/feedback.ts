import Type, { type Static } from "typebox";
import { type Context, FORGET, type Forget, type Operator } from "../../src/flow/operator.ts";
import type { OperatorSpec } from "../../src/flow/spec.ts";
import { type EventTime, latest, type Millis, plus } from "../../src/time/event-time.ts";
import type { FeedbackMeasure } from "../demand/partial.ts";
import { type ShopEvent, textProp } from "../event.ts";
import { orderedSkus } from "./catalog.ts";
import type { ContactOut, Recommended } from "./contact/outcome.ts";
import { insertAt } from "./insert.ts";
import { duration } from "./options.ts";

/** What became of a recommendation. Each is told at most once of each. */
export interface Outcome {
  readonly kind: "feedback";
  readonly person: string;
  readonly rec_id: string;
  readonly rec_kind: string;
  readonly channel: string;
  readonly what: FeedbackMeasure;
  readonly at: EventTime;
}

export interface FeedbackOptions {
  readonly ignoredAfter: Millis;
  readonly unseenAfter: Millis;
  readonly attribution: Millis;
}

/** A recommendation of which more may be heard. */
interface OpenRec {
  id: string;
  kind: string;
  channel: string;
  /** Skus it may take credit for. */
  skus: string[];
  at: EventTime;
  /** Times of what happened; 0 when it did not. */
  shown: EventTime;
  clicked: EventTime;
  closed: EventTime;
  purchased: EventTime;
  ignored: EventTime;
}

export interface FeedbackState {
  /** By time of recommendation. */
  open: OpenRec[];
}

const KEPT = 32;
const KEPT_SKUS = 20;
const NEVER = 0 as EventTime;
const TIMER = "silence";

const MEASURE_OF: ReadonlyMap<string, FeedbackMeasure> = new Map(
  Object.entries<FeedbackMeasure>({
    "feedback.exposed": "shown",
    "feedback.clicked": "clicked",
    "feedback.closed": "closed",
    "feedback.blocked": "closed",
    "feedback.purchased": "purchased",
    "feedback.ignored": "ignored",
  }),
);

/** What is told of a recommendation when it is made. */
export type Made = Pick<
  Recommended,
  "kind" | "person" | "rec_id" | "rec_kind" | "channel" | "skus" | "at"
>;
type In = Made | Exclude<ContactOut, Recommended> | ShopEvent;

/**
 * Follows every recommendation, pushed or served, to its end: shown, clicked, closed, purchased, by
 * the feedback that carries its id, and purchased too when the person pays for its goods within the
 * attribution window of having seen or clicked it. Silence is an answer: `ignored`, a while after it
 * was shown, sooner when it never was. What is heard afterwards counts all the same, while it lasts.
 */
function feedbackOperator(options: FeedbackOptions): Operator<In, Outcome, FeedbackState> {
  return {
    name: "feedback",
    version: 1,
    order: "arrival",
    key: personOf,
    init: () => ({ open: [] }),
    onEvent(input, state, ctx) {
      if ("kind" in input) {
        if (input.kind === "recommended") opened(state, recOf(input), ctx);
      } else heard(input, state, ctx, options);
      return kept(state, ctx, options);
    },
    merge(into, from, ctx) {
      for (const rec of from.open) opened(into, rec, ctx);
      return kept(into, ctx, options);
    },
    onTimer(_timer, state, ctx) {
      for (const rec of state.open) {
        if (isUndecided(rec) && silenceEnds(rec, options) <= ctx.now)
          tell(rec, "ignored", ctx.now, ctx);
      }
      state.open = state.open.filter((rec) => forgottenAt(rec, options) > ctx.now);
      return kept(state, ctx, options);
    },
  };
}

function personOf(input: In): string | undefined {
  if ("kind" in input) return input.kind === "recommended" ? input.person : undefined;
  const { type } = input;
  const concerns =
    type === "order.paid" || type === "recommendation.served" || MEASURE_OF.has(type);
  return concerns ? input.person : undefined;
}

const recOf = (rec: Made): OpenRec =>
  newRec(rec.rec_id, rec.rec_kind, rec.channel, rec.skus, rec.at);

function newRec(
  id: string,
  kind: string,
  channel: string,
  skus: readonly string[],
  at: EventTime,
): OpenRec {
  return {
    id,
    kind,
    channel,
    skus: skus.slice(0, KEPT_SKUS),
    at,
    shown: NEVER,
    clicked: NEVER,
    closed: NEVER,
    purchased: NEVER,
    ignored: NEVER,
  };
}

/** One more to follow; when there are too many, the oldest counts as ignored. */
function opened(state: FeedbackState, rec: OpenRec, ctx: Context<Outcome>): void {
  if (state.open.some(({ id }) => id === rec.id)) return;
  let place = state.open.length;
  while (place > 0 && (state.open[place - 1]?.at ?? rec.at) > rec.at) place -= 1;
  insertAt(state.open, place, rec);
  while (state.open.length > KEPT) {
    const oldest = state.open.shift();
    if (oldest !== undefined && isUndecided(oldest)) tell(oldest, "ignored", ctx.now, ctx);
  }
}

function heard(
  event: ShopEvent,
  state: FeedbackState,
  ctx: Context<Outcome>,
  options: FeedbackOptions,
): void {
  const recId = textProp(event, "rec_id");
  if (event.type === "recommendation.served") {
    if (recId === undefined) return;
    const items = event.props["items"];
    const skus = Array.isArray(items) ? items.filter((item) => typeof item === "string") : [];
    const kind = textProp(event, "kind") ?? "product";
    const slot = textProp(event, "slot") ?? event.touchpoint;
    const channel = textProp(event, "channel") ?? slot.split(".")[0] ?? event.touchpoint;
    opened(state, newRec(recId, kind, channel, skus, event.at), ctx);
    return;
  }
  if (event.type === "order.paid") {
    for (const rec of credited(event, recId, state, options)) {
      tell(rec, "purchased", event.at, ctx);
    }
    return;
  }
  const measure = MEASURE_OF.get(event.type);
  const rec = state.open.find(({ id }) => id === recId);
  if (measure !== undefined && rec !== undefined) tell(rec, measure, event.at, ctx);
}

/** Says what happened, once; who clicks, closes or buys has seen it. */
function tell(rec: OpenRec, what: FeedbackMeasure, at: EventTime, ctx: Context<Outcome>): void {
  if (what === "ignored" && !isUndecided(rec)) return;
  if (what !== "shown" && what !== "ignored" && rec.shown === NEVER) tell(rec, "shown", at, ctx);
  if (rec[what] !== NEVER) return;
  rec[what] = at;
  const { id, kind, channel } = rec;
  ctx.emit({ kind: "feedback", person: ctx.key, rec_id: id, rec_kind: kind, channel, what, at });
}

const isUndecided = ({ clicked, closed, purchased, ignored }: OpenRec): boolean =>
  clicked === NEVER && closed === NEVER && purchased === NEVER && ignored === NEVER;

/**
 * The recommendations that a payment is due to: the one it names; else of each sku paid for, the
 * one clicked last within the attribution window before, or else the one seen last.
 */
function credited(
  event: ShopEvent,
  recId: string | undefined,
  { open }: FeedbackState,
  { attribution }: FeedbackOptions,
): readonly OpenRec[] {
  const named = open.find(({ id }) => id === recId);
  if (named !== undefined) return [named];
  const isRecent = (at: EventTime) =>
    at !== NEVER && at <= event.at && event.at <= plus(at, attribution);
  const found = new Set<OpenRec>();
  for (const sku of orderedSkus(event)) {
    const about = open.filter(({ skus, closed }) => closed === NEVER && skus.includes(sku));
    const rec =
      newestBy(about, ({ clicked }) => clicked, isRecent) ??
      newestBy(about, ({ shown }) => shown, isRecent);
    if (rec !== undefined) found.add(rec);
  }
  return [...found];
}

function newestBy(
  recs: readonly OpenRec[],
  timeOf: (rec: OpenRec) => EventTime,
  isRecent: (at: EventTime) => boolean,
): OpenRec | undefined {
  let newest: OpenRec | undefined;
  for (const rec of recs) {
    if (!isRecent(timeOf(rec))) continue;
    if (newest === undefined || timeOf(rec) > timeOf(newest)) newest = rec;
  }
  return newest;
}

const silenceEnds = (
  { at, shown }: OpenRec,
  { ignoredAfter, unseenAfter }: FeedbackOptions,
): EventTime => (shown === NEVER ? plus(at, unseenAfter) : plus(shown, ignoredAfter));

/** Nothing that comes later can be due to it. */
const forgottenAt = (
  { at, shown, clicked }: OpenRec,
  { ignoredAfter, unseenAfter, attribution }: FeedbackOptions,
): EventTime => {
  const wait = Math.max(ignoredAfter, unseenAfter, attribution) as Millis;
  return plus(latest(at, latest(shown, clicked)), wait);
};

function kept(
  state: FeedbackState,
  ctx: Context<Outcome>,
  options: FeedbackOptions,
): FeedbackState | Forget {
  if (state.open.length === 0) return FORGET;
  let due = Number.MAX_SAFE_INTEGER;
  for (const rec of state.open) {
    due = Math.min(due, isUndecided(rec) ? silenceEnds(rec, options) : forgottenAt(rec, options));
  }
  ctx.setTimer(TIMER, due as EventTime);
  return state;
}

const Options = Type.Object(
  {
    ignored_after: Type.String({
      default: "24h",
      description: "A recommendation that was shown and not answered for this long is ignored.",
    }),
    unseen_after: Type.String({
      default: "1h",
      description: "One that was not even shown for this long is ignored.",
    }),
    attribution: Type.String({
      default: "24h",
      description: "A payment this long after it was seen or clicked may be due to it.",
    }),
  },
  { additionalProperties: false },
);

export const feedbackSpec: OperatorSpec = {
  name: "feedback",
  flow: "shopper",
  summary: "What becomes of every recommendation, silence included.",
  from: ["rule", "events"],
  options: Options,
  make(options) {
    const read = options as Partial<Static<typeof Options>>;
    return feedbackOperator({
      ignoredAfter: duration(read.ignored_after, "24h"),
      unseenAfter: duration(read.unseen_after, "1h"),
      attribution: duration(read.attribution, "24h"),
    });
  },
};
