import { expect, test } from "vitest";
import { fact, happens, ofRule, saidBy } from "../operators/shopper/rule-stage.ts";
import { DAY, HOUR, MIN } from "../operators/shopper/support.ts";

/** What the platforms let through, as the shipped configuration has it. */

const SECOND = 1000;
const on = (touchpoint: string) => ({ touchpoint });
const done = (ms: number) => happens(ms, "service.done", { service: "install", sku: "P" });
const subjects = (said: Awaited<ReturnType<typeof saidBy>>) => said.map(({ subject }) => subject);

test("G12: a chat in the mini program lets five messages of its customer service through", async () => {
  const chat = happens(0, "cs.started", {}, on("mp"));
  const six = [1, 2, 3, 4, 5, 6].map((i) => done(i * MIN));
  const said = ofRule(await saidBy([chat, ...six], HOUR), "svc_tune");
  expect(subjects(said)).toEqual([
    ...Array.from({ length: 5 }, () => "recommendation.notice.service"),
    "recommendation.wecom.service",
  ]);
  const elsewhere = happens(0, "cs.started", {}, on("wecom"));
  expect(subjects(ofRule(await saidBy([elsewhere, done(MIN)], HOUR), "svc_tune"))).toEqual([
    "recommendation.wecom.service",
  ]);
});

test.each([
  ["at the end of 48 h", 2 * DAY, "recommendation.notice.service"],
  ["a millisecond later", 2 * DAY + 1, "recommendation.wecom.service"],
])("G12: what a chat lets through is good %s", async (_when, ms, subject) => {
  const chat = happens(0, "cs.started", {}, on("mp"));
  expect(subjects(ofRule(await saidBy([chat, done(ms)], 3 * DAY), "svc_tune"))).toEqual([subject]);
});

test("E27: the welcome of a customer who was just added is one message within 20 s", async () => {
  const content = { content_id: "t1", type: "tutorial", about: "P" };
  const received = (ms: number) => happens(ms, "order.received", { sku: "P", order_id: `o${ms}` });
  const said = await saidBy(
    [
      fact("content", "t1", content),
      happens(0, "contact.added", { channel: "wecom" }),
      received(20 * SECOND),
      received(20 * SECOND + 1),
    ],
    HOUR,
  );
  const quotas = ofRule(said, "post_tutorial").map(
    ({ data }) => (data["policy"] as { quota: unknown }).quota,
  );
  expect(quotas).toEqual([{ wecom_granted: "1" }, {}]);
});

test("E27: WeCom is told whom to write to and who writes, as long as they are in contact", async () => {
  const content = { content_id: "t1", type: "tutorial", about: "P" };
  const received = (ms: number) => happens(ms, "order.received", { sku: "P", order_id: `o${ms}` });
  const contact = (ms: number, what: string, member?: string) =>
    happens(ms, `contact.${what}`, {
      channel: "wecom",
      ...(member === undefined ? {} : { member }),
    });
  const said = await saidBy(
    [
      fact("content", "t1", content),
      received(0),
      contact(MIN, "added", "m-lin"),
      received(2 * MIN),
      contact(3 * MIN, "added", "m-wu"),
      // Comes in after what took its place.
      contact(2.5 * MIN, "added", "m-late"),
      received(4 * MIN),
      contact(5 * MIN, "removed"),
      contact(7 * MIN, "added"),
      received(8 * MIN),
    ],
    HOUR,
  );
  const told = ofRule(said, "post_tutorial").map(({ data }) => data["channel_ids"]);
  const refs = told as readonly { external_userid_ref: string; sender_ref: string | null }[];
  expect(refs.map(({ sender_ref }) => sender_ref)).toEqual([null, "m-lin", "m-wu", null]);
  expect(new Set(refs.map(({ external_userid_ref }) => external_userid_ref)).size).toBe(1);
});

test("C38: how often to maintain a thing that the catalog does not know comes with its delivery", async () => {
  const received = { sku: "P", order_id: "o", maintenance_every: 90 * DAY };
  const said = await saidBy([happens(0, "order.received", received)], 91 * DAY);
  expect(ofRule(said, "post_maintenance").map(({ at }) => at)).toEqual([90 * DAY]);
});
