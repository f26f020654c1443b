import fc from "fast-check";
import { expect, test } from "vitest";
import type { SegmentPartial } from "../../../operators/demand/partial.ts";
import type { ShopEvent } from "../../../operators/event.ts";
import { segmentSpec } from "../../../operators/shopper/segment.ts";
import { segmentGoalOperator } from "../../../operators/shopper/segment-goal.ts";
import { sessionSpec } from "../../../operators/shopper/session.ts";
import type { Segment, SegmentFile } from "../../../src/config/segment-ast.ts";
import type { Hop } from "../../../src/flow/operator.ts";
import type { Output } from "../../../src/flow/output.ts";
import { days, type Millis, millis } from "../../../src/time/event-time.ts";
import { play, type ScriptLine } from "../../support/play.ts";
import {
  count,
  definition,
  END,
  type Happened,
  historyOf,
  leaf,
  leave,
  MATCHERS,
  type Slow,
  slowly,
  window,
} from "./segment-oracle.ts";
import { ANN, line, shopEvent, T0 } from "./support.ts";

/**
 * Random definitions over random histories in random disorder: what was told, corrections applied,
 * is what the definition says word for word of the whole history, at every millisecond.
 */

const MAX_AGE = millis(60);
/** Membership by `leave`: in on coming true, or on an `unless` while true; out when nothing lies within. */
function held(
  level: Slow,
  history: readonly Happened[],
  rule: NonNullable<Segment["leave"]>,
): Slow {
  const member: boolean[] = [];
  let entered = 0;
  for (let t = 0; t <= END; t += 1) {
    const active = (at: number) => window(history, rule.unless, at, rule.after).length > 0;
    const quiet = !active(t) && t > entered + rule.after;
    const was = member[t - 1] ?? false;
    const comes = level(t) && (!level(t - 1) || (active(t) && !active(t - 1)));
    if (!was && comes) entered = t;
    member.push(was ? !quiet : comes);
  }
  return (t) => member[t] ?? false;
}

function slowTurns(file: SegmentFile, history: readonly Happened[]) {
  const since = Math.min(...history.map(({ at }) => at));
  const known = new Map<string, Slow>();
  const never: Slow = () => false;
  for (const { id, when, leave: rule } of file.segments) {
    const level = slowly(when, history, (other) => known.get(other) ?? never);
    const seen: Slow = (t) => t >= since && level(t);
    known.set(id, rule === null ? seen : held(seen, history, rule));
  }
  return Object.fromEntries(
    [...known].map(([id, member]) => {
      const turns: { at: number; member: boolean }[] = [];
      for (let t = 0; t <= END; t += 1) {
        if (member(t) !== (turns.at(-1)?.member ?? false))
          turns.push({ at: T0 + t, member: member(t) });
      }
      return [id, turns];
    }),
  );
}

/** The turns that stand after corrections: one of the other direction takes back, one of the same replaces. */
function standing(outputs: readonly Output[]): { at: number; member: boolean }[] {
  let turns: { at: number; member: boolean; id: string }[] = [];
  for (const { subject, id, data } of outputs) {
    const member = subject.endsWith(".entered");
    const old = turns.find((told) => told.id === data["supersedes"]);
    if (data["supersedes"] !== undefined) {
      expect(old, "supersedes a message that stands").toBeDefined();
    }
    turns = turns.filter((told) => told !== old);
    if (old !== undefined && old.member !== member) continue;
    turns.push({ at: Date.parse(data["at"] as string), member, id });
  }
  return turns.sort((a, b) => a.at - b.at).map(({ at, member }) => ({ at, member }));
}

/** By arrival; the clock follows, a little behind what has arrived. */
function scriptOf(history: readonly Happened[], disorder: number): ScriptLine[] {
  const lines: ScriptLine[] = [];
  let newest = 0;
  for (const one of history.toSorted((a, b) => a.at + a.delay - b.at - b.delay)) {
    const { at, type, sku, thing, amount, delay, id } = one;
    newest = Math.max(newest, at + delay);
    lines.push({ watermark: T0 + newest - disorder - 1 });
    const props = { sku, amount, ...(thing === undefined ? {} : { thing }) } as ShopEvent["props"];
    // Each sku is met at a touchpoint of its own.
    lines.push(line(shopEvent(at, type, props, { clientId: id, touchpoint: sku })));
  }
  return [...lines, { watermark: T0 + END }];
}

async function told(file: SegmentFile, script: readonly ScriptLine[], maxAge: Millis = MAX_AGE) {
  const job = { timeZone: "UTC", seed: 1, maxAge, files: { segments: file } };
  return await play(
    [
      { operator: sessionSpec.make({}, job), from: ["events"] },
      { operator: segmentSpec.make({}, job), from: ["session"] },
      { operator: segmentGoalOperator(days(30), "UTC"), from: ["session", "segment"] },
    ],
    script,
  );
}

/** What the demand flow adds up of a segment: members and entries. */
function counted(hops: readonly Hop[], segment: string): readonly [number, number] {
  let members = 0;
  let entered = 0;
  for (const { key, payload } of hops) {
    if (key !== `segment:${segment}`) continue;
    const counts = payload as SegmentPartial;
    members += counts[1];
    entered += counts[3];
  }
  return [members, entered];
}

const plain = { title: undefined, goal: undefined, hash: "v1" } as const;

test("law: membership is what the definition says of the whole history", async () => {
  await fc.assert(
    fc.asyncProperty(
      definition,
      leave,
      historyOf,
      fc.integer({ min: 0, max: 20 }),
      leaf,
      async (when, rule, history, disorder, other) => {
        const segments: Segment[] = [
          { ...plain, id: "seg", when, leave: rule },
          {
            ...plain,
            id: "of_seg",
            when: { op: "all", of: [{ op: "standing", topic: "segment", value: "seg" }, other] },
            leave: null,
          },
        ];
        const file = { version: 1 as const, timeZone: "UTC", matchers: MATCHERS, segments };
        const { outputs, hops } = await told(file, scriptOf(history, disorder));
        const slow = slowTurns(file, history);
        for (const { id } of segments) {
          const mine = outputs.filter(({ data }) => data["segment"] === id);
          expect(standing(mine), id).toEqual(slow[id]);
          const last = mine.at(-1)?.subject.endsWith(".entered");
          if (last !== undefined) expect(last).toBe(slow[id]?.at(-1)?.member ?? false);
          const entries = slow[id]?.filter(({ member }) => member).length;
          const isIn = slow[id]?.at(-1)?.member ?? false;
          expect(counted(hops, id), `members and entries of ${id}`).toEqual([
            Number(isIn),
            entries,
          ]);
        }
      },
    ),
    { numRuns: 400 },
  );
});

const BOB = "p_00000000000000b0";

/** The same under two names up to a time of arrival, and under one from there on. */
function scriptOfTwo(history: readonly Happened[], bobs: ReadonlySet<string>, linkAt: number) {
  const lines: ScriptLine[] = [];
  let isLinked = false;
  for (const one of scriptOf(history, 5)) {
    const now = "watermark" in one ? one.watermark - T0 + 6 : linkAt;
    if (!isLinked && now > linkAt) {
      isLinked = true;
      lines.push({ join: BOB, key: ANN, at: T0 + linkAt });
    }
    if (!("event" in one) || isLinked) lines.push(one);
    else {
      const event = one.event as ShopEvent;
      const person = bobs.has(event.clientId) ? BOB : ANN;
      lines.push({ ...one, key: person, event: { ...event, person } });
    }
  }
  return lines;
}

test("law: of two who turn out to be one, it is what the definition says of both histories", async () => {
  await fc.assert(
    fc.asyncProperty(
      definition,
      leave,
      historyOf,
      fc.func(fc.boolean()),
      fc.integer({ min: 0, max: 130 }),
      async (when, rule, history, isBobs, linkAt) => {
        const segments: Segment[] = [{ ...plain, id: "seg", when, leave: rule }];
        const file = { version: 1 as const, timeZone: "UTC", matchers: MATCHERS, segments };
        const bobs = new Set(history.flatMap(({ id }) => (isBobs(id) ? [id] : [])));
        const script = scriptOfTwo(history, bobs, linkAt);
        const { outputs, hops, task } = await told(file, script, millis(100_000));
        const slow = slowTurns(file, history).seg ?? [];
        const anns = outputs.filter(({ data }) => data["person"] === ANN);
        expect(standing(anns)).toEqual(slow);
        expect(task.stateOf("segment", BOB)).toBeUndefined();
        expect(counted(hops, "seg")[0]).toBe(Number(slow.at(-1)?.member ?? false));
      },
    ),
    { numRuns: 400 },
  );
});

test("law: of one who did nothing that can still matter, nothing is kept", async () => {
  await fc.assert(
    fc.asyncProperty(
      count,
      historyOf,
      fc.integer({ min: 0, max: 20 }),
      async (when, history, disorder) => {
        const segments: Segment[] = [{ ...plain, id: "seg", when, leave: null }];
        const file = { version: 1 as const, timeZone: "UTC", matchers: MATCHERS, segments };
        const { task } = await told(file, scriptOf(history, disorder));
        expect(task.stateOf("segment", ANN)).toBeUndefined();
      },
    ),
    { numRuns: 100 },
  );
});
