import fc from "fast-check";
import { expect, test } from "vitest";
import type { ShopEvent } from "../../../operators/event.ts";
import type { ExplainedWhen } from "../../../operators/shopper/condition/explained.ts";
import { segmentSpec } from "../../../operators/shopper/segment.ts";
import type { ExplainedSegment } from "../../../operators/shopper/segment-judge.ts";
import { sessionSpec } from "../../../operators/shopper/session.ts";
import type { Count, Run, Sum, When } from "../../../src/config/condition-ast.ts";
import { type EventTime, millis } from "../../../src/time/event-time.ts";
import { play, type ScriptLine } from "../../support/play.ts";
import { faultsOf } from "./explained-check.ts";
import {
  count,
  definition,
  END,
  type Happened,
  historyOf,
  MATCHERS,
  run,
  slowly,
  sumWithin,
} from "./segment-oracle.ts";
import { ANN, line, shopEvent, T0 } from "./support.ts";

/** What is explained of random definitions and histories is what a recount over all events finds. */

const MAX_AGE = millis(60);

/** What is said of the segment at `t`, by what has arrived by then. */
async function explained(
  when: When,
  history: readonly Happened[],
  t: number,
): Promise<ExplainedSegment> {
  const segment = { title: undefined, goal: undefined, hash: "v1", id: "seg", when, leave: null };
  const segments = {
    version: 1 as const,
    timeZone: "UTC",
    matchers: MATCHERS,
    segments: [segment],
  };
  const job = { timeZone: "UTC", seed: 1, maxAge: MAX_AGE, files: { segments } };
  const lines: ScriptLine[] = [];
  for (const one of history.toSorted((a, b) => a.at + a.delay - b.at - b.delay)) {
    const { at, type, sku, thing, amount, id, delay } = one;
    const props = { sku, amount, ...(thing === undefined ? {} : { thing }) } as ShopEvent["props"];
    lines.push({ watermark: T0 + at + delay - 1 });
    lines.push(line(shopEvent(at, type, props, { clientId: id, touchpoint: sku })));
  }
  lines.push({ watermark: T0 + t });
  const { task } = await play(
    [
      { operator: sessionSpec.make({}, job), from: ["events"] },
      { operator: segmentSpec.make({}, job), from: ["session"] },
    ],
    lines,
  );
  const sections = task.explanationOf(ANN, (T0 + t) as EventTime);
  const [first] = sections["segments"] as readonly ExplainedSegment[];
  if (first === undefined) throw new Error("nothing is explained");
  return first;
}

const arrived = (history: readonly Happened[], t: number) =>
  history.filter(({ at, delay }) => at + delay <= t);
const moments = fc.integer({ min: 0, max: END / 2 });

test("law: every figure, event and time of an explanation is what a recount finds", async () => {
  await fc.assert(
    fc.asyncProperty(definition, historyOf, moments, async (when, all, t) => {
      const history = arrived(all, t);
      const { when: node, member, since } = await explained(when, history, t);
      expect(faultsOf(node, when, history, t, t - MAX_AGE)).toEqual([]);
      const isKnown = history.length > 0 && slowly(when, history, () => () => false)(t);
      expect(member).toBe(isKnown);
      if (since !== undefined) expect(Date.parse(since) - T0).toBeLessThanOrEqual(t);
    }),
    { numRuns: 400 },
  );
});

/** Copies of an explanation that tell something else, by what was changed. */
function mutants(node: ExplainedWhen): (readonly [what: string, mutant: ExplainedWhen])[] {
  const later = (time: string) => new Date(Date.parse(time) + 1).toISOString();
  const { since, until, have, lacking, evidence, of } = node;
  // Of more than enough not all need be remembered: there a figure may be less, and an event missing.
  const isExact = lacking !== undefined || node.op === "sum" || node.op === "run";
  const [first, ...others] = evidence ?? [];
  return [
    ["holds", { ...node, holds: !node.holds }],
    ...(since === undefined ? [] : [["since", { ...node, since: later(since) }] as const]),
    ...(until === undefined ? [] : [["until", { ...node, until: later(until) }] as const]),
    ...(have === undefined || !isExact
      ? []
      : [
          ["have more", { ...node, have: have + 1 }] as const,
          ["have less", { ...node, have: have - 1 }] as const,
        ]),
    ...(lacking === undefined || node.op === "decay"
      ? []
      : [
          ["lacking", { ...node, lacking: { ...lacking, amount: lacking.amount + 1 } }] as const,
          ...(lacking.by === undefined || node.op === "sum"
            ? []
            : [["by", { ...node, lacking: { ...lacking, by: later(lacking.by) } }] as const]),
        ]),
    ...(first === undefined
      ? []
      : [
          [
            "time",
            { ...node, evidence: [{ ...first, time: later(first.time) }, ...others] },
          ] as const,
          ["event", { ...node, evidence: [{ ...first, event: "d.other" }, ...others] }] as const,
          ["id", { ...node, evidence: [{ ...first, id: "e999" }, ...others] }] as const,
          ...(isExact && node.op !== "decay" && (node.op !== "sum" || node.within_ms !== undefined)
            ? [["dropped", { ...node, evidence: others }] as const]
            : []),
        ]),
    ...(of ?? []).flatMap((part, i) =>
      mutants(part).map(
        ([what, mutant]) => [what, { ...node, of: of?.with(i, mutant) ?? [] }] as const,
      ),
    ),
  ];
}

test("an explanation in which anything is changed is found out", async () => {
  const seen = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(definition, historyOf, moments, async (when, all, t) => {
      const history = arrived(all, t);
      const { when: node } = await explained(when, history, t);
      for (const [what, mutant] of mutants(node)) {
        seen.set(what, (seen.get(what) ?? 0) + 1);
        expect(faultsOf(mutant, when, history, t, t - MAX_AGE), what).not.toEqual([]);
      }
    }),
    // So many that no kind of change fails to come up.
    { numRuns: 500 },
  );
  expect([...seen.keys()].sort()).toEqual([
    "by",
    "dropped",
    "event",
    "have less",
    "have more",
    "holds",
    "id",
    "lacking",
    "since",
    "time",
    "until",
  ]);
});

const isSupplied = (when: When): boolean =>
  (when.op === "count" &&
    when.distinct !== when.same &&
    (when.distinct !== "sku" || when.of !== MATCHERS[4]) &&
    (when.same === null || when.of !== MATCHERS[4])) ||
  (when.op === "run" && when.of === MATCHERS[0]) ||
  when.op === "sum";

/** Matches that add up to an amount, each as different as can be, at `t`. */
function supplied(
  when: Count | Run | Sum,
  node: ExplainedWhen,
  amount: number,
  t: number,
): Happened[] {
  const isSum = when.op === "sum";
  return Array.from(
    { length: isSum ? 1 : amount },
    (_, i): Happened => ({
      id: `n${i}`,
      at: t,
      type: when.of.events[0] ?? "",
      sku:
        when.of === MATCHERS[4]
          ? "s"
          : when.op !== "sum" && when.distinct === "sku"
            ? `new-${i}`
            : (node.group ?? "s"),
      thing: `new-${i}`,
      amount: isSum ? amount : 0,
      delay: 0,
    }),
  );
}

test("law: what is said to be lacking makes it true up to the time named; a little less does not", async () => {
  let tried = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(count, run, sumWithin).filter(isSupplied),
      historyOf,
      moments,
      fc.nat(),
      async (when, all, t, pick) => {
        const history = arrived(all, t);
        const { when: node } = await explained(when, history, t);
        if (node.lacking === undefined) return;
        tried += 1;
        const { amount, by } = node.lacking;
        const last = by === undefined ? t + 20 : Date.parse(by) - T0;
        const at = t + (pick % (last - t + 1));
        const fed = async (more: number, then: number) => {
          const added = supplied(when, node, more, then);
          return (await explained(when, [...history, ...added], then)).member;
        };
        // 超过 takes a little more than what is lacking.
        const enough = when.op === "sum" && when.bound.op === "more_than" ? amount + 1 : amount;
        expect(await fed(enough, at), "enough").toBe(true);
        expect(await fed(enough, last), "enough at the last moment").toBe(true);
        expect(await fed(enough - 1, at), "a little less").toBe(false);
        if (by !== undefined && when.op !== "sum")
          expect(await fed(enough, last + 1), "too late").toBe(false);
      },
    ),
    { numRuns: 200 },
  );
  expect(tried).toBeGreaterThan(50);
});
