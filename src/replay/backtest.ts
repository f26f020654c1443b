import type { JobDefinition } from "../flow/job.ts";
import type { Scoring } from "../score/seam.ts";
import { type EventTime, eventTime } from "../time/event-time.ts";
import { LocalTime } from "../time/local-time.ts";
import type { RecordReader } from "./formats.ts";
import { type OutputLine, replay } from "./replay.ts";

/** Where the past comes from; read once for each configuration. */
export interface Past<Line> {
  lines(): AsyncIterable<Line>;
  readonly format: RecordReader<Line>;
}

/** A configuration under trial. */
export interface Trial {
  readonly definition: JobDefinition;
  readonly timeZone: string;
}

export interface BacktestOptions<Line> {
  readonly past: Past<Line>;
  readonly draft: Trial;
  /** What the draft is compared with. */
  readonly current?: Trial | undefined;
  readonly scoring: Scoring;
  readonly until?: EventTime | undefined;
  /** Shown of each definition and outcome, and of each kind of difference. */
  readonly samples: number;
}

/** Outcome → how often: `entered`, `exited`, `sent wecom`, `suppressed quota`, `tag on` … */
export type Outcomes = Readonly<Record<string, number>>;

export interface Sample {
  readonly definition: string;
  readonly outcome: string;
  readonly person: string;
  /** When it came true. */
  readonly at: string;
  readonly subject: string;
  readonly reason: unknown;
  readonly sku?: unknown;
}

/** What a configuration would have done. */
export interface Account {
  readonly records: number;
  readonly outputs: number;
  /** By segment or rule; what the recommender found by itself is `recommend`. */
  readonly totals: Readonly<Record<string, Outcomes>>;
  /** By local day, then by segment or rule. */
  readonly days: Readonly<Record<string, Readonly<Record<string, Outcomes>>>>;
  /** How many persons an outcome befell, by segment or rule. */
  readonly persons: Readonly<Record<string, Outcomes>>;
  readonly samples: readonly Sample[];
}

/** What only one of two configurations would have done: the same definition, outcome, person, moment and sku. */
export interface Difference {
  readonly onlyDraft: number;
  readonly onlyCurrent: number;
  readonly byDefinition: Readonly<
    Record<string, { readonly onlyDraft: number; readonly onlyCurrent: number }>
  >;
  readonly samples: {
    readonly onlyDraft: readonly Sample[];
    readonly onlyCurrent: readonly Sample[];
  };
}

export interface Backtest {
  readonly draft: Account;
  readonly current?: Account;
  readonly difference?: Difference;
}

/**
 * Runs the past through a draft configuration, and through the current one where that is asked for,
 * and says what would have been done. What the demand flow learned is learned anew by each, so a
 * draft with other ranks or rules is judged by what it would have learned itself.
 */
export async function backtest<Line>(options: BacktestOptions<Line>): Promise<Backtest> {
  const { current, samples } = options;
  const draft = await run(options, options.draft);
  if (current === undefined) return { draft: draft.account() };
  const now = await run(options, current);
  return {
    draft: draft.account(),
    current: now.account(),
    difference: difference(draft.deeds, now.deeds, samples),
  };
}

async function run<Line>(options: BacktestOptions<Line>, trial: Trial): Promise<Tally> {
  const { past, scoring, until } = options;
  const tally = new Tally(trial.timeZone, options.samples);
  const summary = await replay<Line>({
    lines: past.lines(),
    format: withoutLearned(past.format),
    definition: trial.definition,
    scoring,
    until,
    onLine: (line) => tally.add(line),
    onBadLine: () => undefined,
  });
  tally.records = summary.lines - summary.badLines;
  tally.outputs = summary.outputs;
  return tally;
}

const withoutLearned =
  <Line>(format: RecordReader<Line>): RecordReader<Line> =>
  (line, number) => {
    const message = format(line, number);
    const learned = message !== undefined && "stored" in message && message.stored?.learned;
    return learned === true ? undefined : message;
  };

/** Counts what the outputs of a run did to people. */
export class Tally {
  /** Everything done, by what makes two deeds the same; the same one may happen more than once. */
  readonly deeds = new Map<string, { readonly sample: Sample; times: number }>();
  records = 0;
  outputs = 0;
  readonly #local: LocalTime;
  readonly #samples: number;
  readonly #totals = new Counts();
  readonly #days = new Map<string, Counts>();
  readonly #persons = new Map<string, Set<string>>();
  readonly #shown = new Map<string, Sample[]>();

  constructor(timeZone: string, samples: number) {
    this.#local = new LocalTime(timeZone);
    this.#samples = samples;
  }

  add(line: OutputLine): void {
    const sample = sampleOf(line);
    if (sample === undefined) return;
    const { definition, outcome, person } = sample;
    this.#totals.add(definition, outcome);
    const day = this.#dayOf(sample.at);
    setIn(this.#days, day, () => new Counts()).add(definition, outcome);
    const place = `${definition}\n${outcome}`;
    setIn(this.#persons, place, () => new Set<string>()).add(person);
    const shown = setIn(this.#shown, place, () => [] as Sample[]);
    if (shown.length < this.#samples) shown.push(sample);
    const deed = setIn(this.deeds, sameness(sample), () => ({ sample, times: 0 }));
    deed.times += 1;
  }

  account(): Account {
    const persons = new Counts();
    for (const [place, who] of this.#persons) {
      const [definition = "", outcome = ""] = place.split("\n");
      persons.add(definition, outcome, who.size);
    }
    const days = [...this.#days].sort(([a], [b]) => (a < b ? -1 : 1));
    return {
      records: this.records,
      outputs: this.outputs,
      totals: this.#totals.told(),
      days: Object.fromEntries(days.map(([day, counts]) => [day, counts.told()])),
      persons: persons.told(),
      samples: [...this.#shown.values()].flat(),
    };
  }

  #dayOf(at: string): string {
    const days = this.#local.day(eventTime(Date.parse(at)));
    return new Date(days * 86_400_000).toISOString().slice(0, 10);
  }
}

class Counts {
  readonly #counts = new Map<string, Map<string, number>>();

  add(definition: string, outcome: string, n = 1): void {
    const outcomes = setIn(this.#counts, definition, () => new Map<string, number>());
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + n);
  }

  /** In the order of names. */
  told(): Record<string, Outcomes> {
    const sorted = <V>(map: ReadonlyMap<string, V>) =>
      [...map].sort(([a], [b]) => (a < b ? -1 : 1));
    return Object.fromEntries(
      sorted(this.#counts).map(([name, of]) => [name, Object.fromEntries(sorted(of))]),
    );
  }
}

function setIn<V>(map: Map<string, V>, key: string, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}

const RECOMMENDER = "recommend";

/** What an output did to a person; undefined for one that is not about a segment, rule or recommendation. */
function sampleOf({ subject, time, data }: OutputLine): Sample | undefined {
  const { person, segment, rule, at, reason, sku } = data as Readonly<Record<string, unknown>>;
  if (typeof person !== "string") return undefined;
  const [object = "", second = "", third = ""] = subject.split(".");
  const outcome = outcomeOf(object, second, third);
  const definition = object === "segment" ? segment : (rule ?? RECOMMENDER);
  if (outcome === undefined || typeof definition !== "string") return undefined;
  return {
    definition,
    outcome,
    person,
    at: typeof at === "string" ? at : time,
    subject,
    reason,
    ...(sku === undefined || sku === null ? {} : { sku }),
  };
}

function outcomeOf(object: string, second: string, third: string): string | undefined {
  switch (object) {
    case "segment":
      return third;
    case "recommendation":
      return `sent ${second}`;
    case "suppressed":
      return `suppressed ${second}`;
    case "tag":
      return `tag ${third}`;
    case "crm":
      return `crm ${second}`;
    default:
      return undefined;
  }
}

const sameness = ({ definition, outcome, person, at, sku }: Sample): string =>
  [definition, outcome, person, at, sku].join("\n");

function difference(draft: Tally["deeds"], current: Tally["deeds"], samples: number): Difference {
  const byDefinition = new Map<string, { onlyDraft: number; onlyCurrent: number }>();
  const shown = { onlyDraft: [] as Sample[], onlyCurrent: [] as Sample[] };
  const sum = { onlyDraft: 0, onlyCurrent: 0 };
  const compare = (one: Tally["deeds"], other: Tally["deeds"], side: keyof typeof sum) => {
    for (const [key, { sample, times }] of one) {
      const more = times - (other.get(key)?.times ?? 0);
      if (more <= 0) continue;
      sum[side] += more;
      setIn(byDefinition, sample.definition, () => ({ onlyDraft: 0, onlyCurrent: 0 }))[side] +=
        more;
      if (shown[side].length < samples) shown[side].push(sample);
    }
  };
  compare(draft, current, "onlyDraft");
  compare(current, draft, "onlyCurrent");
  const sorted = [...byDefinition].sort(([a], [b]) => (a < b ? -1 : 1));
  return { ...sum, byDefinition: Object.fromEntries(sorted), samples: shown };
}
