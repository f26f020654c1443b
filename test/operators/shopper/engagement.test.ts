import { expect, test } from "vitest";
import { type EngagementState, engagementSpec } from "../../../operators/shopper/engagement.ts";
import type { Context } from "../../../src/flow/operator.ts";
import { days, type EventTime } from "../../../src/time/event-time.ts";
import { play } from "../../support/play.ts";
import { line, shopEvent, T0 } from "./support.ts";

const operator = engagementSpec.make({}, { timeZone: "UTC", seed: 1, maxAge: days(7), files: {} });
const node = { operator, from: ["events"] };
const consent = (ms: number, status: string) =>
  line(shopEvent(ms, "privacy.consent", { purpose: "chat_archive", status }));
const ask = (ms: number) => line(shopEvent(ms, "cs.asked", { topic: "size" }));

test("the latest word about chats counts, in whatever order it comes", async () => {
  const { hops } = await play([node], [consent(2, "withdrawn"), consent(1, "granted"), ask(3)]);
  expect(hops).toEqual([]);
  const granted = await play([node], [consent(2, "granted"), consent(1, "withdrawn"), ask(3)]);
  expect(granted.hops.map(({ key, payload }) => [key, payload])).toEqual([
    ["engagement:faq:size", ["engagement", expect.stringMatching(/^p_/), null, null]],
  ]);
});

test("of two who turn out to be one person, the later word counts", () => {
  const state = (ms: number, chats: boolean): EngagementState => ({
    at: (T0 + ms) as EventTime,
    chats,
  });
  const merge = (a: EngagementState, b: EngagementState) =>
    operator.merge?.(a, b, {} as Context<unknown>);
  expect(merge(state(1, true), state(2, false))).toEqual(state(2, false));
  expect(merge(state(2, false), state(1, true))).toEqual(state(2, false));
});

test("whoever only reads leaves nothing behind", async () => {
  const reads = line(shopEvent(0, "article.read", { content_id: "c", completion: 0.5 }));
  const { task, hops } = await play([node], [reads]);
  expect(hops).toHaveLength(1);
  expect(task.keys).toBe(0);
});
