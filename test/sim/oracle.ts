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

/** A person from the first act on, until they are erased if they ever are. */
interface Life {
  readonly who: string;
  readonly acts: Act[];
  /** The watermark at the end of it, or of the log. */
  readonly watermark: number;
  /** When they were erased. */
  readonly ended?: number;
}

/** What the log says, worked out from its text alone. */
export interface Account {
  readonly lives: readonly Life[];
  /** Acts of all of them. */
  readonly acts: number;
  /** By visit of those who come under two names: how many of theirs are known by then. */
  readonly visits: ReadonlyMap<string, number>;
  readonly in: number;
  /** Answers to recommendations that count. */
  readonly feedback: number;
  /** Words of those who agree to be known again. */
  readonly consents: number;
  readonly duplicate: number;
  readonly late: number;
  readonly deadLettered: number;
  /** Of people who were erased. */
  readonly withheld: number;
}

/**
 * Reads the log from its beginning as its definition has it: time is the broker's second, an event
 * counts once by its id, its time is its tracker's, put right by when it was sent, and never ahead;
 * of who was erased nothing counts until they agree to be known again, as somebody new.
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
  /** Those that have not ended, by who lives them. */
  readonly #living = new Map<string, Life>();
  readonly #ended: Life[] = [];
  readonly #visits = new Map<string, number>();
  readonly #visitors = new Map<string, Visitor>();
  readonly #seen = new Set<string>();
  /** Who is erased, and the digits of their pseudonyms. */
  readonly #erased = new Set<string>();
  readonly #gone = new Set<string>();
  readonly #sums = {
    ...{ in: 0, acts: 0, feedback: 0, consents: 0 },
    ...{ duplicate: 0, late: 0, deadLettered: 0, withheld: 0 },
  };
  #broker = 0;

  get account(): Account {
    const watermark = watermarkAt(this.#broker);
    const living = [...this.#living.values()].map((life) => ({ ...life, watermark }));
    return { lives: [...this.#ended, ...living], visits: this.#visits, ...this.#sums };
  }

  take({ subject, data, time }: TakenIn): void {
    this.#broker = Math.max(this.#broker, time);
    if (subject === "in.tick") return;
    const events = subject.startsWith("in.event.") ? eventsOf(data) : [];
    for (const event of events) this.#event(event, time);
    if (events.length > 0) return;
    this.#sums.in += 1;
    if (subject.startsWith("in.feedback.")) this.#feedback(data);
    else if (subject.startsWith("in.privacy.")) this.#privacy(subject, data);
  }

  #feedback(data: Uint8Array): void {
    const { id, rec_id } = JSON.parse(Buffer.from(data).toString()) as {
      readonly id: string;
      readonly rec_id: string;
    };
    if (!this.#isNew(id)) return;
    if ([...this.#gone].some((digits) => rec_id.includes(digits))) this.#sums.withheld += 1;
    else this.#sums.feedback += 1;
  }

  #privacy(subject: string, data: Uint8Array): void {
    const body = JSON.parse(Buffer.from(data).toString()) as {
      readonly id: string;
      readonly request?: string;
      readonly person?: string;
      readonly names?: readonly string[];
    };
    if (subject.startsWith("in.privacy.erase.")) {
      if (this.#isNew(subject)) this.#erase(after("leave-", body.request ?? ""));
      for (const name of [body.person ?? "", ...(body.names ?? [])])
        this.#gone.add(after("p_", name));
      return;
    }
    if (!this.#isNew(body.id)) return;
    const isConsent = subject === "in.privacy.consent";
    const who = after(isConsent ? "back-" : "leave-", body.id);
    if (isConsent) this.#erased.delete(who);
    if (isConsent) this.#sums.consents += 1;
    // Both say all names of a visitor.
    if (who.startsWith("v")) this.#visitor(who).one = true;
  }
  #erase(who: string): void {
    this.#erased.add(who);
    this.#visitors.delete(who);
    const life = this.#living.get(who);
    if (life === undefined) return;
    this.#living.delete(who);
    const watermark = watermarkAt(this.#broker);
    this.#ended.push({ ...life, watermark, ended: this.#broker });
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
      if (this.#erased.has(who)) {
        this.#sums.withheld += 1;
        return;
      }
      if (who.startsWith("v")) {
        this.#visit(who, event);
        return;
      }
      const about = { who, id, type, line: props["line"] };
      this.#sums.acts += 1;
      const act = { ...about, at: Math.min(at, broker), watermark: watermarkAt(broker) };
      this.#lifeOf(who).acts.push(act);
    }
  }
  #lifeOf(who: string): Life {
    const life = this.#living.get(who) ?? { who, acts: [], watermark: 0 };
    this.#living.set(who, life);
    return life;
  }
  /** Under two names they are two, until one event has both. */
  #visit(who: string, { id, ids }: TrackedEvent): void {
    const visitor = this.#visitor(who);
    if (ids.length > 1) visitor.one = true;
    const name = ids[0]?.k === "anon" ? "anon" : "login";
    visitor[name] += 1;
    this.#visits.set(id, visitor.one ? visitor.login + visitor.anon : visitor[name]);
  }
  #visitor(who: string): Visitor {
    const visitor = this.#visitors.get(who) ?? { login: 0, anon: 0, one: false };
    this.#visitors.set(who, visitor);
    return visitor;
  }
  #isNew(id: string): boolean {
    if (this.#seen.has(id)) this.#sums.duplicate += 1;
    const isNew = !this.#seen.has(id);
    this.#seen.add(id);
    return isNew;
  }
}

const after = (beginning: string, text: string): string => text.slice(beginning.length);

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

/** Everything the probes must have said, in no particular order. */
export function probesSay(account: Account): string[] {
  const said: string[] = [];
  for (const { who, acts, watermark } of account.lives) {
    for (let n = TOTAL_EVERY; n <= acts.length; n += TOTAL_EVERY) {
      said.push(line("kpi.probe_total", { who, n }));
    }
    said.push(...countsOf(who, acts, watermark));
    const inTime = acts
      .filter((act) => act.at > act.watermark)
      // A stable sort: acts of one millisecond stay in the order of their arrival.
      .sort((a, b) => a.at - b.at);
    said.push(...sessionsOf(who, inTime, watermark));
    said.push(...absencesOf(who, inTime, watermark));
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
  const lifeOf = new Map(account.lives.flatMap((life) => life.acts.map(({ id }) => [id, life])));
  const whose = new Map<string, Life>();
  for (const { person, evidence } of said) {
    const life = lifeOf.get(evidence ?? "");
    if (life !== undefined) whose.set(person, life);
  }
  return SEGMENTS.flatMap((rule) =>
    account.lives.flatMap((life) => {
      const { who, acts, watermark, ended } = life;
      const own = said.filter((m) => m.segment === rule.id && whose.get(m.person) === life);
      const judged = Math.max(watermark, ...acts.map(({ at }) => at));
      const turns = turnsOf(acts, rule, judged);
      // Who is erased leaves the segments there and then.
      if (ended !== undefined && turns.at(-1)?.member === true)
        turns.push({ at: ended, member: false });
      const wrong = wrongTurns(turns, own);
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
