import type { Random } from "../../operators/simulated-shop/random.ts";

/** A message as a tracker or a warehouse publishes it. */
export interface TrafficMessage {
  /** Simulated milliseconds since the beginning. */
  readonly at: number;
  readonly subject: string;
  readonly body: string;
  readonly msgId: string | undefined;
}

export interface Traffic {
  readonly messages: readonly TrafficMessage[];
  readonly events: number;
  /** Events whose tracker's clock is wrong, and events that trackers say twice. */
  readonly skewed: number;
  readonly repeated: number;
  /** People who ask to be forgotten, and those of them who agree to be known again. */
  readonly erased: number;
  readonly returning: number;
}

export interface TrafficOptions {
  /** Milliseconds since the epoch at which it begins. */
  readonly start: number;
  readonly lastsMs: number;
  /** At least so many events. */
  readonly events: number;
  readonly erases: boolean;
}

interface Tracker {
  readonly who: string;
  /** What its clock is off by, in milliseconds. */
  readonly skew: number;
  /** Says when it sends, so that a wrong clock can be put right. */
  readonly saysSent: boolean;
  made: number;
}

interface Identifier {
  readonly k: string;
  readonly v: string;
}

const CATEGORIES = ["tea", "coffee", "mugs"];
const LINES = ["premium", "plain"];
const WORDS = ["tea for two", "how to brew", "price of a mug", "return my order"];
const REGIONS = ["east", "north"];
const ITEMS = 6;
const BATCH = 4;

const skuOf = (n: number): string => `s${n}`;
const categoryOf = (n: number): string => CATEGORIES[n % CATEGORIES.length] ?? "";

/** A small busy shop: sloppy clocks, events said twice, some spoilt, some a week too late. */
export function makeTraffic(random: Random, options: TrafficOptions): Traffic {
  const { start, lastsMs, events, erases } = options;
  const people = random.between(8, 16);
  const clocks = random.fork("clocks");
  const trackers = Array.from({ length: people }, (_, n): Tracker => {
    const wrong = clocks.chance(0.25);
    const skew = wrong ? clocks.between(-9000, 9000) : 0;
    return { who: `w${n}`, skew, saysSent: clocks.chance(0.5), made: 0 };
  });
  const messages = [...facts(random.fork("facts"), lastsMs)];
  const acts = random.fork("acts");
  const said: { readonly at: number; readonly event: object }[] = [];
  let made = 0;
  let skewed = 0;
  let repeated = 0;
  while (made < events) {
    const at = Math.floor(acts.fraction() * lastsMs);
    const tracker = acts.pick(trackers);
    const batch: object[] = [];
    for (let n = acts.between(1, BATCH); n > 0; n -= 1) {
      const event = act(acts, tracker, start + at);
      batch.push(event);
      said.push({ at, event });
      if (tracker.skew !== 0) skewed += 1;
    }
    if (acts.chance(0.06)) {
      const again = acts.pick(said);
      batch.push(again.event);
      repeated += 1;
    }
    made += batch.length;
    const body = JSON.stringify(batch.length === 1 ? batch[0] : batch);
    const msgId = acts.chance(0.8) ? `m${messages.length}` : undefined;
    messages.push({ at, subject: "in.event.mp.sim", body, msgId });
    if (acts.chance(0.01)) {
      messages.push({ at, subject: "in.event.mp.sim", body: spoilt(acts), msgId: undefined });
    }
  }
  messages.push(...visits(random.fork("visits"), options));
  const erasures = erases ? erasuresOf(random.fork("erasures"), trackers, options) : [];
  messages.push(...erasures);
  messages.sort((a, b) => a.at - b.at);
  const returning = erasures.filter(({ subject }) => subject === CONSENT).length;
  return {
    messages,
    events: made,
    skewed,
    repeated,
    erased: erasures.length - returning,
    returning,
  };
}

const CONSENT = "in.privacy.consent";

/** Some ask to be forgotten, go on being seen, and now and then agree to be known again. */
function erasuresOf(
  random: Random,
  trackers: readonly Tracker[],
  { start, lastsMs }: TrafficOptions,
): TrafficMessage[] {
  const names = [...trackers.map(({ who }) => who), ...visitors()];
  const messages: TrafficMessage[] = [];
  const say = (at: number, subject: string, id: string, about: object) => {
    const body = JSON.stringify({ id, ts: start + at, ...about });
    messages.push({ at, subject, body, msgId: random.chance(0.8) ? id : undefined });
  };
  const leaving = new Set(Array.from({ length: random.between(1, 3) }, () => random.pick(names)));
  for (const who of leaving) {
    const ids = idsOf(who);
    const at = Math.floor(lastsMs * (0.1 + 0.7 * random.fraction()));
    say(at, "in.privacy.request.delete", `leave-${who}`, { ids });
    if (random.chance(0.5)) continue;
    const back = at + random.between(500, 9000);
    say(back, CONSENT, `back-${who}`, { ids, purpose: "collect", status: "granted" });
  }
  return messages;
}

const visitors = (): string[] => Array.from({ length: VISITORS }, (_, v) => `v${v}`);

/** Visitors have two names. */
function idsOf(who: string): readonly Identifier[] {
  const login = { k: "login", v: `login of ${who}` };
  return who.startsWith("v") ? [login, { k: "anon", v: `browser of ${who}` }] : [login];
}

const VISITORS = 6;
const VISITS = 16;

/** People who come with a browser or a login, and from some time on are seen to have both. */
function* visits(random: Random, { start, lastsMs }: TrafficOptions): Generator<TrafficMessage> {
  for (const who of visitors()) {
    const ids = idsOf(who);
    const known = random.fraction() * lastsMs;
    for (let n = 0; n < VISITS; n += 1) {
      const at = Math.floor(random.fraction() * lastsMs);
      const both = at >= known && random.chance(0.5);
      const type = both && random.chance(0.3) ? "id.link" : random.pick(VISITED);
      const item = random.below(ITEMS);
      const sku = { sku: skuOf(item), category: categoryOf(item) };
      const event = {
        id: `${who}.${n}`,
        type,
        ts: start + at - random.below(300),
        touchpoint: "mp",
        ids: both ? ids : [random.chance(0.5) ? ids[0] : ids[1]],
        props: type === "id.link" ? {} : { ...sku, line: random.pick(LINES) },
      };
      yield { at, subject: "in.event.mp.sim", body: JSON.stringify(event), msgId: undefined };
    }
  }
}
const VISITED = ["product.viewed", "product.viewed", "cart.added"];

function act(random: Random, tracker: Tracker, now: number): object {
  tracker.made += 1;
  const item = Math.floor(random.fraction() ** 2 * ITEMS);
  const sku = skuOf(item);
  const category = categoryOf(item);
  const luck = random.fraction();
  const region = random.pick(REGIONS);
  const [type, props] = ((): [string, Record<string, unknown>] => {
    if (luck < 0.15) return ["page.viewed", { path: "pages/a", dwell_ms: random.below(9000) }];
    if (luck < 0.55) return ["product.viewed", { sku, category, line: random.pick(LINES), region }];
    if (luck < 0.65) return ["searched", { query: random.pick(WORDS) }];
    if (luck < 0.85) return ["cart.added", { sku, qty: 1, region }];
    return ["order.paid", { order_id: `${tracker.who}-${tracker.made}`, sku, qty: 1, region }];
  })();
  // Mostly fresh, one in ten some seconds old, a few from before anybody keeps events.
  const old = random.chance(0.1) ? random.below(6000) : random.below(300);
  const ts = now + tracker.skew - (random.chance(0.002) ? 8 * 86_400_000 : old);
  return {
    id: `${tracker.who}.${tracker.made}`,
    type,
    ts,
    ...(tracker.saysSent ? { sent: now + tracker.skew } : {}),
    touchpoint: "mp",
    ids: idsOf(tracker.who),
    props,
  };
}

function spoilt(random: Random): string {
  return random.pick([
    "{not json",
    `{"id":"x","type":"no.such.type","ts":1,"ids":[{"k":"login","v":"x"}]}`,
    `{"type":"product.viewed","ts":"yesterday"}`,
  ]);
}

function* facts(random: Random, lastsMs: number): Generator<TrafficMessage> {
  const fact = (at: number, name: string, body: object): TrafficMessage => ({
    at,
    subject: `in.fact.${name}`,
    body: JSON.stringify(body),
    msgId: undefined,
  });
  for (const region of REGIONS) yield fact(0, `site.${region}`, { site: region, region });
  for (let n = 0; n < ITEMS; n += 1) {
    const sku = skuOf(n);
    const line = LINES[n % LINES.length];
    const money = { price_minor: 900 + 100 * n, currency: "CNY", margin: 0.3 };
    const item = { sku, title: `Item ${n}`, category: categoryOf(n), brand: "b", line, ...money };
    yield fact(0, `catalog.${sku}`, item);
    const lead = { lead_days: 0.001, review_days: 0.0001, moq: 1, multiple: 1 };
    yield fact(0, `supply.${sku}`, { sku, ...lead, on_order: 0, supplier: "s" });
  }
  for (let told = 0; told < 24; told += 1) {
    const at = Math.floor(random.fraction() * lastsMs);
    const sku = skuOf(random.below(ITEMS));
    const site = random.pick(REGIONS);
    const body = { site, sku, on_hand: random.below(40), reserved: 0 };
    yield fact(at, `inventory.${site}.${sku}`, body);
  }
}
