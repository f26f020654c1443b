import { type Refusal, refusal } from "../../src/codec/wire.ts";
import type { RegisteredTouchpoint } from "../../src/config/tracking-plan.ts";
import type { Message } from "../../src/flow/operator.ts";
import { type Part, smallPart } from "../../src/state/part.ts";
import { ActiveHours } from "../../src/time/active-hours.ts";
import {
  type EventTime,
  isoTime,
  MAX_TIME,
  type Millis,
  minutes,
  plus,
} from "../../src/time/event-time.ts";
import { LocalTime } from "../../src/time/local-time.ts";
import type { Props } from "./options.ts";

export interface CoverageOptions {
  readonly touchpoints: readonly RegisteredTouchpoint[];
  /** Of the days that imported figures are about. */
  readonly timeZone: string;
}

/** What came of one touchpoint since the beginning. Plain data. */
interface Tally {
  last: EventTime;
  events: number;
  duplicates: number;
  late: number;
  stripped: number;
  clamped: number;
  types: Counts;
  entries: Counts;
  flagged: Counts;
  /** Events by type of the last local days, oldest first. */
  days: [day: number, types: Counts][];
  /** Something came since it was told. */
  news: boolean;
}
type Counts = Record<string, number>;

/** Something that may fall silent: a touchpoint, or one type of event of it. */
interface Watch {
  readonly key: string;
  readonly of: RegisteredTouchpoint;
  readonly type: string | null;
  readonly limit: Millis;
  readonly hours: ActiveHours;
}
/** Since when nothing has come, whether anything ever has, and whether the alarm is out. */
type Silence = [since: EventTime, heard: boolean, told: boolean];

type Publish = (message: Message, cause: string) => void;

const EVERY = minutes(1);
/** Local days whose figures may still be compared with imported ones. */
const KEPT_DAYS = 8;
const DAY_MS = 86_400_000;

/**
 * The registry of touchpoints at work: what came of each and when last, which of them have fallen
 * silent, and how our figures compare with those of others. Silence is judged at whole seconds of
 * broker time, so an outage of the engine alone makes nobody silent.
 */
export class Coverage {
  readonly #touchpoints: ReadonlyMap<string, RegisteredTouchpoint>;
  readonly #watches: readonly Watch[];
  readonly #local: LocalTime;
  #tallies = new Map<string, Tally>();
  #silences = new Map<string, Silence>();
  #minute = 0;

  constructor({ touchpoints, timeZone }: CoverageOptions) {
    this.#touchpoints = new Map(touchpoints.map((touchpoint) => [touchpoint.name, touchpoint]));
    this.#local = new LocalTime(timeZone);
    this.#watches = touchpoints.flatMap((touchpoint) => watchesOf(touchpoint, this.#local));
  }

  /** An event that goes on to its person. */
  applied(
    event: { readonly touchpoint: string; readonly type: string; readonly props: Props },
    at: EventTime,
    now: EventTime,
  ): void {
    const { touchpoint, type, props } = event;
    const tally = this.#tally(touchpoint);
    tally.last = now;
    tally.events += 1;
    count(tally.types, type);
    const entry = props["entry_source"];
    if (typeof entry === "string") count(tally.entries, entry);
    count(this.#day(tally, at), type);
    this.#heard(touchpoint, now);
    this.#heard(watchKey(touchpoint, type), now);
  }
  /** An event that is nobody's behaviour. */
  flagged(touchpoint: string, reason: string): void {
    count(this.#tally(touchpoint).flagged, reason);
  }
  note(touchpoint: string, what: "duplicates" | "late" | "clamped" | "stripped", by = 1): void {
    if (by > 0) this.#tally(touchpoint)[what] += by;
  }

  /** Broker time has come to `second`. */
  pass(second: EventTime, publish: Publish): void {
    for (const watch of this.#watches) this.#judge(watch, second, publish);
    const minute = Math.floor(second / EVERY);
    if (minute <= this.#minute) return;
    this.#minute = minute;
    const at = (minute * EVERY) as EventTime;
    for (const [name, tally] of this.#tallies) {
      if (!tally.news) continue;
      tally.news = false;
      publish(this.#told(name, tally, at), `coverage/${name}@${at}`);
    }
  }

  /** Compares a day's figure that somebody else counted with ours; a refusal when it is none. */
  compare(
    figure: Readonly<Record<string, unknown>>,
    now: EventTime,
    cause: string,
    publish: Publish,
  ): Refusal | undefined {
    const { touchpoint, event, day, value, source } = figure;
    if (typeof touchpoint !== "string" || !this.#touchpoints.has(touchpoint)) return BAD_TOUCHPOINT;
    if (typeof event !== "string" || event === "") return BAD_EVENT;
    if (typeof value !== "number" || value < 0) return BAD_VALUE;
    const number = typeof day === "string" && DAY.test(day) ? Date.parse(day) / DAY_MS : Number.NaN;
    const today = this.#local.day(now);
    if (!(number <= today && number > today - KEPT_DAYS)) return BAD_DAY;
    const days = this.#tallies.get(touchpoint)?.days ?? [];
    const ours = days.find(([kept]) => kept === number)?.[1][event] ?? 0;
    const data = {
      touchpoint,
      event,
      day,
      source: typeof source === "string" ? source.slice(0, 64) : null,
      ours,
      theirs: value,
      diff_pct: percentOff(ours, value),
      at: isoTime(now),
    };
    publish({ subject: "kpi.reconciliation", data, time: now }, cause);
    return undefined;
  }

  part(): Part {
    return smallPart(
      "coverage",
      () => [this.#minute, [...this.#tallies], [...this.#silences]],
      (data) => {
        const [minute, tallies, silences] = data as [
          number,
          [string, Tally][],
          [string, Silence][],
        ];
        this.#minute = minute;
        this.#tallies = new Map(tallies);
        this.#silences = new Map(silences);
      },
    );
  }

  #tally(touchpoint: string): Tally {
    let tally = this.#tallies.get(touchpoint);
    if (tally === undefined) {
      tally = {
        last: 0 as EventTime,
        events: 0,
        duplicates: 0,
        late: 0,
        stripped: 0,
        clamped: 0,
        types: {},
        entries: {},
        flagged: {},
        days: [],
        news: true,
      };
      this.#tallies.set(touchpoint, tally);
    }
    tally.news = true;
    return tally;
  }

  /** Counts of the local day of `at`; of a day that is kept no more, counts that nobody keeps. */
  #day({ days }: Tally, at: EventTime): Counts {
    const number = this.#local.day(at);
    const known = days.find(([day]) => day === number);
    if (known !== undefined) return known[1];
    const counts: Counts = {};
    days.push([number, counts]);
    days.sort(([a], [b]) => a - b);
    if (days.length > KEPT_DAYS) days.shift();
    return counts;
  }

  #heard(key: string, now: EventTime): void {
    const silence = this.#silences.get(key);
    if (silence === undefined) return;
    silence[0] = now;
    silence[1] = true;
  }

  /** The alarm goes out when the limit is reached, and is taken back at the first second after. */
  #judge(watch: Watch, second: EventTime, publish: Publish): void {
    const { key, limit } = watch;
    const known = this.#silences.get(key);
    // Whoever has never been heard is waited for from the first second on.
    const silence: Silence = known ?? [second, false, false];
    if (known === undefined) this.#silences.set(key, silence);
    const [since, heard, told] = silence;
    // Hours that do not count only put it off.
    const due = plus(since, limit) <= second ? watch.hours.after(since, limit) : MAX_TIME;
    const silent = due <= second;
    if (silent === told) return;
    silence[2] = silent;
    const at = silent ? due : since;
    const data = {
      touchpoint: watch.of.name,
      title: watch.of.title,
      owner: watch.of.owner ?? null,
      event: watch.type,
      last_seen: heard ? isoTime(since) : null,
      silent_after_ms: limit,
      at: isoTime(at),
    };
    const word = silent ? "silent" : "heard";
    const subject = `coverage.${watch.of.name}.${word}`;
    publish({ subject, data, time: at }, `${word}/${key}@${at}`);
  }

  #told(name: string, tally: Tally, at: EventTime): Message {
    const { last, events, types, entries, duplicates, late, stripped, clamped, flagged } = tally;
    const touchpoint = this.#touchpoints.get(name);
    return {
      subject: "kpi.coverage",
      time: at,
      data: {
        touchpoint: name,
        title: touchpoint?.title ?? null,
        owner: touchpoint?.owner ?? null,
        at: isoTime(at),
        last_seen: last === 0 ? null : isoTime(last),
        events,
        types: sorted(types),
        entries: sorted(entries),
        duplicates,
        late,
        stripped,
        clamped,
        flagged: sorted(flagged),
      },
    };
  }
}

const DAY = /^\d{4}-\d{2}-\d{2}$/;
const BAD_TOUCHPOINT = refusal("shape", "Name a touchpoint of the tracking plan.", "touchpoint");
const BAD_EVENT = refusal("shape", "Name the type of event that was counted.", "event");
const BAD_VALUE = refusal("shape", "Send the figure as a number of at least 0.", "value");
const BAD_DAY = refusal(
  "time",
  `Send the local day as YYYY-MM-DD, one of the last ${KEPT_DAYS}.`,
  "day",
);

const watchKey = (touchpoint: string, type: string): string => `${touchpoint} ${type}`;

function watchesOf(of: RegisteredTouchpoint, local: LocalTime): Watch[] {
  const { name, silentAfter, expects } = of;
  const hours = new ActiveHours(of.active, local);
  const whole =
    silentAfter === undefined ? [] : [{ key: name, of, type: null, limit: silentAfter, hours }];
  const types = expects.map(([type, limit]) => {
    return { key: watchKey(name, type), of, type, limit, hours };
  });
  return [...whole, ...types];
}

function count(counts: Counts, name: string): void {
  counts[name] = (Object.hasOwn(counts, name) ? (counts[name] ?? 0) : 0) + 1;
}
/** The order of arrival leaves no trace. */
const sorted = (counts: Counts): Counts =>
  Object.fromEntries(Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1)));

/** By how much ours is off theirs, to a thousandth of a percent; null where theirs is nothing. */
function percentOff(ours: number, theirs: number): number | null {
  if (theirs === 0) return ours === 0 ? 0 : null;
  return Math.round(((ours - theirs) / theirs) * 100_000) / 1000;
}
