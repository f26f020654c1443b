import { type Acts, SEGMENTS, type SegmentRule } from "./job.ts";
import type { TakenIn } from "./judge.ts";
import { ABSENCE, COUNT_WINDOW, SESSION_GAP, TOTAL_EVERY } from "./probes.ts";

/** As the job is configured. */
const DISORDER = 2000;
const MAX_AGE = 7 * 86_400_000;

interface TrackedEvent {
  readonly id: string;
  readonly type: string;
  readonly ts: number;
  readonly sent?: number;
  readonly props: Readonly<Record<string, unknown>>;
  readonly ids: readonly { readonly k: string }[];
}

/** An act that counts, with the watermark at its arrival. */
interface Act {
  readonly who: string;
  readonly id: string;
  readonly type: string;
  readonly line: unknown;
  readonly at: number;
  readonly watermark: number;
}

/** What the log says, worked out from its text alone. */
export interface Account {
  readonly acts: readonly Act[];
  /** By visit of those who come under two names: how many of theirs are known by then. */
  readonly visits: ReadonlyMap<string, number>;
  readonly in: number;
  /** Answers to recommendations that count. */
  readonly feedback: number;
  readonly duplicate: number;
  readonly late: number;
  readonly deadLettered: number;
  /** At the end of the log. */
  readonly watermark: number;
}

/**
 * Reads the log from its beginning as its definition has it: time is the broker's second, an event
 * counts once by its id, its time is its tracker's, put right by when it was sent, and never ahead.
 */
export function accountOf(intake: readonly TakenIn[]): Account {
  const ledger = new Ledger();
  for (const message of intake) ledger.take(message);
  return ledger.account;
}

interface Visitor {
  login: number;
  anon: number;
  one: boolean;
}

class Ledger {
  readonly #acts: Act[] = [];
  readonly #visits = new Map<string, number>();
  readonly #visitors = new Map<string, Visitor>();
  readonly #seen = new Set<string>();
  readonly #sums = { in: 0, feedback: 0, duplicate: 0, late: 0, deadLettered: 0 };
  #broker = 0;

  get account(): Account {
    return {
      acts: this.#acts,
      visits: this.#visits,
      ...this.#sums,
      watermark: watermarkAt(this.#broker),
    };
  }

  take({ subject, data, time }: TakenIn): void {
    this.#broker = Math.max(this.#broker, time);
    if (subject === "in.tick") return;
    const events = subject.startsWith("in.event.") ? eventsOf(data) : [];
    for (const event of events) this.#event(event, time);
    if (events.length > 0) return;
    this.#sums.in += 1;
    if (!subject.startsWith("in.feedback.")) return;
    const { id } = JSON.parse(Buffer.from(data).toString()) as { readonly id: string };
    if (this.#isNew(id)) this.#sums.feedback += 1;
  }

  #event(event: TrackedEvent | undefined, received: number): void {
    this.#sums.in += 1;
    if (event === undefined) {
      this.#sums.deadLettered += 1;
      return;
    }
    const { id, type, props } = event;
    const broker = this.#broker;
    const at = timeOf(event, received);
    if (at < broker - MAX_AGE) this.#sums.late += 1;
    else if (this.#isNew(id)) {
      const who = id.slice(0, id.indexOf("."));
      if (who.startsWith("v")) {
        this.#visit(who, event);
        return;
      }
      const about = { who, id, type, line: props["line"] };
      this.#acts.push({ ...about, at: Math.min(at, broker), watermark: watermarkAt(broker) });
    }
  }
  /** Under two names they are two, until one event has both. */
  #visit(who: string, { id, ids }: TrackedEvent): void {
    const visitor = this.#visitors.get(who) ?? { login: 0, anon: 0, one: false };
    this.#visitors.set(who, visitor);
    if (ids.length > 1) visitor.one = true;
    const name = ids[0]?.k === "anon" ? "anon" : "login";
    visitor[name] += 1;
    this.#visits.set(id, visitor.one ? visitor.login + visitor.anon : visitor[name]);
  }
  #isNew(id: string): boolean {
    if (this.#seen.has(id)) this.#sums.duplicate += 1;
    const isNew = !this.#seen.has(id);
    this.#seen.add(id);
    return isNew;
  }
}

const watermarkAt = (broker: number): number => Math.floor(broker / 1000) * 1000 - DISORDER - 1;

/** The events of a body; undefined stands for one that is spoilt. */
function eventsOf(data: Uint8Array): readonly (TrackedEvent | undefined)[] {
  let body: unknown;
  try {
    body = JSON.parse(Buffer.from(data).toString());
  } catch {
    return [undefined];
  }
  const events = (Array.isArray(body) ? body : [body]) as Partial<TrackedEvent>[];
  return events.map((event) =>
    /^[wv]\d+\.\d+$/.test(event.id ?? "") ? (event as TrackedEvent) : undefined,
  );
}

function timeOf({ ts, sent }: TrackedEvent, received: number): number {
  const helps = sent !== undefined && sent >= ts && sent - ts <= MAX_AGE;
  return helps ? ts + received - sent : ts;
}

const line = (subject: string, data: object): string => `${subject} ${JSON.stringify(data)}`;

function byWho(acts: readonly Act[]): Map<string, Act[]> {
  const people = new Map<string, Act[]>();
  for (const act of acts) {
    const own = people.get(act.who);
    if (own === undefined) people.set(act.who, [act]);
    else own.push(act);
  }
  return people;
}

/** Everything the probes must have said, in no particular order. */
export function probesSay(account: Account): string[] {
  const said: string[] = [];
  for (const [who, acts] of byWho(account.acts)) {
    for (let n = TOTAL_EVERY; n <= acts.length; n += TOTAL_EVERY) {
      said.push(line("kpi.probe_total", { who, n }));
    }
    said.push(...countsOf(who, acts, account.watermark));
    const inTime = acts
      .filter(({ at, watermark }) => at > watermark)
      // A stable sort: acts of one millisecond stay in the order of their arrival.
      .sort((a, b) => a.at - b.at);
    said.push(...sessionsOf(who, inTime, account.watermark));
    said.push(...absencesOf(who, inTime, account.watermark));
  }
  for (const [visit, n] of account.visits) said.push(line("kpi.probe_joined", { visit, n }));
  return said;
}

function countsOf(who: string, acts: readonly Act[], watermark: number): string[] {
  const windows = new Map<number, number>();
  for (const act of acts) {
    const start = Math.floor(act.at / COUNT_WINDOW) * COUNT_WINDOW;
    if (start + COUNT_WINDOW - 1 > act.watermark) windows.set(start, (windows.get(start) ?? 0) + 1);
  }
  return [...windows]
    .filter(([start]) => start + COUNT_WINDOW - 1 <= watermark)
    .map(([start, n]) => line("kpi.probe_count", { who, start, n }));
}

function sessionsOf(who: string, acts: readonly Act[], watermark: number): string[] {
  const sessions: { who: string; first: number; last: number; acts: number }[] = [];
  for (const { at } of acts) {
    const open = sessions.at(-1);
    if (open === undefined || at - open.last > SESSION_GAP) {
      sessions.push({ who, first: at, last: at, acts: 1 });
    } else {
      open.last = at;
      open.acts += 1;
    }
  }
  return sessions
    .filter(({ last }) => last + SESSION_GAP <= watermark)
    .map((session) => line("kpi.probe_session", session));
}

function absencesOf(who: string, acts: readonly Act[], watermark: number): string[] {
  return acts.flatMap(({ type, id, at }, place) => {
    const due = at + ABSENCE;
    if (type !== "cart.added" || due > watermark) return [];
    const paidAt = acts.find((later, i) => i > place && later.type === "order.paid")?.at;
    const paid = paidAt !== undefined && paidAt <= due;
    return paid ? [] : [line("kpi.probe_absence", { who, cart: id, at: due })];
  });
}

/** From `at` on a person is a member of a segment, or is not. */
interface Turn {
  readonly at: number;
  readonly member: boolean;
}

/** How many of a person's acts of one kind lie in the span that ends at a moment, both ends included. */
function counter(acts: readonly Act[], { type, line, withinMs }: Acts): (at: number) => number {
  const times = acts
    .filter((act) => act.type === type && (line === undefined || act.line === line))
    .map(({ at }) => at)
    .sort((a, b) => a - b);
  return (at) => upTo(times, at) - upTo(times, at - withinMs - 1);
}

/** How many of sorted whole numbers are at most so much. */
function upTo(times: readonly number[], most: number): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((times[middle] ?? 0) <= most) low = middle + 1;
    else high = middle;
  }
  return low;
}

function turnsOf(acts: readonly Act[], { needs, forbids }: SegmentRule, until: number): Turn[] {
  const needed = counter(acts, needs);
  const forbidden = forbids === undefined ? () => 0 : counter(acts, forbids);
  const spans = [needs.withinMs, forbids?.withinMs ?? 0];
  const moments = new Set(acts.flatMap(({ at }) => [at, ...spans.map((ms) => at + ms + 1)]));
  const turns: Turn[] = [];
  for (const at of [...moments].sort((a, b) => a - b)) {
    const member = needed(at) >= needs.atLeast && forbidden(at) === 0;
    if (at <= until && member !== (turns.at(-1)?.member ?? false)) turns.push({ at, member });
  }
  return turns;
}

/** A message about a segment, in the order of the output stream. */
export interface SegmentMessage {
  readonly id: string;
  readonly segment: string;
  readonly member: boolean;
  readonly at: number;
  readonly person: string;
  /** An event it was told by, where it names one. */
  readonly evidence: string | undefined;
  readonly supersedes: string | undefined;
}

/**
 * What is wrong with what was said of segments: every turn there was must have been told, what was
 * told and never taken back must have been one, and the last word about a person must be right.
 */
export function segmentFaults(account: Account, said: readonly SegmentMessage[]): string[] {
  const nameOf = new Map<string, string>();
  for (const { person, evidence } of said) {
    if (evidence !== undefined) nameOf.set(person, evidence.slice(0, evidence.indexOf(".")));
  }
  const people = byWho(account.acts);
  return SEGMENTS.flatMap((rule) =>
    [...people].flatMap(([who, acts]) => {
      const own = said.filter((m) => m.segment === rule.id && nameOf.get(m.person) === who);
      const judged = Math.max(account.watermark, ...acts.map(({ at }) => at));
      const wrong = wrongTurns(turnsOf(acts, rule, judged), own);
      return wrong.map((what) => `${rule.id}: ${who} ${what}`);
    }),
  );
}

function wrongTurns(turns: readonly Turn[], said: readonly SegmentMessage[]): string[] {
  const is = (a: Turn) => (b: Turn) => a.at === b.at && a.member === b.member;
  const replaced = new Set(said.map(({ supersedes }) => supersedes));
  const stand = said.filter((m) => m.supersedes === undefined && !replaced.has(m.id));
  const untold = turns.filter((turn) => !said.some(is(turn)));
  const untrue = stand.filter((message) => !turns.some(is(message)));
  const last = said.at(-1)?.member ?? false;
  return [
    ...untold.map((turn) => `was not told to have ${text(turn)}`),
    ...untrue.map((message) => `was told to have ${text(message)}, and had not`),
    ...(last === (turns.at(-1)?.member ?? false) ? [] : ["was told a wrong last word"]),
  ];
}

const text = ({ at, member }: Turn): string => `${member ? "entered" : "exited"} at ${at}`;
