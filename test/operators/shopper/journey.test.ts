import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type JourneyState, journeySpec } from "../../../operators/shopper/journey.ts";
import { JOURNEY_STAGES } from "../../../operators/shopper/journey-stage.ts";
import { sessionSpec } from "../../../operators/shopper/session.ts";
import type { Context } from "../../../src/flow/operator.ts";
import { millis } from "../../../src/time/event-time.ts";
import { play, type ScriptLine } from "../../support/play.ts";
import { ANN, clock, DAY, line, MIN, shopEvent, T0 } from "./support.ts";

const job = { timeZone: "Asia/Shanghai", seed: 1, maxAge: millis(7 * DAY), files: {} };

async function journey(script: readonly ScriptLine[], hotRows = 0) {
  const nodes = [
    { operator: sessionSpec.make({}, job), from: ["events"] },
    { operator: journeySpec.make({ steps: 5 }, job), from: ["session"] },
  ];
  const played = await play(nodes, script, { hotRows });
  const said = played.outputs.map(({ subject, id, data }) => ({ subject, id, ...data }));
  return { said: said as unknown as Said[], played };
}
interface Said {
  readonly subject: string;
  readonly id: string;
  readonly stage: string;
  readonly step: number;
  readonly at: string;
  readonly stayed_ms: number | null;
  readonly supersedes?: readonly string[];
  readonly path: readonly { readonly at: string; readonly type: string }[];
}

/** What is believed of the stages after all messages: those that nothing took the place of. */
function believed(said: readonly Said[]): string[] {
  const gone = new Set(said.flatMap(({ supersedes }) => supersedes ?? []));
  const stands = said.filter(({ id }) => !gone.has(id));
  return [...new Set(stands.map(({ step, at }) => `${(Date.parse(at) - T0) / MIN} ${step}`))].sort(
    (a, b) => Number.parseFloat(a) - Number.parseFloat(b),
  );
}

const act = (minute: number, type: string, order?: string) =>
  line(shopEvent(minute * MIN, type, order === undefined ? {} : { order_id: order }));

describe("the journey", () => {
  test.each`
    acts                                                                                             | stages                   | why
    ${[[1, "searched"], [2, "searched"]]}                                                            | ${["1 1"]}               | ${"looking twice is looking"}
    ${[[1, "cs.started"], [2, "searched"]]}                                                          | ${["1 2"]}               | ${"looking does not lead back"}
    ${[[1, "order.placed", "a"], [2, "cs.started"]]}                                                 | ${["1 3"]}               | ${"asking before paying is no after-sales"}
    ${[[1, "order.paid", "a"], [2, "order.placed", "a"]]}                                            | ${["1 4"]}               | ${"an order that comes twice is one"}
    ${[[1, "order.paid", "a"], [2, "group.message.posted"]]}                                         | ${["1 4"]}               | ${"chatting in the group is no after-sales"}
    ${[[1, "order.paid", "a"], [2, "cs.started"], [3, "order.placed", "b"], [4, "order.paid", "b"]]} | ${["1 4", "2 5", "3 6"]} | ${"the payment of a repurchase is no further stage"}
    ${[[1, "searched"], [2, "order.placed", "a"], [3, "order.cancelled", "a"]]}                      | ${["1 1", "2 3", "3 1"]} | ${"cancelled unpaid leads back"}
    ${[[1, "order.paid", "a"], [2, "order.placed", "b"], [3, "order.cancelled", "b"]]}               | ${["1 4", "2 6", "3 4"]} | ${"a cancelled repurchase was none"}
    ${[[1, "order.placed"], [2, "order.paid", "a"], [3, "order.paid", "b"]]}                         | ${["1 3", "2 4", "3 6"]} | ${"an order without an id is the one paid next"}
    ${[[1, "order.cancelled", "a"]]}                                                                 | ${[]}                    | ${"what was never placed cannot be cancelled"}
  `("$why", async ({ acts, stages }) => {
    const script = (acts as [number, string, string?][]).map((parts) => act(...parts));
    expect(believed((await journey(script)).said)).toEqual(stages);
  });

  test("a late payment is put in its place, and what it makes wrong is taken back", async () => {
    const { said } = await journey([
      act(10, "searched"),
      act(20, "cs.started"),
      act(15, "order.paid", "a"),
    ]);
    expect(said.map(({ step, at }) => [(Date.parse(at) - T0) / MIN, step])).toEqual([
      [10, 1],
      [20, 2],
      [15, 4],
      [20, 5],
    ]);
    expect(said[2]?.supersedes).toEqual([said[1]?.id]);
    expect(said[3]).toMatchObject({ stayed_ms: 5 * MIN });
    expect(said[3]?.supersedes).toBeUndefined();
  });

  test("a stage told too much is taken back", async () => {
    const { said } = await journey([
      act(10, "order.placed", "a"),
      act(20, "order.paid", "a"),
      act(5, "order.paid", "a"),
    ]);
    expect(believed(said)).toEqual(["5 4"]);
  });

  test("the path keeps its last steps in the order in which they happened", async () => {
    const script = [3, 1, 2, 6, 5, 4, 0].map((minute) => act(minute, "searched"));
    const { played } = await journey([...script, act(7, "order.paid", "a")]);
    const state = played.task.stateOf("journey", ANN) as JourneyState;
    expect(state.path.map(({ at }) => (at - T0) / MIN)).toEqual([3, 4, 5, 6, 7]);
    expect(state.path[0]).toMatchObject({ touchpoint: "mp", type: "searched", about: null });
    expect(state.now).toMatchObject({ stage: 4, purchases: 1 });
  });

  test("what comes before the last 32 that count is late", async () => {
    const many = Array.from({ length: 40 }, (_, i) => act(i + 1, "order.paid", `o${i}`));
    const { said, played } = await journey([...many, act(0, "cs.started")]);
    expect(played.counts("journey").late).toBe(1);
    expect(said.filter(({ subject }) => subject.startsWith("lifecycle."))).toHaveLength(2);
  });

  const KINDS = [
    "searched",
    "cs.started",
    "group.message.posted",
    "order.placed",
    "order.paid",
    "order.cancelled",
    "service.booked",
  ];
  const acts = fc.uniqueArray(
    fc.record({
      minute: fc.nat({ max: 300 }),
      kind: fc.constantFrom(...KINDS),
      order: fc.constantFrom("a", "b", "c", undefined),
    }),
    { selector: ({ minute }) => minute, maxLength: 12 },
  );
  const asLine = ({
    minute,
    kind,
    order,
  }: {
    minute: number;
    kind: string;
    order?: string | undefined;
  }) => act(minute, kind, kind.startsWith("order.") ? order : undefined);

  test("law: however the events arrive, what is believed in the end is the same", async () => {
    await fc.assert(
      fc.asyncProperty(acts, fc.infiniteStream(fc.nat()), async (list, keys) => {
        const shuffled = list
          .map((value) => ({ value, key: keys.next().value as number }))
          .sort((a, b) => a.key - b.key)
          .map(({ value }) => value);
        const sorted = list.toSorted((a, b) => a.minute - b.minute);
        const inTime = await journey(sorted.map(asLine));
        expect(inTime.said.every(({ supersedes }) => supersedes === undefined)).toBe(true);
        const late = await journey([...shuffled.map(asLine), clock(DAY)]);
        expect(believed(late.said)).toEqual(believed(inTime.said));
      }),
      { numRuns: 150 },
    );
  });

  test("law: two histories of one person, joined, stand where one history would", async () => {
    const operator = journeySpec.make({ steps: 5 }, job);
    await fc.assert(
      fc.asyncProperty(acts, fc.infiniteStream(fc.boolean()), async (list, sides) => {
        const sorted = list.toSorted((a, b) => a.minute - b.minute);
        const parts = sorted.map((value) => ({ value, left: sides.next().value as boolean }));
        const stateOf = async (of: typeof sorted) =>
          (await journey(of.map(asLine))).played.task.stateOf("journey", ANN);
        const [left, right, whole] = await Promise.all([
          stateOf(parts.filter((part) => part.left).map(({ value }) => value)),
          stateOf(parts.filter((part) => !part.left).map(({ value }) => value)),
          stateOf(sorted),
        ]);
        const ctx = { key: ANN, cause: "merge", watermark: 0, emit: () => undefined };
        const joined = operator.merge?.(
          left ?? operator.init(ANN),
          right ?? operator.init(ANN),
          ctx as unknown as Context<unknown>,
        ) as JourneyState;
        const wanted = (whole ?? operator.init(ANN)) as JourneyState;
        expect(joined.now).toEqual(wanted.now);
        const steps = ({ path }: JourneyState) => path.map(({ at, type }) => `${at} ${type}`);
        expect(steps(joined)).toEqual(steps(wanted));
        expect(joined.told.map(([at, stage]) => [at, stage])).toEqual(
          wanted.told.map(([at, stage]) => [at, stage]),
        );
      }),
      { numRuns: 60 },
    );
  });

  test("there are six stages", () => {
    expect(JOURNEY_STAGES).toHaveLength(6);
  });
});
