import Type from "typebox";
import type { Lexicon } from "../../src/config/lexicon.ts";
import { type Context, FORGET, type Operator } from "../../src/flow/operator.ts";
import type { OperatorSpec } from "../../src/flow/spec.ts";
import {
  days,
  type EventTime,
  isoTime,
  latest,
  type Millis,
  plus,
} from "../../src/time/event-time.ts";
import { INTENTS, type Intent, type ShopEvent, textProp } from "../event.ts";
import { categoryOf, isAboutGoods } from "./catalog.ts";
import {
  addEvidence,
  decayTo,
  type Evidence,
  noEvidence,
  probabilitiesOf,
} from "./evidence-filter.ts";
import {
  type Clue,
  cluesOf,
  type EvidenceContext,
  SETTLED,
  type TermMeaning,
} from "./intent-evidence.ts";
import { readTerms } from "./lexicon.ts";
import { duration } from "./options.ts";
import type { IntentSignal, SessionSignal, Step } from "./signals.ts";
import { WordFinder } from "./words.ts";

export interface IntentOptions {
  readonly halfLife: Millis;
  readonly browsing: number;
  readonly minProbability: number;
  readonly hysteresis: number;
}

/** Bounds of what one person's state remembers. */
const KEPT_CLUES = 12;
const SHOWN_CLUES = 5;
const KEPT_VIEWS = 8;
const KEPT_CATEGORIES = 4;
const SKUS_OF_CATEGORY = 8;
const ORDER_CONTEXT = days(30);

const BROWSE = 0;

/** A clue in state: event, type, time, weight, why, intent. */
type KeptClue = [string, string, EventTime, number, string, number];

export interface IntentState {
  session: string;
  evidence: Evidence;
  clues: KeptClue[];
  /** Looks at each sku of the session, the most recently looked at last. */
  views: [string, number][];
  /** Distinct skus by category, the most recent category last. */
  alternatives: [string, string[]][];
  /** What was said last: intent and probability. */
  told: number;
  toldProbability: number;
  sku: string | null;
  category: string | null;
  /** Time of the latest payment or delivery; 0 when there is none. */
  orderAt: EventTime;
}

/**
 * What the person is after, as a decaying evidence filter: each act adds log-odds to the intents it
 * speaks for, the sums halve every half-life, and softmax makes them probabilities. Speaks when
 * another intent comes out on top with at least the least probability, or when the one it named has
 * moved by more than the hysteresis. Falling back to browsing is told to other operators only.
 */
function intentOperator(
  options: IntentOptions,
  words: WordFinder<TermMeaning>,
): Operator<SessionSignal, IntentSignal, IntentState> {
  return {
    name: "intent",
    version: 1,
    order: "arrival",
    purpose: "profiling",
    key: (signal) => (signal.kind === "covisit" ? undefined : signal.person),
    init: emptyState,
    onEvent(signal, state, ctx) {
      if (signal.kind === "covisit") return state;
      if (signal.kind === "session-end") return endOf(state, signal.session.id, ctx);
      return stepped(signal, state, ctx, options, words);
    },
    onTimer(_timer, state, ctx) {
      if (state.session !== "" || ctx.now < plus(state.orderAt, ORDER_CONTEXT)) return state;
      return FORGET;
    },
    merge(into, from, ctx) {
      const joined = joinIntents(into, from, options.halfLife);
      if (joined.session !== "") speak(joined, ctx, options);
      else if (joined.orderAt !== 0) ctx.setTimer("forget", plus(joined.orderAt, ORDER_CONTEXT));
      return joined;
    },
    publish: messageOf,
    profile: (state, { at }) => ({ intents: shownIntents(state, at, options) }),
  };
}

/** The evidence of both as of the later; what was told is what was told of `into`. */
function joinIntents(into: IntentState, from: IntentState, halfLife: Millis): IntentState {
  const { told, toldProbability } = into;
  const [earlier, later] = from.evidence.at > into.evidence.at ? [into, from] : [from, into];
  decayTo(earlier.evidence, later.evidence.at, halfLife);
  const odds = later.evidence.odds.map((value, i) => value + (earlier.evidence.odds[i] ?? 0));
  const looks = new Map(earlier.views);
  for (const [sku, count] of later.views) {
    const before = looks.get(sku) ?? 0;
    looks.delete(sku);
    looks.set(sku, before + count);
  }
  const alternatives = new Map(earlier.alternatives);
  for (const [category, skus] of later.alternatives) {
    const all = [...new Set([...(alternatives.get(category) ?? []), ...skus])];
    alternatives.delete(category);
    alternatives.set(category, all.slice(0, SKUS_OF_CATEGORY));
  }
  return {
    session: later.session === "" ? earlier.session : later.session,
    evidence: { at: later.evidence.at, odds },
    clues: [...earlier.clues, ...later.clues].sort((a, b) => a[2] - b[2]).slice(-KEPT_CLUES),
    views: [...looks].slice(-KEPT_VIEWS),
    alternatives: [...alternatives].slice(-KEPT_CATEGORIES),
    told,
    toldProbability,
    sku: later.sku ?? earlier.sku,
    category: later.category ?? earlier.category,
    orderAt: latest(into.orderAt, from.orderAt),
  };
}

/** The intents as of `at`, each with what speaks for it. */
function shownIntents(state: IntentState, at: EventTime, options: IntentOptions) {
  const now = latest(at, state.evidence.at);
  const { odds } = state.evidence;
  const evidence = { at: state.evidence.at, odds: [...odds] };
  decayTo(evidence, now, options.halfLife);
  const probabilities = probabilitiesOf(evidence, options.browsing);
  return INTENTS.map((intent, i) => ({
    intent,
    probability: rounded(probabilities[i] ?? 0),
    evidence: strongest(state, i, now, options.halfLife),
  }));
}

function emptyState(): IntentState {
  return {
    session: "",
    evidence: noEvidence(0 as EventTime),
    clues: [],
    views: [],
    alternatives: [],
    told: BROWSE,
    toldProbability: 0,
    sku: null,
    category: null,
    orderAt: 0 as EventTime,
  };
}

function stepped(
  step: Step,
  before: IntentState,
  ctx: Context<IntentSignal>,
  options: IntentOptions,
  words: WordFinder<TermMeaning>,
): IntentState | typeof FORGET {
  const { event, session } = step;
  let state = before;
  if (event.type === "order.received") noteOrder(state, event.at);
  if (session === null) return isBlank(state) ? FORGET : state;
  if (session.id !== state.session) {
    // An act of a session that is over; or the two have become one; or a new one has begun.
    if (session.last < state.evidence.at) return state;
    const isNew = state.session !== "" && session.started > state.evidence.at;
    if (isNew) state = afterSession(state, ctx, event.at);
    state.session = session.id;
  }
  const context = lookAt(state, event, ctx);
  decayTo(state.evidence, event.at, options.halfLife);
  settle(state, event.type);
  for (const clue of cluesOf(event, context, words)) note(state, event, clue, options.halfLife);
  if (event.type === "order.paid") noteOrder(state, event.at);
  speak(state, ctx, options);
  return state;
}

/** Counts the event among the session's looks; says what the session knows with it. */
function lookAt(state: IntentState, event: ShopEvent, ctx: Context<IntentSignal>): EvidenceContext {
  const age = event.at - state.orderAt;
  const recentOrder = state.orderAt !== 0 && age >= 0 && age <= ORDER_CONTEXT;
  const sku = textProp(event, "sku");
  const category = categoryOf(event, ctx.facts);
  const about = { recentOrder, contentAboutGoods: isAboutGoods(event, ctx.facts) };
  if (category !== undefined) state.category = category;
  if (sku !== undefined) state.sku = sku;
  if (sku === undefined || !event.type.startsWith("product.")) {
    return { viewsOfSku: 0, skusOfCategory: 0, newInCategory: false, ...about };
  }
  const seen = state.views.find(([known]) => known === sku);
  const viewsOfSku = (seen?.[1] ?? 0) + 1;
  state.views = [...state.views.filter((view) => view !== seen), [sku, viewsOfSku]];
  if (state.views.length > KEPT_VIEWS) state.views.shift();
  if (category === undefined) {
    return { viewsOfSku, skusOfCategory: 0, newInCategory: false, ...about };
  }
  const known = state.alternatives.find(([name]) => name === category);
  const skus = known?.[1] ?? [];
  const newInCategory = !skus.includes(sku) && skus.length < SKUS_OF_CATEGORY;
  if (newInCategory) skus.push(sku);
  if (known === undefined) state.alternatives.push([category, skus]);
  if (state.alternatives.length > KEPT_CATEGORIES) state.alternatives.shift();
  return { viewsOfSku, skusOfCategory: skus.length, newInCategory, ...about };
}

function settle(state: IntentState, type: string): void {
  const settled = SETTLED[type];
  if (settled === undefined) return;
  state.evidence.odds = state.evidence.odds.map(
    (odds, i) => odds * (settled[INTENTS[i] as Intent] ?? 1),
  );
}

function note(state: IntentState, event: ShopEvent, clue: Clue, halfLife: Millis): void {
  const intent = INTENTS.indexOf(clue.intent);
  addEvidence(state.evidence, event.at, intent, clue.weight, halfLife);
  state.clues.push([event.clientId, event.type, event.at, clue.weight, clue.why, intent]);
  if (state.clues.length > KEPT_CLUES) state.clues.shift();
}

function noteOrder(state: IntentState, at: EventTime): void {
  if (at > state.orderAt) state.orderAt = at;
}

function speak(state: IntentState, ctx: Context<IntentSignal>, options: IntentOptions): void {
  const probabilities = probabilitiesOf(state.evidence, options.browsing);
  const top = probabilities.indexOf(Math.max(...probabilities));
  const probability = probabilities[top] ?? 0;
  const certain = top !== BROWSE && probability >= options.minProbability;
  if (certain) {
    const moved = Math.abs(probability - state.toldProbability) > options.hysteresis;
    if (top !== state.told || moved) tell(state, ctx, top, probabilities, false, options.halfLife);
    return;
  }
  const left = (probabilities[state.told] ?? 0) < options.minProbability - options.hysteresis;
  if (state.told !== BROWSE && left) {
    tell(state, ctx, BROWSE, probabilities, true, options.halfLife);
  }
}

function tell(
  state: IntentState,
  ctx: Context<IntentSignal>,
  intent: number,
  probabilities: readonly number[],
  quiet: boolean,
  halfLife: Millis,
): void {
  const probability = probabilities[intent] ?? 0;
  state.told = intent;
  state.toldProbability = probability;
  const at = state.evidence.at;
  ctx.emit({
    kind: "intent",
    person: ctx.key,
    intent: INTENTS[intent] as Intent,
    probability,
    probabilities,
    session: state.session,
    at,
    evidence: strongest(state, intent, at, halfLife),
    sku: state.sku,
    category: state.category,
    quiet,
  });
}

/** The clues that still weigh most for an intent, each with what is left of its weight. */
function strongest(
  state: IntentState,
  intent: number,
  at: EventTime,
  halfLife: Millis,
): IntentSignal["evidence"] {
  const left = (clue: KeptClue) => clue[3] * 0.5 ** ((at - clue[2]) / halfLife);
  return state.clues
    .filter((clue) => clue[5] === intent)
    .sort((a, b) => left(b) - left(a))
    .slice(0, SHOWN_CLUES)
    .map((clue) => ({
      event: clue[0],
      type: clue[1],
      at: isoTime(clue[2]),
      weight: rounded(left(clue)),
      why: clue[4],
    }));
}

/** The session is over: its evidence goes, the order stays as context. */
function endOf(
  state: IntentState,
  session: string,
  ctx: Context<IntentSignal>,
): IntentState | typeof FORGET {
  if (session !== state.session) return state;
  const left = afterSession(state, ctx, ctx.now);
  if (left.orderAt === 0 || ctx.now >= plus(left.orderAt, ORDER_CONTEXT)) return FORGET;
  ctx.setTimer("forget", plus(left.orderAt, ORDER_CONTEXT));
  return left;
}

function afterSession(state: IntentState, ctx: Context<IntentSignal>, at: EventTime): IntentState {
  if (state.told !== BROWSE) {
    ctx.emit({
      kind: "intent",
      person: ctx.key,
      intent: "browse",
      probability: 1,
      probabilities: INTENTS.map((_, i) => (i === BROWSE ? 1 : 0)),
      session: state.session,
      at,
      evidence: [],
      sku: null,
      category: null,
      quiet: true,
    });
  }
  return { ...emptyState(), evidence: noEvidence(at), orderAt: state.orderAt };
}

const isBlank = (state: IntentState): boolean => state.session === "" && state.orderAt === 0;

const rounded = (value: number): number => Math.round(value * 10_000) / 10_000;

function messageOf(signal: IntentSignal) {
  if (signal.quiet) return undefined;
  const { person, intent, probability, probabilities, session, at, evidence } = signal;
  return {
    subject: `intent.${intent}`,
    data: {
      person,
      intent,
      probability: rounded(probability),
      probabilities: Object.fromEntries(
        INTENTS.map((name, i) => [name, rounded(probabilities[i] ?? 0)]),
      ),
      session,
      at: isoTime(at),
      evidence,
      ...(signal.sku === null ? {} : { sku: signal.sku }),
      ...(signal.category === null ? {} : { category: signal.category }),
    },
  };
}

const Options = Type.Object(
  {
    half_life: Type.String({
      default: "10m",
      description: "Evidence counts half after this long.",
    }),
    browsing: Type.Number({
      default: 1.5,
      description: "Log-odds of mere browsing: how much evidence an intent needs to beat it.",
    }),
    min_probability: Type.Number({
      default: 0.6,
      minimum: 0,
      maximum: 1,
      description: "No intent is announced below this probability.",
    }),
    hysteresis: Type.Number({
      default: 0.1,
      minimum: 0,
      maximum: 1,
      description: "An announced intent is told again when its probability moved by more.",
    }),
  },
  { additionalProperties: false },
);

interface RawOptions {
  readonly half_life?: string;
  readonly browsing?: number;
  readonly min_probability?: number;
  readonly hysteresis?: number;
}

export const intentSpec: OperatorSpec = {
  name: "intent",
  flow: "shopper",
  summary: "What a person is after right now, as probabilities over five intents.",
  from: ["session"],
  options: Options,
  profile: {
    intents: Type.Array(
      Type.Object({
        intent: Type.String(),
        probability: Type.Number({ minimum: 0, maximum: 1 }),
        evidence: Type.Array(
          Type.Object({
            event: Type.String(),
            type: Type.String(),
            at: Type.String({ format: "date-time" }),
            weight: Type.Number(),
            why: Type.String(),
          }),
        ),
      }),
      { description: "What the person is after in this session, with what speaks for it." },
    ),
  },
  make(options, job) {
    const read = options as RawOptions;
    return intentOperator(
      {
        halfLife: duration(read.half_life, "10m"),
        browsing: read.browsing ?? 1.5,
        minProbability: read.min_probability ?? 0.6,
        hysteresis: read.hysteresis ?? 0.1,
      },
      new WordFinder(readTerms(job.files["lexicon"] as Lexicon | undefined)),
    );
  },
};
