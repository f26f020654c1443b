import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { sessionSpec } from "../../../operators/shopper/session.ts";
import { joinAct, joinSessions, type Session } from "../../../operators/shopper/session-list.ts";
import type { SessionSignal, Step } from "../../../operators/shopper/signals.ts";
import { type EventTime, millis } from "../../../src/time/event-time.ts";
import { play, type ScriptLine } from "../../support/play.ts";
import { ANN, clock, DAY, line, MIN, probe, shopEvent, T0 } from "./support.ts";

const job = { timeZone: "Asia/Shanghai", seed: 1, maxAge: millis(7 * DAY), files: {} };

async function sessions(script: readonly ScriptLine[]): Promise<SessionSignal[]> {
  const told: SessionSignal[] = [];
  const nodes = [
    { operator: sessionSpec.make({}, job), from: ["events"] },
    probe(["session"], told),
  ];
  await play(nodes, script);
  return told;
}
const view = (ms: number, sku: string, touchpoint = "mp") =>
  line(shopEvent(ms, "product.viewed", { sku }, { touchpoint }));
const steps = (told: readonly SessionSignal[]) =>
  told.filter((signal): signal is Step => signal.kind === "step");
const endTimes = (told: readonly SessionSignal[]) =>
  told.flatMap((signal) => (signal.kind === "session-end" ? [signal.at - T0] : []));

/** Which events share a session, by pauses of the sorted times alone. */
function slowSessions(times: readonly number[], gap: number): string {
  const sorted = [...times].sort((a, b) => a - b);
  const groups: number[][] = [];
  for (const at of sorted) {
    const current = groups.at(-1);
    if (current === undefined || at - (current.at(-1) ?? 0) > gap) groups.push([at]);
    else current.push(at);
  }
  return groups.map((group) => group.join(" ")).join(" | ");
}

describe("sessions", () => {
  //   minutes  0    29    59        90        120
  //            a----b-----c         d---------e     a pause of exactly 30 does not part
  test("a pause of more than 30 minutes parts, exactly 30 does not, whatever the touchpoint", async () => {
    const told = await sessions([
      view(0, "a", "mp"),
      view(29 * MIN, "b", "gzh"),
      view(59 * MIN, "c", "pay"),
      view(89 * MIN + 1, "d", "mp"),
      view(119 * MIN + 1, "e", "mp"),
      clock(3 * 60 * MIN),
    ]);
    const ids = steps(told).map((step) => step.session?.id);
    expect(new Set(ids.slice(0, 3)).size).toBe(1);
    expect(new Set(ids.slice(3)).size).toBe(1);
    expect(ids[0]).not.toBe(ids[3]);
    expect(steps(told)[2]?.session).toMatchObject({
      steps: 3,
      started: T0,
      skus: ["a", "b", "c"],
      touchpoints: ["mp", "gzh", "pay"],
    });
    expect(endTimes(told)).toEqual([89 * MIN, 149 * MIN + 1]);
  });

  test("what is done about a person neither opens nor holds a session", async () => {
    const told = await sessions([
      view(0, "a"),
      line(shopEvent(20 * MIN, "feedback.exposed", { rec_id: "r" })),
      line(shopEvent(21 * MIN, "order.received", { order_id: "o" })),
      clock(2 * 60 * MIN),
    ]);
    expect(steps(told).map((step) => step.session?.steps ?? null)).toEqual([1, null, null]);
    expect(endTimes(told)).toEqual([30 * MIN]);
  });

  test("a late act that lies between two sessions makes them one", async () => {
    const told = await sessions([
      view(0, "a"),
      view(45 * MIN, "b"),
      view(20 * MIN, "c"),
      clock(5 * 60 * MIN),
    ]);
    expect(steps(told)[2]?.session).toMatchObject({ started: T0, steps: 3, skus: ["c", "a", "b"] });
    expect(endTimes(told)).toEqual([75 * MIN]);
  });

  test("a new sku is paired with at most the five met last, once", async () => {
    const told = await sessions(
      ["a", "b", "a", "c", "d", "e", "f", "g"].map((sku, i) => view(i * MIN, sku)),
    );
    const pairs = told.flatMap((s) => (s.kind === "covisit" ? [`${s.a}${s.b}`] : []));
    expect(pairs.filter((pair) => pair.endsWith("b"))).toEqual(["ab"]);
    expect(pairs.filter((pair) => pair.endsWith("c"))).toEqual(["ac", "bc"]);
    expect(pairs.filter((pair) => pair.endsWith("g"))).toEqual(["fg", "eg", "dg", "cg", "ag"]);
    expect(pairs.filter((pair) => pair.endsWith("a"))).toEqual([]);
  });

  test("law: sessions are those of the sorted times, however the acts arrive", async () => {
    const arrivals = fc
      .uniqueArray(fc.integer({ min: 0, max: 85 }), { minLength: 1, maxLength: 14 })
      .map((minutes) => minutes.map((minute) => minute * MIN));
    await fc.assert(
      fc.asyncProperty(arrivals, async (times) => {
        const told = await sessions([
          ...times.map((ms, i) => view(ms, `s${i}`)),
          clock(6 * 60 * MIN),
        ]);
        const last = told.filter((signal) => signal.kind === "session-end");
        const found = last
          .map(({ session }) => session)
          .sort((a, b) => a.started - b.started)
          .map(({ started, steps: count }) => `${(started - T0) / MIN}:${count}`);
        const expected = slowSessions(times, 30 * MIN)
          .split(" | ")
          .map((group) => `${Number(group.split(" ")[0]) / MIN}:${group.split(" ").length}`);
        expect(found).toEqual(expected);
      }),
      { numRuns: 150 },
    );
  });

  test("nothing is kept of a person a day after the session", async () => {
    const nodes = [{ operator: sessionSpec.make({}, job), from: ["events"] }];
    const played = await play(nodes, [view(0, "a"), clock(2 * DAY)]);
    expect(played.task.stateOf("session", ANN)).toBeUndefined();
    expect(played.task.pendingTimers).toBe(0);
  });

  test("law: the sessions of two people who are one are those of all their acts", () => {
    const times = fc.uniqueArray(fc.nat({ max: 100 }), { maxLength: 14 });
    const sessionsOf = (list: readonly number[], prefix: string) => {
      const found: Session[] = [];
      for (const minute of list) {
        const campaign = null;
        const act = { at: minute as EventTime, sku: undefined, category: undefined, campaign };
        joinAct(found, { ...act, touchpoint: "mp" }, millis(5), 50, () => `${prefix}${minute}`);
      }
      return found;
    };
    const spans = (list: readonly Session[]) =>
      list.map(({ started, last, steps }) => [started, last, steps]);
    fc.assert(
      fc.property(times, times, (a, b) => {
        const both = sessionsOf([...a, ...b], "c");
        const joined = joinSessions(sessionsOf(a, "a"), sessionsOf(b, "b"), millis(5), 50);
        expect(spans(joined)).toEqual(spans(both));
      }),
    );
  });
});
