import type { Heat } from "../operators/demand/heat.ts";
import { defineJob, type ShopJob } from "../operators/job.ts";
import type { SessionSignal } from "../operators/shopper/signals.ts";
import { type OpenJob, openJob } from "../src/cli/open-job.ts";
import { makeIdentifier } from "../src/codec/identifier.ts";
import type { OperatorConfig } from "../src/config/operator-blocks.ts";
import type { Reading } from "../src/config/problem.ts";
import { readRules } from "../src/config/rule-file.ts";
import { readSegments } from "../src/config/segments.ts";
import { parseYaml, type YamlFile } from "../src/config/yaml-file.ts";
import type { Output } from "../src/flow/output.ts";
import { MemoryLog } from "../src/replay/memory-log.ts";
import { InlineScoring } from "../src/score/inline.ts";
import { type EventTime, eventTime, minutes, plus, seconds } from "../src/time/event-time.ts";
import { randomBelow } from "./harness.ts";

/**
 * A job small enough to be written by hand: sessions that end after half a minute without an act, counts
 * of each sku over 5 min every 10 s, a segment of those who viewed three times within 30 days, and
 * carts that were not paid within a minute.
 */
export const SMALL = {
  gap: seconds(30),
  size: minutes(5),
  slide: 10_000,
  views: 3,
  unpaid: minutes(1),
} as const;

/** What came out of it. */
export interface SmallResult {
  sessions: number;
  entered: number;
  unpaid: number;
  /** Windows of a sku that were not empty, and the sum of their counts. */
  windows: number;
  counted: number;
}
export const nothingYet = (): SmallResult => ({
  sessions: 0,
  entered: 0,
  unpaid: 0,
  windows: 0,
  counted: 0,
});

const START = eventTime(Date.parse("2026-09-12T13:00:00+08:00"));
const SKUS = 500;
export const EVENTS_A_PERSON = 20;
/** Event time between two events. */
const STEP_MS = 1;
/** Behind the last event: everything has been told by then. */
export const AFTER = minutes(10);

export interface SmallEvent {
  readonly type: string;
  readonly at: EventTime;
  readonly person: string;
  readonly sku: string;
}

/**
 * Views, carts (nobody's of the same sku twice) and, for half of them, the payment within half a minute.
 */
export function smallEvents(count: number): SmallEvent[] {
  const below = randomBelow(11);
  const people = count / EVENTS_A_PERSON;
  const unpaid: SmallEvent[] = [];
  const carts = new Set<string>();
  return Array.from({ length: count }, (_, i): SmallEvent => {
    const at = plus(START, (i * STEP_MS) as typeof AFTER);
    const kind = below(10);
    const owed = unpaid[0];
    if (kind === 9 && owed !== undefined) {
      unpaid.shift();
      return { ...owed, type: "order.paid", at };
    }
    const person = `o-${below(people)}`;
    const sku = `sku-${below(SKUS)}`;
    if (kind > 6 && !carts.has(`${person} ${sku}`)) {
      carts.add(`${person} ${sku}`);
      const cart = { type: "cart.added", at, person, sku };
      if (below(2) === 0) unpaid.push(cart);
      while (unpaid[0] !== undefined && at - unpaid[0].at > SMALL.unpaid / 2) unpaid.shift();
      return cart;
    }
    return { type: "product.viewed", at, person, sku };
  });
}

/** The message of an event, as a tracker sends it. */
export function smallMessage({ type, at, person, sku }: SmallEvent, i: number): [string, string] {
  const props = type === "order.paid" ? { order_id: `order-${i}`, sku } : { sku };
  const ids = [{ k: "unionid", v: person }];
  const body = { id: `e-${i}`, type, ts: at, recv: at, touchpoint: "mp", ids, props };
  return [`in.event.mp.${type}`, JSON.stringify(body)];
}

const SEGMENTS = `version: 1
segments:
  - {id: looks, when: {count: {of: {event: product.viewed}, within: 30d, at_least: ${SMALL.views}}}}
`;
const RULES = `version: 1
rules:
  - id: unpaid
    when: {absent: {after: {event: cart.added}, key: [pid, sku], within: 1m, of: [{event: order.paid, match: [sku]}]}}
    then: {recommend: {kind: activity, offer: coupon, channel: wecom, value: v}}
contact: {}
`;
const OPERATORS: Readonly<Record<string, object>> = {
  session: { gap: "30s" },
  segment: {},
  rule: {},
  partials: {},
  heat: { size: "5m", slide: "10s" },
};

const FEEDS = { ...OPERATORS, events: {} };

/** The small job in the shop's own operators: three flows with all that surrounds these five. */
export async function openSmallJob(): Promise<OpenJob> {
  const open = await openJob(undefined, {}, { trustRecv: true, quiet: true });
  const { config } = open;
  const { plan, job } = config;
  const keep = (configs: readonly OperatorConfig[]): OperatorConfig[] =>
    configs
      .filter(({ name }) => name in OPERATORS)
      .map((one) => ({
        ...one,
        from: one.name === "partials" ? ["events"] : one.from.filter((name) => name in FEEDS),
        options: { ...(one.options as object), ...OPERATORS[one.name] },
      }));
  const { shopper, demand } = job.operators;
  const files = {
    ...config,
    segments: read("segments", SEGMENTS, (file) => readSegments(file, plan, job.timeZone)),
    rules: read("rules", RULES, (file) => readRules(file, plan, ["looks"], job.timeZone)),
    job: { ...job, operators: { ...job.operators, shopper: keep(shopper), demand: keep(demand) } },
  };
  const key = makeIdentifier({ key: "a key of the bench, nobody's" });
  const overrides = { trustRecv: true, trace: "heat" };
  return { ...open, job: defineJob(files, { key, previousKey: undefined }, overrides) };
}

function read<T>(name: string, text: string, reader: (file: YamlFile) => Reading<T>): T {
  const { value: file, problems } = parseYaml(name, text);
  const reading = file === undefined ? { value: undefined, problems } : reader(file);
  if (reading.value !== undefined) return reading.value;
  throw new Error(`${name}: ${reading.problems[0]?.message ?? "cannot be read"}`);
}

/** Messages through the three flows over logs in memory, as `freshet replay` does it. */
export async function replaySmall(
  job: ShopJob,
  messages: readonly (readonly [subject: string, body: Buffer])[],
  events: readonly SmallEvent[],
): Promise<SmallResult> {
  const result = nothingYet();
  const log = new MemoryLog(job, new InlineScoring({}), {
    frameSize: 128,
    loop: true,
    onOutput: (output) => countOutput(output, result),
    trace: (operator, out) => countEmitted(operator, out, result),
  });
  let second = 0;
  for (const [i, [subject, data]] of messages.entries()) {
    const { at } = events[i] as SmallEvent;
    if (Math.floor(at / 1000) > second) await log.settle();
    second = Math.floor(at / 1000);
    log.append({ subject, data, contentType: "application/json", time: at, msgId: undefined });
  }
  await log.advance(plus((events.at(-1) as SmallEvent).at, AFTER));
  return result;
}

export function countOutput(
  { subject, data }: Pick<Output, "subject" | "data">,
  result: SmallResult,
): void {
  if (subject === "segment.looks.entered") result.entered += 1;
  else if (isUnpaid(subject, data)) result.unpaid += 1;
}

/** What the job tells nobody, where operators say it. */
export function countEmitted(operator: string, out: unknown, result: SmallResult): void {
  if (operator === "heat") countWindow(out as Heat, result);
  else if (operator === "session" && (out as SessionSignal).kind === "session-end") {
    result.sessions += 1;
  }
}

/** What the rule decided, whether the policy of contact let it go or not. */
const isUnpaid = (subject: string, data: Readonly<Record<string, unknown>>): boolean =>
  (subject.startsWith("recommendation.") || subject.startsWith("suppressed.")) &&
  data["rule"] === "unpaid";

function countWindow({ dim, count }: Heat, result: SmallResult): void {
  if (dim !== "item") return;
  result.windows += 1;
  result.counted += count;
}
