import Type from "typebox";
import type { IntentFile } from "../../src/config/intents.ts";
import type { Lexicon } from "../../src/config/lexicon.ts";
import { type Context, FORGET, type Operator } from "../../src/flow/operator.ts";
import type { OperatorSpec } from "../../src/flow/spec.ts";
import {
  days,
  type EventTime,
  hours,
  isoTime,
  latest,
  type Millis,
  plus,
} from "../../src/time/event-time.ts";
import { type ShopEvent, textProp } from "../event.ts";
import { categoryOf } from "./catalog.ts";
import {
  addEvidence,
  addOdds,
  copyEvidence,
  decayTo,
  type Evidence,
  noEvidence,
  probabilitiesOf,
} from "./evidence-filter.ts";
import { type Clue, EvidenceBook, type EvidenceContext } from "./intent-evidence.ts";
import { duration } from "./options.ts";
import {
  addCounts,
  copyCounts,
  countToward,
  noCounts,
  type PurchaseCounts,
  purchaseProbability,
} from "./purchase.ts";
import type { IntentEvidence, IntentSignal, SessionSignal, Step } from "./signals.ts";

interface IntentOptions {
  readonly halfLife: Millis;
  readonly minProbability: number;
  readonly hysteresis: number;
}

/** What people may be after, and what says so. */
interface IntentBook {
  readonly file: IntentFile;
  readonly evidence: EvidenceBook;
}

/** Bounds of what one person's state remembers. */
const KEPT_CLUES = 8;
const SHOWN_CLUES = 5;
const KEPT_VIEWS = 8;
const KEPT_CATEGORIES = 4;
const SKUS_OF_CATEGORY = 8;
const ORDER_CONTEXT = days(30);
/** What speaks for a purchase has faded for good so long after. */
const PURCHASE_CONTEXT = hours(8);

const BROWSE = "browse";

/** A clue in state: event, type, time, weight, why, intent. */
type KeptClue = [string, string, EventTime, number, string, string];

export interface IntentState {
  session: string;
  evidence: Evidence;
  clues: KeptClue[];
  /** Looks at each sku of the session, the most recently looked at last. */
  views: [string, number][];
  /** Distinct skus by category, the most recent category last. */
  alternatives: [string, string[]][];
  /** What was said last: intent and probability. */
  told: string;
  toldProbability: number;
  sku: string | null;
  category: string | null;
  /** Time of the latest payment or delivery; 0 when there is none. */
  orderAt: EventTime;
  purchase: PurchaseCounts;
}

/**
 * What the person is after, as a decaying evidence filter: each act adds log-odds to the intents it
 * speaks for, the sums halve every half-life, and softmax makes them probabilities. Speaks when
 * another intent comes out on top with at least the least probability, or when the one it named has
 * moved by more than the hysteresis. Falling back to browsing is told to other operators only. Beside
 * it stands how likely a purchase is, which outlives the session.
 */
function intentOperator(
  options: IntentOptions,
  book: IntentBook,
): Operator<SessionSignal, IntentSignal, IntentState> {
  return {
    name: "intent",
    version: 3,
    order: "arrival",
    purpose: "profiling",
    key: (signal) => (signal.kind === "covisit" ? undefined : signal.person),
    init: emptyState,
    copy: (state) => ({
      ...state,
      evidence: copyEvidence(state.evidence),
      clues: state.clues.slice(),
      purchase: copyCounts(state.purchase),
    }),
    onEvent(signal, state, ctx) {
      if (signal.kind === "covisit") return state;
      if (signal.kind === "session-end") return endOf(state, signal.session.id, ctx, book.file);
      return stepped(signal, state, ctx, options, book);
    },
    onTimer(_timer, state, ctx) {
      return state.session === "" ? forgetLater(state, ctx) : state;
    },
    migrate(state, from) {
      // What version 1 knew of a session is over with it; who has ordered lately is still known.
      if (from === 1) return { ...emptyState(), orderAt: (state as IntentState).orderAt };
      return fromRecords(state as StateOfRecords);
    },
    merge(into, from, ctx) {
      const joined = joinIntents(into, from, options.halfLife, book.file);
      if (joined.session !== "") speak(joined, ctx, options, book.file);
      else if (!isBlank(joined)) ctx.setTimer("forget", forgottenAt(joined));
      return joined;
    },
    publish: messageOf,
    profile: (state, { at }) => ({ intents: shownIntents(state, at, options, book.file) }),
  };
}

/** Version 2 kept odds by intent, counts by type, and probabilities, which follow from the odds. */
type StateOfRecords = Omit<IntentState, "evidence" | "purchase"> & {
  readonly evidence: { readonly at: EventTime; readonly odds: Readonly<Record<string, number>> };
  readonly purchase: { readonly at: EventTime; readonly counts: Readonly<Record<string, number>> };
  readonly probabilities: unknown;
};

function fromRecords(state: StateOfRecords): IntentState {
  const { probabilities: _, evidence, purchase, ...rest } = state;
  const { odds } = evidence;
  const { counts } = purchase;
  return {
    ...rest,
    evidence: { at: evidence.at, intents: Object.keys(odds), odds: Object.values(odds) },
    purchase: { at: purchase.at, types: Object.keys(counts), counts: Object.values(counts) },
  };
}

/** The evidence of both as of the later; what was told is what was told of `into`. */
function joinIntents(
  into: IntentState,
  from: IntentState,
  halfLife: Millis,
  { purchase }: IntentFile,
): IntentState {
  addCounts(into.purchase, from.purchase, purchase);
  const { told, toldProbability } = into;
  const [earlier, later] = from.evidence.at > into.evidence.at ? [into, from] : [from, into];
  decayTo(earlier.evidence, later.evidence.at, halfLife);
  const evidence = copyEvidence(later.evidence);
  earlier.evidence.intents.forEach((intent, i) => {
    addOdds(evidence, intent, earlier.evidence.odds[i] ?? 0);
  });
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
    evidence,
    clues: [...earlier.clues, ...later.clues].sort((a, b) => a[2] - b[2]).slice(-KEPT_CLUES),
    views: [...looks].slice(-KEPT_VIEWS),
    alternatives: [...alternatives].slice(-KEPT_CATEGORIES),
    told,
    toldProbability,
    sku: later.sku ?? earlier.sku,
    category: later.category ?? earlier.category,
    orderAt: latest(into.orderAt, from.orderAt),
    purchase: into.purchase,
  };
}

/** The intents as of `at`, each with what speaks for it. */
function shownIntents(state: IntentState, at: EventTime, options: IntentOptions, file: IntentFile) {
  const now = latest(at, state.evidence.at);
  const evidence = copyEvidence(state.evidence);
  decayTo(evidence, now, options.halfLife);
  const probabilities = probabilitiesOf(evidence, file);
  return file.names.map((intent, i) => ({
    intent,
    probability: rounded(probabilities[i] ?? 0),
    evidence: strongest(state, intent, now, options.halfLife).map(shownClue),
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
    purchase: noCounts(),
  };
}

function stepped(
  step: Step,
  before: IntentState,
  ctx: Context<IntentSignal>,
  options: IntentOptions,
  { file, evidence }: IntentBook,
): IntentState | typeof FORGET {
  const { event, session } = step;
  let state = before;
  if (event.type === "order.received") noteOrder(state, event.at);
  if (session !== null) countToward(state.purchase, event.type, event.at, file.purchase);
  if (session === null) return isBlank(state) ? FORGET : state;
  if (session.id !== state.session) {
    // An act of a session that is over; or the two have become one; or a new one has begun.
    if (session.last < state.evidence.at) return state;
    const isNew = state.session !== "" && session.started > state.evidence.at;
    if (isNew) state = afterSession(state, ctx, event.at, file);
    state.session = session.id;
  }
  const context = lookAt(state, event, ctx);
  decayTo(state.evidence, event.at, options.halfLife);
  const met = evidence.metBy(event, ctx.facts);
  settle(state.evidence, evidence.keptBy(event, met));
  for (const clue of evidence.cluesOf(event, met, context, ctx.facts)) {
    note(state, event, clue, options.halfLife);
  }
  if (event.type === "order.paid") noteOrder(state, event.at);
  speak(state, ctx, options, file);
  return state;
}

/** Counts the event among the session's looks; says what the session knows with it. */
function lookAt(state: IntentState, event: ShopEvent, ctx: Context<IntentSignal>): EvidenceContext {
  const age = event.at - state.orderAt;
  const orderedLately = state.orderAt !== 0 && age >= 0 && age <= ORDER_CONTEXT;
  const sku = textProp(event, "sku");
  const category = categoryOf(event, ctx.facts);
  if (category !== undefined) state.category = category;
  if (sku !== undefined) state.sku = sku;
  if (sku === undefined || !event.type.startsWith("product.")) {
    return { viewsOfSku: 0, skusOfCategory: 0, newInCategory: false, orderedLately };
  }
  const seen = state.views.find(([known]) => known === sku);
  const viewsOfSku = (seen?.[1] ?? 0) + 1;
  const views = state.views.filter((view) => view !== seen);
  views.push([sku, viewsOfSku]);
  if (views.length > KEPT_VIEWS) views.shift();
  state.views = views;
  if (category === undefined) {
    return { viewsOfSku, skusOfCategory: 0, newInCategory: false, orderedLately };
  }
  const known = state.alternatives.find(([name]) => name === category);
  const before = known?.[1] ?? [];
  const newInCategory = !before.includes(sku) && before.length < SKUS_OF_CATEGORY;
  if (!newInCategory) {
    return { viewsOfSku, skusOfCategory: before.length, newInCategory, orderedLately };
  }
  const all: IntentState["alternatives"][number] = [category, [...before, sku]];
  state.alternatives =
    known === undefined
      ? [...state.alternatives, all].slice(-KEPT_CATEGORIES)
      : state.alternatives.map((one) => (one === known ? all : one));
  return { viewsOfSku, skusOfCategory: all[1].length, newInCategory, orderedLately };
}

function settle(evidence: Evidence, kept: ReadonlyMap<string, number> | undefined): void {
  if (kept === undefined) return;
  const { intents, odds } = evidence;
  for (let i = 0; i < odds.length; i += 1) {
    odds[i] = (odds[i] ?? 0) * (kept.get(intents[i] ?? "") ?? 1);
  }
}

function note(state: IntentState, event: ShopEvent, clue: Clue, halfLife: Millis): void {
  const { intent, weight, why } = clue;
  addEvidence(state.evidence, event.at, intent, weight, halfLife);
  state.clues.push([event.clientId, event.type, event.at, weight, why, intent]);
  if (state.clues.length > KEPT_CLUES) state.clues.shift();
}

function noteOrder(state: IntentState, at: EventTime): void {
  if (at > state.orderAt) state.orderAt = at;
}

function speak(
  state: IntentState,
  ctx: Context<IntentSignal>,
  options: IntentOptions,
  file: IntentFile,
): void {
  const { names, browse } = file;
  const { minProbability, hysteresis } = options;
  const probabilities = probabilitiesOf(state.evidence, file);
  let best = 0;
  for (let i = 1; i < names.length; i += 1) {
    if ((probabilities[i] ?? 0) > (probabilities[best] ?? 0)) best = i;
  }
  const probability = probabilities[best] ?? 0;
  const top = names[best] ?? BROWSE;
  if (top !== BROWSE && probability >= minProbability) {
    const moved = Math.abs(probability - state.toldProbability) > hysteresis;
    if (top !== state.told || moved) tell(state, ctx, best, probabilities, options, file);
    return;
  }
  if (state.told === BROWSE) return;
  const left = probabilities[names.indexOf(state.told)] ?? 0;
  if (left < minProbability - hysteresis) tell(state, ctx, browse, probabilities, options, file);
}

function tell(
  state: IntentState,
  ctx: Context<IntentSignal>,
  place: number,
  probabilities: readonly number[],
  { halfLife }: IntentOptions,
  file: IntentFile,
): void {
  const intent = file.names[place] ?? BROWSE;
  const probability = probabilities[place] ?? 0;
  state.told = intent;
  state.toldProbability = probability;
  const at = state.evidence.at;
  ctx.emit({
    kind: "intent",
    person: ctx.key,
    intent,
    probability,
    probabilities: byName(file.names, probabilities),
    purchase: purchaseProbability(state.purchase, file.purchase),
    session: state.session,
    at,
    evidence: strongest(state, intent, at, halfLife),
    sku: state.sku,
    category: state.category,
    quiet: intent === BROWSE,
  });
}

function byName(names: readonly string[], probabilities: readonly number[]) {
  const named: Record<string, number> = {};
  for (const [i, name] of names.entries()) named[name] = rounded(probabilities[i] ?? 0);
  return named;
}

/** The clues that still weigh most for an intent, each with what is left of its weight. */
function strongest(
  state: IntentState,
  intent: string,
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
      at: clue[2],
      weight: rounded(left(clue)),
      why: clue[4],
    }));
}

/** As a message shows it. */
const shownClue = (clue: IntentEvidence) => ({ ...clue, at: isoTime(clue.at) });

/** The session is over: its evidence goes; the order, and what speaks for a purchase, stay. */
function endOf(
  state: IntentState,
  session: string,
  ctx: Context<IntentSignal>,
  file: IntentFile,
): IntentState | typeof FORGET {
  if (session !== state.session) return state;
  return forgetLater(afterSession(state, ctx, ctx.now, file), ctx);
}

function forgetLater(state: IntentState, ctx: Context<IntentSignal>): IntentState | typeof FORGET {
  const due = forgottenAt(state);
  if (due <= ctx.now) return FORGET;
  ctx.setTimer("forget", due);
  return state;
}

function forgottenAt({ orderAt, purchase }: IntentState): EventTime {
  const faded = plus(purchase.at, PURCHASE_CONTEXT);
  return orderAt === 0 ? faded : latest(plus(orderAt, ORDER_CONTEXT), faded);
}

function afterSession(
  state: IntentState,
  ctx: Context<IntentSignal>,
  at: EventTime,
  { names, purchase }: IntentFile,
): IntentState {
  if (state.told !== BROWSE) {
    ctx.emit({
      kind: "intent",
      person: ctx.key,
      intent: BROWSE,
      probability: 1,
      probabilities: Object.fromEntries(names.map((name) => [name, name === BROWSE ? 1 : 0])),
      purchase: purchaseProbability(state.purchase, purchase),
      session: state.session,
      at,
      evidence: [],
      sku: null,
      category: null,
      quiet: true,
    });
  }
  const { orderAt, purchase: seen } = state;
  return { ...emptyState(), evidence: noEvidence(at), orderAt, purchase: seen };
}

const isBlank = (state: IntentState): boolean =>
  state.session === "" && state.orderAt === 0 && state.purchase.at === 0;

const rounded = (value: number): number => Math.round(value * 10_000) / 10_000;

function messageOf(signal: IntentSignal) {
  if (signal.quiet) return undefined;
  const { person, intent, probability, probabilities, purchase, session, at, evidence } = signal;
  return {
    subject: `intent.${intent}`,
    data: {
      person,
      intent,
      probability: rounded(probability),
      probabilities,
      purchase: rounded(purchase),
      session,
      at: isoTime(at),
      evidence: evidence.map(shownClue),
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
  readonly min_probability?: number;
  readonly hysteresis?: number;
}

export const intentSpec: OperatorSpec = {
  name: "intent",
  flow: "shopper",
  summary: "What a person is after right now, as probabilities over the intents of the file.",
  from: ["session"],
  tells: ["intent"],
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
    const file = job.files["intents"] as IntentFile;
    const lexicon = job.files["lexicon"] as Lexicon | undefined;
    return intentOperator(
      {
        halfLife: duration(read.half_life, "10m"),
        minProbability: read.min_probability ?? 0.6,
        hysteresis: read.hysteresis ?? 0.1,
      },
      { file, evidence: new EvidenceBook(file, lexicon) },
    );
  },
};
