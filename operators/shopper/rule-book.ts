import { ALWAYS, type Since } from "../../src/config/generation.ts";
import type { Once, Rule, RuleFile, Variant } from "../../src/config/rule-ast.ts";
import type { Facts } from "../../src/flow/operator.ts";
import {
  type EventTime,
  earliest,
  isoTime,
  latest,
  MAX_TIME,
  MIN_TIME,
  type Millis,
  minus,
  plus,
} from "../../src/time/event-time.ts";
import type { ShopEvent } from "../event.ts";
import { type CompiledTrigger, compileTrigger } from "./condition/compile-trigger.ts";
import type { ExplainedTrigger } from "./condition/explained.ts";
import { FreshLeaves } from "./condition/fresh-leaves.ts";
import {
  copyHistories,
  type Firing,
  type Histories,
  type StandingChange,
} from "./condition/leaf.ts";
import { Listeners } from "./condition/listeners.ts";
import {
  changesOf,
  isLasting,
  joinStandings,
  noteStanding,
  type Standings,
} from "./condition/standings.ts";
import { chance } from "./contact/chance.ts";
import type { Proposal } from "./contact/proposal.ts";
import { kept, withOne, without } from "./records.ts";
import { optionOf } from "./rule-then.ts";
import type { PastSignal, Step } from "./signals.ts";

/** What the rules know of one person. Plain data; but for histories, records are replaced, never changed. */
export interface BookState {
  histories: Histories;
  /** Up to here what fires by the clock is told. */
  swept: EventTime;
  /** Of the latest event or change: everything up to it has been looked at. */
  seen: EventTime;
  /** By rule: when it may next fire by the clock. */
  next: Readonly<Record<string, EventTime>>;
  /** By rule: what fired and may still turn out not to have, oldest first. */
  told: Readonly<Record<string, readonly ToldFiring[]>>;
  /** By rule that the roll-out leaves the person out of: 0; once it does not any more, since when. */
  leftOut?: Readonly<Record<string, EventTime>>;
  /** When the rules that it was last looked at by came into force; those of the beginning when left out. */
  asOf?: EventTime;
  /** What lasts of what other parts said, asked for or not. */
  standings?: Standings;
}
type ToldFiring = readonly [at: EventTime, ref: string, partition: string];

/** One look at the rules. */
export interface Look {
  readonly person: string;
  readonly state: BookState;
  /** What fires by the clock is certain up to here. */
  readonly watermark: EventTime;
  readonly facts: Facts;
}

/** What came of it. */
export interface Findings {
  readonly proposals: readonly News[];
  /** What was told and turns out never to have come true. */
  readonly undone: readonly Undone[];
  /** Rules that may have come to something else. */
  readonly touched: readonly Touched[];
}

/** Something new to do. */
interface News {
  readonly proposal: Proposal;
  /** The firing that it takes the place of: it has turned out to be of another time. */
  readonly replaces: string | null;
}
export interface Undone {
  readonly rule: string;
  readonly ref: string;
  readonly at: EventTime;
}

/** One rule for one person at a moment. JSON. */
export interface ExplainedRule {
  readonly rule: string;
  readonly title?: string;
  /** Of the rule's content. */
  readonly version: string;
  readonly class: Rule["class"];
  /** The person is among those for whom it is in force. */
  readonly in_force: boolean;
  /** It only says what it would have done for the person. */
  readonly held_out: boolean;
  readonly variant: string | null;
  /** Left out where the person does not agree to be judged so. */
  readonly when?: ExplainedTrigger;
  /** Firings that may still turn out not to have been, oldest first. */
  readonly fired: readonly { readonly at: string; readonly of: string }[];
}

interface Touched {
  readonly rule: Rule;
}
interface Entry extends Touched {
  readonly trigger: CompiledTrigger;
  /** Since when it fires for this; nothing that came true before is its business. */
  readonly born: EventTime;
}

const SHOWN_EVENTS = 5;
/** Firings of one rule that are remembered; what is older stands. */
const KEPT_FIRINGS = 64;
const NOTHING: Findings = { proposals: [], undone: [], touched: [] };

export const newBook = (): BookState => ({
  histories: {},
  swept: 0 as EventTime,
  seen: 0 as EventTime,
  next: {},
  told: {},
});

/** A copy that shares nothing that changes in place. */
export const copyBook = (state: BookState): BookState => ({
  ...state,
  histories: copyHistories(state.histories),
});

/** The rules of a file: which of them fire for a person, and what they then propose. */
export class RuleBook {
  readonly #entries: readonly Entry[];
  readonly #byId: ReadonlyMap<string, Entry>;
  readonly #byLeaf: readonly Entry[][];
  readonly #listeners: Listeners;
  readonly #topics: ReadonlySet<string>;
  readonly #seed: number;
  readonly #maxAge: Millis;
  readonly #since: Since;
  readonly #fresh: FreshLeaves;

  constructor(
    { rules, matchers }: Pick<RuleFile, "rules" | "matchers">,
    { seed, maxAge }: { readonly seed: number; readonly maxAge: Millis },
    since: Since = ALWAYS,
  ) {
    this.#since = since;
    this.#entries = rules.map((rule) => ({
      rule,
      trigger: compileTrigger(rule.when),
      born: since.born(rule.id),
    }));
    this.#fresh = new FreshLeaves(
      matchers,
      this.#entries.map(({ trigger, born }) => ({ born, leaves: trigger.leaves })),
    );
    this.#byId = new Map(this.#entries.map((entry) => [entry.rule.id, entry]));
    const leaves = this.#entries.flatMap(({ trigger }) => trigger.leaves);
    this.#listeners = new Listeners(matchers, leaves);
    this.#topics = new Set(leaves.flatMap(({ follows }) => follows?.topic ?? []));
    this.#byLeaf = Array.from({ length: this.#listeners.size }, () => []);
    for (const entry of this.#entries) {
      const places = new Set(entry.trigger.leaves.map((leaf) => this.#listeners.place(leaf)));
      for (const place of places) this.#byLeaf[place]?.push(entry);
    }
    this.#seed = seed;
    this.#maxAge = maxAge;
  }

  /** Whether an event can make a rule fire, or keep one from firing. */
  concerns(event: ShopEvent, facts: Facts): boolean {
    return this.#listeners.concerns(event, facts);
  }

  /** Whether a rule asks where people stand in a topic, or one to come may. */
  follows(topic: string): boolean {
    return this.#topics.has(topic) || isLasting(topic);
  }

  /** Since when a rule fires for what it does now; undefined of one that is not in the file. */
  born(rule: string): EventTime | undefined {
    return this.#byId.get(rule)?.born;
  }

  /** Whether other rules were in force when the person was last looked at. */
  isOld({ asOf = 0 as EventTime }: BookState): boolean {
    return asOf !== this.#since.at;
  }

  /**
   * Once for each person and generation, before anything else: what was remembered for rules that
   * are no more is forgotten, new ones begin at the second at which they came into force.
   */
  revise(look: Look, known?: PastSignal): Findings {
    const { state } = look;
    const { at } = this.#since;
    const before = (known?.before ?? state.asOf ?? 0) as EventTime;
    if (before === at) return NOTHING;
    this.#freshen(state, look.facts, before, known?.steps);
    for (const id of new Set([...Object.keys(state.told), ...Object.keys(state.next)])) {
      if ((this.born(id) ?? MAX_TIME) <= before) continue;
      state.told = without(state.told, id);
      noteNext(state, id, undefined);
    }
    if (state.leftOut !== undefined) state.leftOut = this.#letIn(state.leftOut, look.person);
    const revised = this.#entries.filter(({ rule }) => this.#since.revised(rule.id) > before);
    if (revised.length === 0) return NOTHING;
    // Of others what fires by the clock is still to be told: it is not swept past.
    return this.#judge(revised, at, state.seen, { ...look, watermark: state.swept }, { after: at });
  }

  /** What happened while a rule was not for a person does not make it fire when it is. */
  #letIn(
    leftOut: NonNullable<BookState["leftOut"]>,
    person: string,
  ): NonNullable<BookState["leftOut"]> {
    const still: Record<string, EventTime> = {};
    for (const [id, since] of Object.entries(leftOut)) {
      const entry = this.#byId.get(id);
      if (entry === undefined) continue;
      still[id] = this.#isInForce(entry.rule, person) ? since || this.#since.at : since;
    }
    return still;
  }

  #freshen(state: BookState, facts: Facts, before: EventTime, steps: readonly Step[] = []): void {
    const { at } = this.#since;
    if (before === at) return;
    state.asOf = at;
    const past = { steps, standings: changesOf(state.standings) };
    this.#fresh.begin(state.histories, before, past, facts);
  }

  onStep(step: Step, look: Look): Findings {
    const places = this.#listeners.take(look.state.histories, step, look.facts);
    return this.#changed(places, step.event.at, step.event.at, look);
  }

  onStanding(change: StandingChange, look: Look): Findings {
    noteStanding(look.state, change);
    const { at, insteadOf } = change;
    const places = this.#listeners.stand(look.state.histories, change);
    return this.#changed(places, earliest(insteadOf ?? at, at), at, look);
  }

  /** What fires by the clock up to `now`. */
  onClock(now: EventTime, look: Look): Findings {
    const { state } = look;
    const due: Entry[] = [];
    for (const [id, at] of Object.entries(state.next)) {
      if (at > now) continue;
      const entry = this.#byId.get(id);
      if (entry !== undefined) due.push(entry);
      // Set anew below; a rule that is no longer in the file is over.
      noteNext(state, id, undefined);
    }
    return this.#judge(due, (state.swept + 1) as EventTime, now, { ...look, watermark: now });
  }

  /**
   * Somebody turned out to be this person: what fires is what fires for both histories as one. What
   * was told of either was told, and stands where it cannot be judged again.
   */
  join(from: BookState, now: EventTime, look: Look): Findings {
    const { state } = look;
    this.#freshen(from, look.facts, (from.asOf ?? 0) as EventTime);
    const standings = joinStandings(state.standings, from.standings);
    if (standings !== undefined) state.standings = standings;
    const fired = (entry: Entry, of: BookState): string[] =>
      entry.trigger.firings(of.histories, 0 as EventTime, latest(now, look.watermark)).map(refOf);
    const concerned = this.#entries.filter(({ trigger }) =>
      trigger.leaves.some(({ key }) => key in state.histories || key in from.histories),
    );
    const judgeable = new Map(
      concerned.map((entry) => [
        entry.rule.id,
        new Set([...fired(entry, state), ...fired(entry, from)]),
      ]),
    );
    this.#listeners.join(state.histories, from.histories);
    for (const [rule, told] of Object.entries(from.told)) {
      const all = [...(state.told[rule] ?? []), ...told].sort((a, b) => a[0] - b[0]);
      state.told = withOne(state.told, rule, all.slice(-KEPT_FIRINGS));
    }
    state.swept = latest(state.swept, from.swept);
    state.seen = latest(state.seen, from.seen);
    return this.#judge(concerned, MIN_TIME, now, look, { judgeable });
  }

  /** Every rule as it stands at `at`; with its conditions where `mayShow` it. */
  explain(
    { person, state }: Pick<Look, "person" | "state">,
    at: EventTime,
    mayShow: (rule: Rule) => boolean,
  ): ExplainedRule[] {
    // What is older than that is kept only as far as it matters from there on.
    const from = minus(latest(at, state.seen), this.#maxAge);
    return this.#entries.map(({ rule, trigger }): ExplainedRule => {
      const { id, title, hash } = rule;
      return {
        rule: id,
        ...(title === undefined ? {} : { title }),
        version: hash,
        class: rule.class,
        in_force: this.#isInForce(rule, person),
        held_out: this.#isHeldOut(rule, person),
        variant: this.#variant(rule, person).id,
        ...(mayShow(rule) ? { when: trigger.explain(state.histories, { at, from }) } : {}),
        fired: (state.told[id] ?? [])
          .filter((told) => told[0] <= at)
          .slice(-SHOWN_EVENTS)
          .map(([time, , of]) => ({ at: isoTime(time), of: of.split("\n").join(", ") })),
      };
    });
  }

  /** What made a proposal: its rule as it stood when it came true. */
  explainFiring({ rule, at }: Proposal, { histories }: BookState): ExplainedTrigger | undefined {
    const entry = this.#byId.get(rule);
    // Just before, what was waited for still waits.
    const moment = { at: (at - 1) as EventTime, from: (at - 1) as EventTime };
    return entry?.trigger.explain(histories, moment);
  }

  /** Forgets what no longer matters at `now`. */
  tidy(state: BookState, now: EventTime): void {
    const horizon = minus(now, this.#maxAge);
    this.#listeners.thin(state.histories, horizon);
    if (state.leftOut !== undefined)
      state.leftOut = kept(state.leftOut, (since) => since === 0 || since >= horizon);
    for (const [rule, told] of Object.entries(state.told)) {
      noteTold(
        state,
        rule,
        told.filter(([at]) => at >= horizon),
      );
    }
  }

  /** When a rule may next fire by the clock. */
  nextFiring({ next }: BookState): EventTime | undefined {
    let first: EventTime | undefined;
    for (const rule in next) {
      const at = next[rule] as EventTime;
      if (first === undefined || at < first) first = at;
    }
    return first;
  }

  /** Whether what a proposal is based on is still true. */
  stands(proposal: Proposal, at: EventTime, state: BookState): boolean {
    const entry = this.#byId.get(proposal.rule);
    if (entry === undefined || proposal.ref === null) return false;
    const { trigger } = entry;
    const firing = trigger
      .firings(state.histories, proposal.at, proposal.at)
      .find((one) => refOf(one) === proposal.ref);
    return firing !== undefined && trigger.stands(state.histories, firing, at);
  }

  #changed(places: readonly number[], from: EventTime, to: EventTime, look: Look): Findings {
    const [first] = places;
    if (first === undefined) return NOTHING;
    const entries = places.length === 1 ? (this.#byLeaf[first] ?? []) : this.#entriesAt(places);
    return this.#judge(entries, from, to, look);
  }

  #entriesAt(places: readonly number[]): readonly Entry[] {
    const entries = new Set<Entry>();
    for (const place of places) {
      for (const entry of this.#byLeaf[place] ?? []) entries.add(entry);
    }
    return [...entries];
  }

  /** `judgeable`, by rule: what was told of others stands. `after`: nothing before is looked at. */
  #judge(
    entries: readonly Entry[],
    from: EventTime,
    to: EventTime,
    look: Look,
    only: {
      readonly judgeable?: ReadonlyMap<string, ReadonlySet<string>>;
      readonly after?: EventTime;
    } = {},
  ): Findings {
    const { state, watermark } = look;
    const swept = latest(state.swept, watermark);
    state.seen = latest(state.seen, to);
    const until = latest(state.seen, swept);
    const horizon = minus(until, this.#maxAge);
    const all = latest(earliest(from, (state.swept + 1) as EventTime), horizon);
    const proposals: News[] = [];
    const undone: Undone[] = [];
    for (const entry of entries) {
      const { rule, trigger, born } = entry;
      if (!this.#isInForce(rule, look.person)) {
        if (state.leftOut?.[rule.id] !== 0)
          state.leftOut = withOne(state.leftOut ?? {}, rule.id, 0 as EventTime);
        continue;
      }
      const begins = latest(born, state.leftOut?.[rule.id] ?? MIN_TIME);
      const start = latest(latest(all, begins), only.after ?? MIN_TIME);
      const found = trigger.firings(state.histories, start, until);
      const isCertain = ({ by, at }: Firing) => by === "event" || at <= swept;
      const fired = found.filter(isCertain);
      const mayGo = only.judgeable?.get(rule.id);
      const { news, gone } = retold(state, rule.id, fired, { start, horizon, mayGo });
      const left = [...gone];
      for (const firing of news) proposals.push(...this.#newsOf(rule, firing, left, look));
      for (const [at, ref] of left) undone.push({ rule: rule.id, ref, at });
      const next =
        found.find((firing) => !isCertain(firing))?.at ?? trigger.next(state.histories, until);
      noteNext(state, rule.id, next);
    }
    state.swept = swept;
    this.#listeners.thin(state.histories, horizon);
    return { proposals, undone, touched: entries };
  }

  /** What a firing proposes, instead of what was told of its partition and is `left`: it takes that out. */
  #newsOf(rule: Rule, firing: Firing, left: ToldFiring[], look: Look): News[] {
    const moved = left.findIndex(([, , partition]) => partition === firing.partition);
    const [replaced] = moved < 0 ? [] : left.splice(moved, 1);
    const replaces = replaced?.[1] ?? null;
    return this.#proposals(rule, firing, look).map((proposal) => ({ proposal, replaces }));
  }

  #isInForce({ id, rollout }: Rule, person: string): boolean {
    return rollout >= 1 || chance(this.#seed, person, `${id} rollout`) < rollout;
  }

  #isHeldOut({ id, holdOut }: Rule, person: string): boolean {
    return holdOut > 0 && chance(this.#seed, person, `${id} hold-out`) < holdOut;
  }

  #proposals(rule: Rule, firing: Firing, { person, facts }: Look): Proposal[] {
    const variant = this.#variant(rule, person);
    const waits = rule.grace !== undefined && firing.by === "clock";
    const isHeldOut = this.#isHeldOut(rule, person);
    return variant.does.flatMap(({ take, of }): Proposal[] => {
      const options = of.flatMap((action) => optionOf(action, firing, facts) ?? []);
      if (options.length === 0) return [];
      return [
        {
          kind: "proposed",
          person,
          rule: rule.id,
          version: rule.hash,
          variant: variant.id,
          class: rule.class,
          at: firing.at,
          since: firing.by === "clock" ? (firing.evidence[0]?.[0] ?? firing.at) : firing.at,
          notBefore: waits ? plus(firing.at, rule.grace) : null,
          within: rule.within ?? null,
          ref: rule.recheck && !waits ? refOf(firing) : null,
          once: rule.once === undefined ? null : onceOf(rule.id, rule.once, firing),
          isHeldOut,
          reason: {
            code: rule.when.op,
            zh: rule.title ?? rule.id,
            evidence: firing.evidence
              .slice(-SHOWN_EVENTS)
              .map(([at, id, event]) => ({ event, id, time: isoTime(at) })),
          },
          take,
          options,
          recId: null,
          model: null,
        },
      ];
    });
  }

  /** Always the same for a person. */
  #variant({ id, variants }: Rule, person: string): Variant {
    let left = variants.length > 1 ? chance(this.#seed, person, `${id} variant`) : 0;
    for (const variant of variants) {
      left -= variant.share;
      if (left < 0) return variant;
    }
    return variants.at(-1) as Variant;
  }
}

/**
 * Of what fired since `start`, what was not told before; and of what was told, what did not fire.
 * Told firings before the horizon stand.
 */
function retold(
  state: BookState,
  rule: string,
  fired: readonly Firing[],
  of: {
    readonly start: EventTime;
    readonly horizon: EventTime;
    readonly mayGo: ReadonlySet<string> | undefined;
  },
): { readonly news: readonly Firing[]; readonly gone: readonly ToldFiring[] } {
  const { start, horizon, mayGo } = of;
  const told = state.told[rule] ?? [];
  if (told.length === 0 && fired.length === 0) return { news: fired, gone: told };
  const known = new Set(told.map(([, ref]) => ref));
  const news = fired.filter((firing) => !known.has(refOf(firing)));
  const refs = new Set(fired.map(refOf));
  const stays = ([at, ref]: ToldFiring) => at < start || refs.has(ref) || mayGo?.has(ref) === false;
  const staying = told.filter((one) => one[0] >= horizon && stays(one));
  if (news.length === 0 && staying.length === told.length) return { news, gone: [] };
  for (const firing of news) staying.push([firing.at, refOf(firing), firing.partition]);
  staying.sort((a, b) => a[0] - b[0]);
  noteTold(state, rule, staying.slice(-KEPT_FIRINGS));
  return { news, gone: told.filter((one) => !stays(one)) };
}

/** When a rule may next fire by the clock. */
function noteNext(state: BookState, rule: string, at: EventTime | undefined): void {
  if (state.next[rule] === at) return;
  state.next = at === undefined ? without(state.next, rule) : withOne(state.next, rule, at);
}

function noteTold(state: BookState, rule: string, told: readonly ToldFiring[]): void {
  state.told = told.length === 0 ? without(state.told, rule) : withOne(state.told, rule, told);
}

const refOf = ({ at, partition, trigger }: Firing): string => `${at} ${trigger} ${partition}`;

function onceOf(rule: string, { per, every }: Once, { bound }: Firing): Proposal["once"] {
  const values = per.map((name) => String(bound["trigger"]?.[name] ?? ""));
  return { key: [rule, ...values].join("\n"), every };
}
