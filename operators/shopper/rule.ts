import Type, { type Static } from "typebox";
import { hash128 } from "../../src/codec/hash.ts";
import { CONFIG, perGeneration, sinceOf } from "../../src/config/generation.ts";
import { CHANNELS, type Rule, type RuleFile } from "../../src/config/rule-ast.ts";
import { type Context, FORGET, type Forget, type Operator } from "../../src/flow/operator.ts";
import type { JobSettings, OperatorSpec } from "../../src/flow/spec.ts";
import {
  days,
  type EventTime,
  earliest,
  isoTime,
  MAX_TIME,
  plus,
} from "../../src/time/event-time.ts";
import { LocalTime } from "../../src/time/local-time.ts";
import { agrees, isMinor } from "../consent.ts";
import { EXPLAINED_DEFS, ExplainedRules } from "./condition/explained-schema.ts";
import type { StandingChange } from "./condition/leaf.ts";
import { Matchers } from "./condition/matchers.ts";
import { standingOf, topicOf } from "./condition/standing.ts";
import { explainContact } from "./contact/explain-contact.ts";
import { hear, isHeard } from "./contact/hear.ts";
import { joinContact } from "./contact/join.ts";
import { type ContactOut, hopOf, messageOf } from "./contact/outcome.ts";
import { type Proposal, RECOMMENDER } from "./contact/proposal.ts";
import {
  dropWaiting,
  endMoment,
  nextDecision,
  propose,
  type Stands,
  type Turn,
  takeBack,
} from "./contact/restraint.ts";
import { moveNote } from "./contact/silence.ts";
import {
  type ContactState,
  copyContact,
  isBlank,
  newContact,
  pruneContact,
} from "./contact/state.ts";
import type { Policies } from "./contact/verdict.ts";
import { ExplainedContact, ExplainedDecisions } from "./explained-decisions.ts";
import { isEmpty } from "./records.ts";
import {
  type BookState,
  copyBook,
  type Findings,
  type Look,
  newBook,
  RuleBook,
} from "./rule-book.ts";
import type { PastSignal, Step } from "./signals.ts";

const NAME = "rule";
const JUDGE = "judge";
const PRUNE = "prune";
const TIDY_EVERY = days(8);
const KEPT_DECISIONS = 8;

type In = Step | PastSignal | Proposal | { readonly kind: string; readonly person: string };

export interface RuleState {
  book: BookState;
  contact: ContactState;
  /** When the timer for what comes next is set, if it is. */
  due?: EventTime;
  /** The timer that drops what is over is set. */
  tidied: boolean;
}

/**
 * Rules and restraint. What rules and the recommender want to happen goes through one policy of
 * contact per person, which does it, holds it until quiet hours are over, or says why it is not done.
 * Where the log brings other rules, those of the place in the log hold.
 */
export function ruleOperator(
  file: RuleFile,
  job: Pick<JobSettings, "seed" | "maxAge" | "consent" | "generations">,
  { keptDecisions }: { readonly keptDecisions: number } = { keptDecisions: KEPT_DECISIONS },
): Operator<In, ContactOut, RuleState> {
  const inForce = perGeneration(job.generations, (generation) => {
    const rules = generation?.files.rules ?? file;
    return {
      book: new RuleBook(rules, job, sinceOf(generation, "rules")),
      grants: new Matchers(grantsOf(rules)),
      policies: { ...policiesOf(rules, job), keptDecisions },
    };
  });
  const callOf = (state: RuleState, ctx: Context<ContactOut>): Call => {
    const { book, grants, policies } = inForce(ctx.facts);
    const { key: person, watermark, facts } = ctx;
    const look = { person, state: state.book, watermark, facts };
    return {
      book,
      grants,
      policies,
      look,
      turn: { state: state.contact, ctx, policies, heard: undefined },
    };
  };

  return {
    name: NAME,
    version: 2,
    order: "arrival",
    wakes: CONFIG,
    key(signal, facts) {
      if (signal.kind === "proposed" || signal.kind === "past") return signal.person;
      const { book, grants } = inForce(facts);
      if (isStep(signal)) {
        const { person, event } = signal;
        return isHeard(event.type, grants) || book.concerns(event, facts) ? person : undefined;
      }
      const topic = topicOf(signal);
      return topic !== undefined && book.follows(topic) ? signal.person : undefined;
    },
    init: () => ({ book: newBook(), contact: newContact(), tidied: false }),
    copy: (state) => ({
      ...state,
      book: copyBook(state.book),
      contact: copyContact(state.contact),
    }),
    onEvent(signal, state, ctx) {
      const call = callOf(state, ctx);
      revise(call, isPast(signal) ? signal : undefined);
      const change = isProposal(signal) || isStep(signal) ? undefined : standingOf(signal);
      if (change !== undefined) onStanding(change, call);
      else if (isProposal(signal)) propose(signal, call.turn);
      else if (isStep(signal)) onStep(signal, call);
      // The event that brought a change of standing comes last, and ends the moment.
      if (change === undefined) endMoment(call.turn, standsIn(call));
      return armed(state, call.book, ctx);
    },
    onTimer(timer, state, ctx) {
      const call = callOf(state, ctx);
      const { book, turn, look } = call;
      revise(call);
      if (timer.name === CONFIG) {
        endMoment(turn, standsIn(call));
        return armed(state, book, ctx);
      }
      if (timer.name === PRUNE) {
        book.tidy(state.book, ctx.now);
        pruneContact(state.contact, ctx.now);
        state.tidied = false;
        return armed(state, book, ctx);
      }
      delete state.due;
      act(book.onClock(ctx.now, look), call);
      endMoment(turn, standsIn(call));
      return armed(state, book, ctx);
    },
    merge(into, from, ctx) {
      const call = callOf(into, ctx);
      revise(call);
      onJoin(from, call);
      return armed(into, call.book, ctx);
    },
    publish: messageOf,
    forward: hopOf,
    migrate: (state) => withDecisions(state as RuleState),
    explain(state, { key: person, at, permits, facts }) {
      const { book, policies } = inForce(facts);
      const mayShow = (rule: Rule) => permits("profiling") || rule.class === "service";
      return {
        rules: book.explain({ person, state: state.book }, at, mayShow),
        ...explainContact(person, state.contact, policies, at),
      };
    },
  };
}

/** Of before decisions were remembered. */
const withDecisions = (state: RuleState): RuleState => ({
  ...state,
  contact: { ...state.contact, decisions: [] },
});

const isProposal = (signal: In): signal is Proposal => signal.kind === "proposed";
const isPast = (signal: In): signal is PastSignal => signal.kind === "past";
const isStep = (signal: In): signal is Step => signal.kind === "step";

/** One call of the operator: what is in force, and what it is about. */
interface Call {
  readonly book: RuleBook;
  readonly grants: Matchers;
  readonly policies: Policies;
  readonly look: Look;
  readonly turn: Turn;
}

/** Where the rules have changed since the person was last looked at. */
function revise(call: Call, past?: PastSignal): void {
  const { book, look, turn } = call;
  if (past === undefined && !book.isOld(look.state)) return;
  const found = book.revise(look, past);
  dropWaiting(turn, ({ rule, at }) => {
    if (rule === RECOMMENDER) return undefined;
    return (book.born(rule) ?? MAX_TIME) > at ? "stale" : undefined;
  });
  act(found, call);
}

function onStep(step: Step, call: Call): void {
  const { event } = step;
  const { book, grants, policies, look } = call;
  const { state, ctx } = call.turn;
  const turn: Turn = { state, ctx, policies, heard: event.recv };
  const heard: Call = { book, grants, policies, look, turn };
  const answered = hear(event, turn.state, policies, grants, look.facts);
  if (answered !== undefined) turn.ctx.emit(answered);
  if (event.type.startsWith("privacy.")) stopWithdrawn(turn);
  const found = book.onStep(step, look);
  recheck(found, heard, event.type === "order.paid" ? "paid" : "stale");
  act(found, heard);
}

/** What waits and is no longer true is dropped at once; what went and never was is taken back. */
function recheck(found: Findings, { book, look, turn }: Call, why: "paid" | "stale"): void {
  dropWaiting(turn, (proposal) => {
    const { ref, rule: name } = proposal;
    if (ref === null || !found.touched.some(({ rule }) => rule.id === name)) return undefined;
    return book.stands(proposal, turn.ctx.now, look.state) ? undefined : why;
  });
  for (const undone of found.undone) takeBack(turn, undone, why);
}

function onStanding(change: StandingChange, call: Call): void {
  const found = call.book.onStanding(change, call.look);
  recheck(found, call, "stale");
  act(found, call);
}

function onJoin(from: RuleState, call: Call): void {
  const { book, policies, look, turn } = call;
  joinContact(turn.state, from.contact, policies);
  const found = book.join(from.book, turn.ctx.now, look);
  recheck(found, call, "stale");
  act(found, call);
  endMoment(turn, standsIn(call));
}

/** Does what is new; what went already for a firing that was only of another time stands. */
function act({ proposals }: Findings, { book, look, turn }: Call): void {
  for (const { proposal, replaces } of proposals) {
    const { rule, ref, at, reason } = proposal;
    turn.ctx.note(() => ({
      of: "rule",
      rule,
      ref,
      true_at: isoTime(at),
      evidence: reason.evidence,
      before: book.explainFiring(proposal, look.state) ?? null,
    }));
    if (replaces === null || !moveNote(turn.state.silence, rule, replaces, ref))
      propose(proposal, turn);
  }
}

const standsIn =
  ({ book, look }: Call): Stands =>
  (proposal, at) =>
    book.stands(proposal, at, look.state);

/** Sets the timer for what comes next; forgets a person of whom nothing is left to know. */
function armed(state: RuleState, book: RuleBook, ctx: Context<ContactOut>): RuleState | Forget {
  const firing = book.nextFiring(state.book);
  const decision = nextDecision(state.contact);
  const due =
    firing === undefined || decision === undefined
      ? (firing ?? decision)
      : earliest(firing, decision);
  if (due !== undefined) {
    // A timer that is set anew is set for now at the earliest: one that is set already stays.
    if (due !== state.due) ctx.setTimer(JUDGE, due);
  } else {
    if (state.due !== undefined) ctx.clearTimer(JUDGE);
    const { histories, told, standings } = state.book;
    const knowsNothing = isEmpty(histories) && isEmpty(told) && standings === undefined;
    if (knowsNothing && isBlank(state.contact)) return FORGET;
  }
  if (due === undefined) delete state.due;
  else state.due = due;
  if (!state.tidied) {
    state.tidied = true;
    ctx.setTimer(PRUNE, plus(ctx.now, TIDY_EVERY));
  }
  return state;
}

/** Whoever withdraws consent gets nothing that is under way. */
function stopWithdrawn(turn: Turn): void {
  const { consents } = turn.state;
  // What was under way had begun under whatever holds for those who have not said.
  const granted = (purpose: string) => agrees(consents, purpose, true);
  if (granted("marketing") && granted("profiling")) return;
  dropWaiting(turn, (proposal) => {
    if (!granted("collect")) return "consent";
    if (proposal.class === "service") return undefined;
    if (isMinor(consents)) return "minor";
    return granted("marketing") ? "optout" : "consent";
  });
}

function grantsOf({ contact }: RuleFile) {
  const ways = Object.values(contact.quotas).flat();
  const all = ways.flatMap(({ grants }) => grants.map(({ of }) => of));
  return [...new Map(all.map((matcher) => [matcher.index, matcher])).values()];
}

function policiesOf(
  { contact, timeZone }: RuleFile,
  { seed, consent }: Pick<JobSettings, "seed" | "consent">,
): Omit<Policies, "keptDecisions"> {
  return {
    policy: contact,
    caps: contact.caps.map((cap) => ({ ...cap, key: hash128(JSON.stringify(cap)).slice(0, 8) })),
    local: new LocalTime(timeZone),
    unsaid: consent !== "denied",
    seed,
  };
}

/** No rules, and nothing that would restrain the recommender. */
const NO_RULES: RuleFile = {
  version: 1,
  timeZone: "UTC",
  matchers: [],
  rules: [],
  contact: {
    currency: "CNY",
    pages: CHANNELS,
    minScore: 0,
    staleAfter: Number.MAX_SAFE_INTEGER as RuleFile["contact"]["staleAfter"],
    holdOut: 0,
    quiet: [],
    caps: [],
    backoff: undefined,
    coolDown: { closed: 0, blocked: 0 } as RuleFile["contact"]["coolDown"],
    breaker: undefined,
    quotas: {},
  },
};

const Options = Type.Object(
  {
    decisions: Type.Optional(
      Type.Integer({
        default: KEPT_DECISIONS,
        minimum: 0,
        maximum: 64,
        description:
          "Decisions of each person that `ask.explain` knows at once: so many done, so many not.",
      }),
    ),
  },
  { additionalProperties: false },
);

export const ruleSpec: OperatorSpec = {
  name: NAME,
  flow: "shopper",
  summary: "What rules and the recommender want to happen, restrained by one policy of contact.",
  from: [
    "session",
    "intent",
    "rank_standing",
    "lifecycle",
    "scene",
    "tags",
    "spending_tier",
    "segment",
    "recommend",
  ],
  alsoFrom: ["journal"],
  options: Options,
  explainsBy: EXPLAINED_DEFS,
  explains: {
    rules: ExplainedRules,
    contact: ExplainedContact,
    decisions: ExplainedDecisions,
  },
  make: (options, job) =>
    ruleOperator((job.files["rules"] as RuleFile | undefined) ?? NO_RULES, job, {
      keptDecisions: (options as Static<typeof Options>).decisions ?? KEPT_DECISIONS,
    }),
};
