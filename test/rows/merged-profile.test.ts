import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { DAY, HOUR, happens, MIN, type Props, profileOf } from "./said.ts";

/**
 * What is known of a person does not depend on when it became known who they are: the whole shipped
 * job, one history told twice.
 */

vi.setConfig({ testTimeout: 300_000 });

const UNION = { k: "unionid", v: "a" };
const OPENID = { k: "openid:wx-mp", v: "o-mp" };

/** What the person did, so long after the one before, under which name. */
interface Act {
  readonly wait: number;
  readonly type: string;
  readonly props: Props;
  readonly touchpoint: string;
  readonly named: boolean;
}

const wait = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 1, max: 8 }).map((n) => n * MIN) },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: 9 }).map((n) => n * HOUR) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 20 }).map((n) => n * DAY) },
);
const category = fc.constantFrom("digital", "baby", "boots");
const sku = fc.constantFrom("s1", "s2", "s3");
const doing = fc.oneof(
  fc.record({ sku, category, price_minor: fc.constantFrom(9900, 29900) }).map((props) => ({
    type: "product.viewed",
    props,
  })),
  fc.record({ sku, category }).map((props) => ({ type: "cart.added", props })),
  fc
    .constantFrom("徒步鞋", "尺码", "优惠券")
    .map((query) => ({ type: "searched", props: { query } })),
  fc
    .constantFrom("c1", "c2")
    .map((content_id) => ({ type: "article.read", props: { content_id, category: "camping" } })),
  fc.record({ sku, total_minor: fc.constantFrom(9900, 99900) }).map((props) => ({
    type: "order.paid",
    props,
  })),
);
const act: fc.Arbitrary<Act> = fc
  .tuple(wait, doing, fc.constantFrom("mp", "gzh"), fc.boolean())
  .map(([pause, what, touchpoint, named]) => ({ wait: pause, ...what, touchpoint, named }));

/** The lines of a history, the link of the two names before the `linked`th act. */
function told(acts: readonly Act[], linked: number): { lines: object[]; ends: number } {
  let at = 0;
  const lines: object[] = [];
  const link = () =>
    lines.push({
      ...happens(at, "id.link", {}),
      id: "link",
      ids: [UNION, OPENID],
      touchpoint: "mp",
    });
  acts.forEach(({ wait: pause, type, props, touchpoint, named }, i) => {
    if (i === linked) link();
    at += pause;
    const about = type === "order.paid" ? { ...props, order_id: `o${i}` } : props;
    const event = happens(at, type, about, { touchpoint });
    lines.push({ ...event, id: `act-${i}`, ids: [named ? UNION : OPENID] });
  });
  if (linked >= acts.length) link();
  return { lines, ends: at };
}

/**
 * Not among them: intents, which were concluded from what was known at each event and are joined as they
 * stand; affinities, of which a bounded number is kept; the journey, of which only the last days are judged
 * anew. A session that was told of under another name keeps that name.
 */
const EXACT = ["traits", "counters", "consent", "life", "spending", "tags", "scene"];

function comparable(profile: Props, names: readonly string[] = EXACT): Props {
  const exact = names.map((name) => {
    expect(profile).toHaveProperty(name);
    return [name, profile[name]];
  });
  const text = JSON.stringify(Object.fromEntries(exact), (name, value) =>
    name === "session" ? null : value,
  );
  return JSON.parse(text) as Props;
}

test("C14: whenever it becomes known who somebody is, their profile is that of the whole history", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(act, { minLength: 3, maxLength: 14 }),
      fc.nat({ max: 14 }),
      async (acts, place) => {
        // Somebody who is first met under the name that survives.
        const first: Act = {
          wait: MIN,
          type: "page.viewed",
          props: { path: "/home" },
          touchpoint: "mp",
          named: true,
        };
        const all = [first, ...acts];
        const known = told(all, 0);
        const late = told(all, Math.min(all.length, place + 1));
        const asked = known.ends + 10 * MIN;
        const wanted = comparable(await profileOf(known.lines, asked));
        expect(comparable(await profileOf(late.lines, asked))).toEqual(wanted);
      },
    ),
    { numRuns: 12 },
  );
});

/** Reading and visiting by turns while people go home, so that the last act often says where they are. */
const turn: fc.Arbitrary<Act> = fc
  .tuple(fc.integer({ min: 1, max: 25 }), fc.constantFrom("gzh", "mp"), fc.boolean())
  .map(([minutes, touchpoint, named]) => ({
    wait: minutes * MIN,
    ...(touchpoint === "gzh"
      ? { type: "article.opened", props: { content_id: "c1" } }
      : { type: "page.viewed", props: { path: "/home" } }),
    touchpoint,
    named,
  }));

test("C26: the scene is that of the last act, under whatever name it was", async () => {
  let scenes = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(turn, { minLength: 3, maxLength: 8 }),
      fc.nat({ max: 8 }),
      fc.integer({ min: 1, max: 40 }),
      async (turns, place, later) => {
        const first: Act = {
          ...{ wait: 5.5 * HOUR, type: "page.viewed", props: { path: "/home" } },
          ...{ touchpoint: "mp", named: true },
        };
        const all = [first, ...turns];
        const known = told(all, 0);
        const late = told(all, Math.min(all.length, place + 1));
        const asked = known.ends + later * MIN;
        const { scene } = comparable(await profileOf(known.lines, asked), ["scene"]);
        if (scene !== null) scenes += 1;
        expect(comparable(await profileOf(late.lines, asked), ["scene"])).toEqual({ scene });
      },
    ),
    { numRuns: 25 },
  );
  expect(scenes).toBeGreaterThan(3);
});
