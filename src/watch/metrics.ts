import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { Engine } from "../engine.ts";
import type { FlowGroup } from "../flow/flow-group.ts";
import type { NodeCounts } from "../flow/keyed-task.ts";

/** What the first flow counts; nested records count by reason. */
export interface IntakeCounts {
  readonly counts: object;
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
    return this.#registry.metrics();
  }

  watch(engine: Engine, intake: IntakeCounts): void {
    const { shoppers, demands } = engine.job;
    const flows = [shoppers, demands];
    this.#counter("freshet_collect_total", "What collect did with what came in.", ["outcome"], () =>
      flatCounts(intake.counts).map(([outcome, n]) => [{ outcome }, n]),
    );
    for (const what of ["events", "timers", "outputs", "late", "errors", "withheld"] as const) {
      this.#counter(
        `freshet_operator_${what}_total`,
        OPERATOR_HELP[what],
        ["flow", "operator"],
        () => flows.flatMap((groups) => byOperator(groups, what)),
      );
    }
    this.#gauge(
      "freshet_watermark_seconds",
      "Smallest watermark of a flow's groups, Unix time.",
      ["flow"],
      () =>
        flows.map((groups) => [{ flow: groups[0]?.task.flowName ?? "" }, lowest(groups) / 1000]),
    );
    this.#gauge(
      "freshet_watermark_lag_seconds",
      "How far a flow's watermark is behind collect's broker time.",
      ["flow"],
      () =>
        flows.map((groups) => [{ flow: groups[0]?.task.flowName ?? "" }, lagOf(groups, engine)]),
    );
    this.#gauge("freshet_queue_records", "Records that wait, by queue.", ["queue"], () =>
      Object.entries(engine.queues).map(([queue, n]) => [{ queue }, n]),
    );
    this.#gauge("freshet_reader_sequence", "Sequence a log has been read to.", ["log"], () =>
      Object.entries(engine.positions).map(([log, n]) => [{ log }, n]),
    );
    this.#gauge("freshet_state_keys", "Keys a flow knows.", ["flow"], () =>
      flows.map((groups) => [
        { flow: groups[0]?.task.flowName ?? "" },
        sum(groups, (g) => g.task.keys),
      ]),
    );
    this.#gauge(
      "freshet_state_cold_bytes",
      "Bytes of the keys that are kept as bytes.",
      ["flow"],
      () =>
        flows.map((groups) => [
          { flow: groups[0]?.task.flowName ?? "" },
          sum(groups, (g) => g.task.coldBytes),
        ]),
    );
    this.#gauge("freshet_timers_pending", "Timers that are set.", ["flow"], () =>
      flows.map((groups) => [
        { flow: groups[0]?.task.flowName ?? "" },
        sum(groups, (g) => g.task.pendingTimers),
      ]),
    );
    this.#counter("freshet_scores_total", "Scores asked for.", [], () => [
      [{}, sum(shoppers, (g) => g.task.scored)],
    ]);
    this.#counter(
      "freshet_frames_dropped_records_total",
      "Records read before: frames sent twice.",
      ["flow"],
      () =>
        flows.map((groups) => [
          { flow: groups[0]?.task.flowName ?? "" },
          sum(groups, (g) => g.dropped),
        ]),
    );
    this.#counter("freshet_reader_restarts_total", "Times a reader began again.", [], () => [
      [{}, engine.restlessness.readerRestarts],
    ]);
    const { checkpoints } = engine;
    this.#counter("freshet_checkpoints_total", "Checkpoints that stand.", [], () => [
      [{}, checkpoints.counts.written],
    ]);
    this.#counter("freshet_checkpoint_bytes_total", "Bytes of checkpoints.", [], () => [
      [{}, checkpoints.counts.bytes],
    ]);
    this.#counter("freshet_checkpoints_torn_total", "Checkpoints passed over.", [], () => [
      [{}, checkpoints.counts.torn],
    ]);
    this.#counter(
      "freshet_messages_resent_total",
      "Messages sent again, outcome unknown.",
      [],
      () => [[{}, engine.restlessness.resent]],
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

const sum = (groups: readonly FlowGroup[], of: (group: FlowGroup) => number): number =>
  groups.reduce((total, group) => total + of(group), 0);

const lowest = (groups: readonly FlowGroup[]): number =>
  Math.max(0, Math.min(...groups.map((group) => group.task.watermark)));

function lagOf(groups: readonly FlowGroup[], engine: Engine): number {
  const newest = engine.job.intake.second;
  const watermark = lowest(groups);
  return newest === 0 || watermark === 0 ? 0 : Math.max(0, (newest - watermark) / 1000);
}

function byOperator(
  groups: readonly FlowGroup[],
  what: keyof NodeCounts,
): [Record<string, string>, number][] {
  const first = groups[0];
  if (first === undefined) return [];
  return first.task.graph.nodes.map((node) => [
    { flow: first.task.flowName, operator: node.operator.name },
    sum(groups, (group) => group.task.counts[node.index]?.[what] ?? 0),
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
