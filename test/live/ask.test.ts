import { connect, type Msg, type NatsConnection, type Subscription } from "nats";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { minutes } from "../../src/time/event-time.ts";
import { startTestEngine, type TestEngine } from "../support/engine.ts";
import { untilQuiet } from "../support/engine-quiet.ts";
import { openShop, SHOP_OPENS, shopMessages } from "../support/events.ts";
import { publishAll } from "../support/events-publisher.ts";
import { fed, published } from "../support/evidence.ts";
import { TestServer } from "../support/nats-server.ts";

interface Answer {
  readonly rec_id?: string | null;
  readonly person?: string | null;
  readonly items?: readonly { readonly sku?: string }[];
  readonly personalized?: boolean;
  readonly rule?: string;
  readonly error?: { readonly code: string; readonly remedy: string };
}

let server: TestServer;
let engine: TestEngine;
let nc: NatsConnection;
let best: string;
const ids = [{ k: "unionid", v: "o-somebody-who-asks" }];
const T = SHOP_OPENS + minutes(30);

const ask = async (body: unknown): Promise<Answer> => {
  const reply = await nc.request("freshet.ask.recommend", JSON.stringify(body), { timeout: 5000 });
  return reply.json<Answer>();
};
/** The first message whose body is such, as a list of one. */
async function firstWhere(
  subscription: Subscription,
  isIt: (data: Record<string, unknown>) => boolean,
): Promise<Msg[]> {
  for await (const message of subscription) {
    if (isIt(message.json<Record<string, unknown>>())) return [message];
  }
  return [];
}
const skus = ({ items = [] }: Answer) =>
  items.flatMap(({ sku }) => (sku === undefined ? [] : [sku]));

beforeAll(async () => {
  server = await TestServer.start();
  engine = await startTestEngine({ url: server.url, trustRecv: true });
  nc = await connect({ servers: server.url });
  const lasts = minutes(8);
  await publishAll(nc, [...shopMessages(openShop({ seed: 8, people: 600, lasts }), lasts)]);
  await untilQuiet(nc, engine.metrics);
  best = skus(await ask({ slot: "mp.home.first", n: 1 }))[0] ?? "";
  const js = nc.jetstream();
  for (const [i, sku] of [best, best, best].entries()) {
    const at = { ts: T + i * 1000, recv: T + i * 1000 };
    const view = {
      id: `ask-${i}`,
      type: "product.viewed",
      ...at,
      touchpoint: "mp",
      ids,
      props: { sku },
    };
    await js.publish("freshet.in.event.mp.product.viewed", JSON.stringify(view));
  }
  await untilQuiet(nc, engine.metrics);
});

afterAll(async () => {
  await nc?.close();
  await engine?.stop();
  await server?.stop();
});

describe("ask.recommend", () => {
  test("a stranger gets what is popular, and nothing is remembered of the answer", async () => {
    const answer = await ask({ slot: "mp.home.first", n: 5 });
    expect(skus(answer)).toHaveLength(5);
    expect(answer).toMatchObject({ rec_id: null, person: null, personalized: false });
  });

  test("a person gets an answer of their own, which stands in the log before it is given", async () => {
    const before = await served();
    const answer = await ask({ slot: "mp.home.first", ids, n: 3 });
    expect(answer.personalized).toBe(true);
    expect(answer.rec_id).toMatch(/^r_[0-9a-f]{16}_[0-9a-f]{12}$/);
    expect(answer.person).toBe(`p_${answer.rec_id?.slice(2, 18)}`);
    expect(await served()).toBe(before + 1);
  });

  test("E26, E30: what a rule has placed in a slot is heard of, and comes first there, once", async () => {
    const viewer = [{ k: "unionid", v: "o-who-watched-the-launch" }];
    const js = nc.jetstream();
    // E30: any tool of marketing automation subscribes like this.
    const subscription = nc.subscribe("freshet.recommendation.mp.>");
    const heard = firstWhere(subscription, (data) => data["rule"] === "launch_live_hero");
    const live = { live_id: "launch-1", kind: "launch", sku: best, completion: 0.95 };
    const acts = [
      ["channels", "live.left", live],
      ["mp", "mp.entered", {}],
    ] as const;
    for (const [i, [touchpoint, type, props]] of acts.entries()) {
      const at = { ts: T + 10_000 + i * 1000, recv: T + 10_000 + i * 1000 };
      const event = { id: `launch-${i}`, type, ...at, touchpoint, ids: viewer, props };
      await js.publish(`freshet.in.event.${touchpoint}.${type}`, JSON.stringify(event));
    }
    await untilQuiet(nc, engine.metrics);
    fed(acts.length);
    const [message] = published(await heard);
    expect(message?.headers?.get("ce-id")).toBe(message?.headers?.get("Nats-Msg-Id"));
    expect(message?.json()).toMatchObject({ rule: "launch_live_hero", sku: best, channel: "mp" });
    const hero = { slot: "mp.home.first", ids: viewer, n: 2 };
    const first = await ask(hero);
    expect(first).toMatchObject({ rule: "launch_live_hero", personalized: true });
    expect(skus(first)[0]).toBe(best);
    await untilQuiet(nc, engine.metrics);
    expect((await ask(hero)).rule).toBeUndefined();
  });

  test("F09: pages at two touchpoints are answered alike, by what was done at either", async () => {
    const visitor = [{ k: "unionid", v: "o-at-two-touchpoints" }];
    const js = nc.jetstream();
    const stranger = skus(await ask({ slot: "mp.home.first", n: 3 }));
    const acts = [
      ["mp", "product.viewed", { sku: stranger[2] }],
      ["gzh", "article.opened", { content_id: "c-two", sku: stranger[2] }],
    ] as const;
    for (const [i, [touchpoint, type, props]] of acts.entries()) {
      const at = { ts: T + 15_000 + i * 1000, recv: T + 15_000 + i * 1000 };
      const event = { id: `two-${i}`, type, ...at, touchpoint, ids: visitor, props };
      await js.publish(`freshet.in.event.${touchpoint}.${type}`, JSON.stringify(event));
    }
    await untilQuiet(nc, engine.metrics);
    fed(acts.length);
    const [home, account] = published([
      await ask({ slot: "mp.home.first", ids: visitor, n: 3 }),
      await ask({ slot: "gzh.article.end", ids: visitor, n: 3 }),
    ]);
    expect(home?.personalized).toBe(true);
    expect(account?.items).toEqual(home?.items);
    expect(account?.rec_id).not.toBe(home?.rec_id);
    expect(skus(home ?? {})).not.toEqual(stranger);
  });

  test("D15: whoever refuses profiling is still served, with what is popular", async () => {
    const refuses = [{ k: "unionid", v: "o-who-refuses" }];
    const js = nc.jetstream();
    const say = async (i: number, type: string, props: object) => {
      const at = { ts: T + 20_000 + i * 1000, recv: T + 20_000 + i * 1000 };
      const event = { id: `refuse-${i}`, type, ...at, touchpoint: "mp", ids: refuses, props };
      await js.publish(`freshet.in.event.mp.${type}`, JSON.stringify(event));
    };
    await say(0, "product.viewed", { sku: best });
    await untilQuiet(nc, engine.metrics);
    expect((await ask({ slot: "mp.list", ids: refuses, n: 3 })).personalized).toBe(true);
    await say(1, "privacy.consent", { purpose: "profiling", status: "withdrawn" });
    await untilQuiet(nc, engine.metrics);
    const answer = await ask({ slot: "mp.list", ids: refuses, n: 3 });
    expect(answer.personalized).toBe(false);
    expect(skus(answer)).toHaveLength(3);
  });

  test("what has sold out is not served", async () => {
    const js = nc.jetstream();
    const sites = ["w-east", "w-south", "w-north", "w-central", "w-southwest", "w-northeast"];
    for (const site of sites) {
      const stock = { site, sku: best, on_hand: 0, reserved: 0, recv: T + 10_000 };
      await js.publish(`freshet.in.fact.inventory.${site}.${best}`, JSON.stringify(stock));
    }
    await untilQuiet(nc, engine.metrics);
    expect(skus(await ask({ slot: "mp.home.first", n: 50 }))).not.toContain(best);
    expect(skus(await ask({ slot: "mp.home.first", ids, n: 50 }))).not.toContain(best);
  });

  test("what is no request is told why", async () => {
    for (const body of [
      [],
      { slot: "Not A Slot" },
      { slot: "mp.home", n: 0 },
      { slot: "mp.home", n: 1e9 },
    ]) {
      expect((await ask(body)).error).toMatchObject({
        code: "BAD_REQUEST",
        remedy: expect.stringContaining("mp.home.first"),
      });
    }
  });
});

test("D04: with the pack `home` the home page is answered, and no other", async () => {
  const own = await TestServer.start();
  const home = await startTestEngine({ url: own.url, trustRecv: true, pack: "home" });
  const page = await connect({ servers: own.url });
  try {
    const lasts = minutes(2);
    const messages = [...shopMessages(openShop({ seed: 8, people: 300, lasts }), lasts)];
    await publishAll(page, messages);
    await untilQuiet(page, home.metrics);
    fed(messages.length);
    const asked = async (slot: string) => {
      const body = JSON.stringify({ slot, n: 1 });
      return (await page.request("freshet.ask.recommend", body, { timeout: 5000 })).json<Answer>();
    };
    const [shown] = published([await asked("mp.home.first")]);
    expect(skus(shown ?? {})).toHaveLength(1);
    for (const slot of ["mp.cart", "mp.homepage", "gzh.menu"])
      expect((await asked(slot)).error).toMatchObject({ code: "BAD_REQUEST" });
  } finally {
    await page.close();
    await home.stop();
    await own.stop();
  }
});

async function served(): Promise<number> {
  const jsm = await nc.jetstreamManager();
  const subject = "freshet.in.event.mp.recommendation.served";
  const info = await jsm.streams.info("FRESHET_IN", { subjects_filter: subject });
  return info.state.subjects?.[subject] ?? 0;
}
