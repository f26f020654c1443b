import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { EngineReport, GroupReport } from "../engine-report.ts";
import type { NodeCounts } from "../flow/keyed-task.ts";

/** What the first flow counts; nested records count by reason. */
export interface IntakeCounts {
  readonly counts: object;
}

/** The engine as the metrics see it. */
export interface Watched {
  report(): EngineReport;
  /** Newest second of the log that collect has come to. */
  readonly second: number;
}

/** Gauges of Node that break the naming rules of Prometheus (`_total` is for counters). */
const REFUSED = [
  "nodejs_active_handles_total",
  "nodejs_active_requests_total",
  "nodejs_active_resources_total",
];

/**
 * Everything Prometheus sees. The engine counts in plain numbers; they become samples only when
 * somebody scrapes. Labels are operators, flows and subjects' first tokens: never a key or person.
 */
export class EngineMetrics {
  readonly #registry = new Registry();
  readonly #latency: Histogram;
  readonly #published = new Map<string, number>();
  /** Asks the engine how it stands: once for all the samples of a scrape. */
  #look: () => void = () => undefined;

  constructor() {
    collectDefaultMetrics({ register: this.#registry });
    for (const name of REFUSED) this.#registry.removeSingleMetric(name);
    this.#latency = new Histogram({
      name: "freshet_event_to_output_seconds",
      help: "From the broker's storing an event to its acknowledging an output the event caused.",
      buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60],
      registers: [this.#registry],
    });
    this.#counter(
      "freshet_outputs_total",
      "Outputs that stand on the broker, by subject.",
      ["subject"],
      () => [...this.#published].map(([subject, count]) => [{ subject }, count]),
    );
  }

  /** One output more; called for each, so it only adds. */
  published(subject: string, latencyMs: number | undefined): void {
    const dot = subject.indexOf(".");
    const token = dot < 0 ? subject : subject.slice(0, dot);
    this.#published.set(token, (this.#published.get(token) ?? 0) + 1);
    if (latencyMs !== undefined) this.#latency.observe(latencyMs / 1000);
  }

  text(): Promise<string> {
    this.#look();
    return this.#registry.metrics();
  }

  /** From now on the samples are of this engine, whose flows are named. */
  watch(engine: Watched, flowNames: readonly string[], intake: IntakeCounts): void {
    let report = engine.report();
    this.#look = () => {
      report = engine.report();
    };
    const flows = () =>
      flowNames.map(
        (flow) => [flow, report.groups.filter((group) => group.flow === flow)] as const,
      );
    const perFlow = (of: (groups: readonly GroupReport[]) => number) => (): Samples =>
      flows().map(([flow, groups]) => [{ flow }, of(groups)]);
    this.#counter("freshet_collect_total", "What collect did with what came in.", ["outcome"], () =>
      flatCounts(intake.counts).map(([outcome, n]) => [{ outcome }, n]),
    );
    for (const what of ["events", "timers", "outputs", "late", "errors", "withheld"] as const) {
      this.#counter(
        `freshet_operator_${what}_total`,
        OPERATOR_HELP[what],
        ["flow", "operator"],
        () => flows().flatMap(([flow, groups]) => byOperator(flow, groups, what)),
      );
    }
    this.#gauge(
      "freshet_watermark_seconds",
      "Smallest watermark of a flow's groups, Unix time.",
      ["flow"],
      perFlow((groups) => lowest(groups) / 1000),
    );
    this.#gauge(
      "freshet_watermark_lag_seconds",
      "How far a flow's watermark is behind collect's broker time.",
      ["flow"],
      perFlow((groups) => lagOf(groups, engine.second)),
    );
    this.#gauge("freshet_queue_records", "Records that wait, by queue.", ["queue"], () =>
      Object.entries(report.queues).map(([queue, n]) => [{ queue }, n]),
    );
    this.#gauge("freshet_reader_sequence", "Sequence a log has been read to.", ["log"], () =>
      Object.entries(report.positions).map(([log, n]) => [{ log }, n]),
    );
    this.#gauge(
      "freshet_state_keys",
      "Keys a flow knows.",
      ["flow"],
      perFlow((groups) => sum(groups, ({ keys }) => keys)),
    );
    this.#gauge(
      "freshet_state_cold_bytes",
      "Bytes of the keys that are kept as bytes.",
      ["flow"],
      perFlow((groups) => sum(groups, ({ coldBytes }) => coldBytes)),
    );
    this.#gauge(
      "freshet_timers_pending",
      "Timers that are set.",
      ["flow"],
      perFlow((groups) => sum(groups, ({ timers }) => timers)),
    );
    this.#counter("freshet_scores_total", "Scores asked for.", [], () => [
      [{}, sum(report.groups, ({ scored }) => scored)],
    ]);
    this.#counter(
      "freshet_frames_dropped_records_total",
      "Records read before: frames sent twice.",
      ["flow"],
      perFlow((groups) => sum(groups, ({ dropped }) => dropped)),
    );
    const one = (of: (report: EngineReport) => number) => (): Samples => [[{}, of(report)]];
    this.#counter(
      "freshet_reader_restarts_total",
      "Times a reader began again.",
      [],
      one(({ readerRestarts }) => readerRestarts),
    );
    this.#counter(
      "freshet_checkpoints_total",
      "Checkpoints that stand.",
      [],
      one(({ checkpoints }) => checkpoints.written),
    );
    this.#counter(
      "freshet_checkpoint_bytes_total",
      "Bytes of checkpoints.",
      [],
      one(({ checkpoints }) => checkpoints.bytes),
    );
    this.#counter(
      "freshet_checkpoints_torn_total",
      "Checkpoints passed over.",
      [],
      one(({ checkpoints }) => checkpoints.torn),
    );
    this.#counter(
      "freshet_messages_resent_total",
      "Messages sent again, outcome unknown.",
      [],
      one(({ resent }) => resent),
    );
  }

  #counter(name: string, help: string, labelNames: readonly string[], read: () => Samples): void {
    new Counter({
      name,
      help,
      labelNames: [...labelNames],
      registers: [this.#registry],
      collect() {
        this.reset();
        for (const [labels, value] of read()) this.inc(labels, value);
      },
    });
  }
  #gauge(name: string, help: string, labelNames: readonly string[], read: () => Samples): void {
    new Gauge({
      name,
      help,
      labelNames: [...labelNames],
      registers: [this.#registry],
      collect() {
        this.reset();
        for (const [labels, value] of read()) this.set(labels, value);
      },
    });
  }
}

type Samples =
  | readonly (readonly [Readonly<Record<string, string>>, number])[]
  | [Record<string, string>, number][];

const OPERATOR_HELP = {
  events: "Events an operator handled.",
  timers: "Timers of an operator that came due.",
  outputs: "Messages an operator published.",
  late: "Events an operator found too late, and times it forgot something at one of its limits.",
  withheld: "Events an operator did not get for want of consent.",
  errors: "Events dead-lettered because an operator threw.",
} as const;

const sum = (groups: readonly GroupReport[], of: (group: GroupReport) => number): number =>
  groups.reduce((total, group) => total + of(group), 0);

const lowest = (groups: readonly GroupReport[]): number =>
  Math.max(0, Math.min(...groups.map(({ watermark }) => watermark)));

function lagOf(groups: readonly GroupReport[], newest: number): number {
  const watermark = lowest(groups);
  return newest === 0 || watermark === 0 ? 0 : Math.max(0, (newest - watermark) / 1000);
}

/** Every group of a flow has the same operators, in the same order. */
function byOperator(
  flow: string,
  groups: readonly GroupReport[],
  what: keyof NodeCounts,
): [Record<string, string>, number][] {
  const operators = groups[0]?.operators ?? [];
  return operators.map(({ name }, i) => [
    { flow, operator: name },
    sum(groups, (group) => group.operators[i]?.counts[what] ?? 0),
  ]);
}

/** `{late: 3, deadLettered: {type: 2}}` as `late` 3 and `deadLettered_type` 2. */
function flatCounts(counts: object, prefix = ""): [string, number][] {
  return Object.entries(counts).flatMap(([name, value]): [string, number][] => {
    if (typeof value === "number") return [[prefix + name, value]];
    if (typeof value === "object" && value !== null) return flatCounts(value, `${prefix}${name}_`);
    return [];
  });
}
