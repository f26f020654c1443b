import type { Intent } from "../event.ts";
import type { Aisle, Item } from "./catalog.ts";
import { checkout } from "./checkout.ts";
import { arrive, chat, readArticle, watchClip } from "./content.ts";
import type { Steps } from "./floor.ts";
import type { Props } from "./message.ts";
import type { Person } from "./people.ts";
import { query } from "./queries.ts";
import type { Random } from "./random.ts";
import { attention, type Visit } from "./visit.ts";

/** What brings a person in this time. */
export function mood(person: Person, random: Random): Intent {
  const luck = random.fraction();
  const aftersales = person.orders.length > 0 ? 0.1 : 0;
  if (luck < aftersales) return "seek_aftersales";
  const left = (luck - aftersales) / (1 - aftersales);
  const compare = 0.1 + 0.18 * person.thrift;
  if (left < compare) return "compare_price";
  if (left < compare + 0.2) return "learn_features";
  return left < compare + 0.38 ? "buy" : "browse";
}

/** One visit from the first touchpoint to the last. */
export function* visit(v: Visit): Steps {
  const { person, random, floor } = v;
  const liking = Math.floor(random.fraction() ** 2 * person.interests.length);
  const place = person.interests[liking] ?? 0;
  const aisle = floor.catalog.aisles[place];
  if (aisle === undefined) return;
  const scene = yield* arrive(v, aisle);
  if (scene === undefined) return;
  v.enter(scene);
  yield* settle(v);
  if (v.intent === "seek_aftersales") yield* seekAftersales(v);
  else if (v.intent === "compare_price") yield* comparePrices(v, aisle, place);
  else if (v.intent === "learn_features") yield* learnFeatures(v, aisle, place);
  else if (v.intent === "buy") yield* buy(v, floor.choose(person, place, random), place);
  else yield* browse(v, aisle, place);
  v.leave();
}

function* settle(v: Visit): Steps {
  const { person, random } = v;
  if (person.visits === 1 && person.stage === "new") {
    const status = random.chance(0.97) ? "granted" : "withdrawn";
    v.say("mp", "privacy.consent", { purpose: "marketing", status });
  }
  const [order] = person.orders;
  if (order !== undefined && person.visits === 1 && random.chance(0.2)) {
    v.say("mp", "order.received", { order_id: order.orderId, sku: order.sku });
  }
  const dwell = attention(random, 2, 8);
  yield dwell;
  v.page("pages/home/index", dwell);
}

function search(v: Visit, item: Item, aisle: Aisle): void {
  v.say("mp", "searched", { ...query(v.intent, item, aisle.words, v.random) });
}

function list(v: Visit, aisle: Aisle, sort?: string): void {
  const props: Props = { category: aisle.words.id };
  if (sort !== undefined) props["sort"] = sort;
  v.say("mp", "product.listed", props);
}

function* look(v: Visit, item: Item, low: number, high: number, section?: string): Steps {
  if (section === undefined && v.random.chance(0.25)) {
    v.say("mp", "product.clicked", { sku: item.sku, category: item.category, line: item.line });
  }
  const dwell = attention(v.random, low, high);
  yield dwell;
  v.view(item, dwell, section);
}

function* browse(v: Visit, aisle: Aisle, place: number): Steps {
  const { person, random, floor } = v;
  if (random.chance(0.3)) search(v, floor.choose(person, place, random), aisle);
  for (let round = random.between(1, 3); round > 0; round -= 1) {
    const shelf = random.chance(0.6) ? place : random.pick(person.interests);
    const there = floor.catalog.aisles[shelf] ?? aisle;
    list(v, there);
    yield attention(random, 3, 12);
    for (let left = random.between(1, 3); left > 0; left -= 1) {
      const item = talkOfTheDay(v) ?? floor.choose(person, shelf, random);
      yield* look(v, item, 3, 25);
      if (random.chance(0.06)) v.say("mp", "product.favorited", about(item));
      if (random.chance(0.03)) v.say("mp", "product.shared", about(item));
      if (!random.chance(0.035)) continue;
      v.turn("buy");
      yield* buy(v, item, shelf);
      return;
    }
  }
  if (random.chance(0.03)) {
    const props = { topic: "like", attribute: "category", value: aisle.words.id };
    v.say("mp", "survey.answered", props);
  }
}

/** What everyone talks about is what one happens upon. */
function talkOfTheDay(v: Visit): Item | undefined {
  const { hit, now } = v.floor;
  return hit !== undefined && now < hit.until && v.random.chance(0.12) ? hit.item : undefined;
}

function* comparePrices(v: Visit, aisle: Aisle, place: number): Steps {
  const { person, random, floor } = v;
  const items = alternatives(v, place, random.between(3, 5));
  const [favourite] = items;
  if (favourite === undefined) return;
  if (random.chance(0.75)) search(v, favourite, aisle);
  yield attention(random, 2, 8);
  list(v, aisle, random.chance(0.8) ? "price_asc" : undefined);
  yield attention(random, 3, 12);
  for (const item of items) {
    yield* look(v, item, 4, 18, random.chance(0.35) ? "price" : undefined);
  }
  if (random.chance(0.4)) {
    if (random.chance(0.5)) search(v, favourite, aisle);
    list(v, aisle, random.chance(0.6) ? "price_asc" : "sales_desc");
    yield attention(random, 3, 10);
    yield* look(v, random.pick(items), 4, 15, "price");
  }
  if (random.chance(0.3)) {
    v.page("pages/coupon/center", attention(random, 4, 15));
    yield attention(random, 4, 15);
    claim(v, favourite);
  }
  if (random.chance(0.1 + 0.15 * (1 - person.thrift))) {
    v.turn("buy");
    yield* buy(v, favourite, place);
  } else if (random.chance(0.12)) {
    v.say("mp", "product.favorited", about(favourite));
  }
  if (floor.shelves.sellable(favourite.sku) === 0) v.page("pages/product/soldout", 3000);
}

function* learnFeatures(v: Visit, aisle: Aisle, place: number): Steps {
  const { person, random, floor } = v;
  const item = floor.choose(person, place, random);
  if (random.chance(0.7)) search(v, item, aisle);
  yield attention(random, 2, 8);
  yield* look(v, item, 10, 40);
  yield* look(v, item, 25, 110, "spec");
  if (random.chance(0.7)) yield* look(v, item, 20, 90, "review");
  const review = floor.catalog.reviews.get(item.sku);
  if (review !== undefined && random.chance(0.4)) {
    if (review.channel === "gzh") yield* readArticle(v, review);
    else yield* watchClip(v, review);
  }
  if (random.chance(0.45)) {
    const [second] = alternatives(v, place, 1);
    if (random.chance(0.4)) search(v, item, aisle);
    if (second !== undefined) yield* look(v, second, 20, 70, "spec");
  }
  if (random.chance(0.15)) yield* chat(v, { topic: "product" }, attention(random, 40, 300));
  if (random.chance(0.25)) v.say("mp", "product.favorited", about(item));
  if (!random.chance(0.12)) return;
  v.turn("buy");
  yield* buy(v, item, place);
}

/** Looks, puts it into the cart, pays; what is sold out is looked at in vain, then a substitute. */
function* buy(v: Visit, wanted: Item, place: number): Steps {
  const { person, random, floor } = v;
  const aisle = floor.catalog.aisles[place];
  if (aisle !== undefined && random.chance(0.5)) {
    search(v, wanted, aisle);
    yield attention(random, 2, 6);
  }
  let item = wanted;
  yield* look(v, item, 5, 30);
  for (let tries = 0; floor.shelves.sellable(item.sku) === 0; tries += 1) {
    v.page("pages/product/soldout", attention(random, 2, 8));
    if (random.chance(0.3)) v.say("mp", "product.favorited", about(item));
    if (tries === 2) return;
    item = floor.choose(person, place, random);
    yield* look(v, item, 4, 25);
  }
  if (random.chance(0.3)) yield* look(v, item, 4, 20, "price");
  v.say("mp", "cart.added", { sku: item.sku, qty: 1, price_minor: item.priceMinor });
  const items = [item];
  const [extra] = alternatives(v, random.pick(person.interests), 1);
  if (extra !== undefined && extra !== item && random.chance(0.2)) {
    yield* look(v, extra, 4, 20);
    v.say("mp", "cart.added", { sku: extra.sku, qty: 1, price_minor: extra.priceMinor });
    if (random.chance(0.3)) v.say("mp", "cart.removed", { sku: extra.sku, qty: 1 });
    else items.push(extra);
  }
  if (!random.chance(0.72)) return;
  const coupon = random.chance(0.15 + 0.3 * person.thrift) ? claim(v, item) : undefined;
  const basket = { items, source: "mp" as const };
  yield* checkout(v, coupon === undefined ? basket : { ...basket, coupon });
}

function claim(v: Visit, item: Item): string {
  const coupon = `cp-${item.category}-5`;
  const amount = Math.round(item.priceMinor * 0.05);
  v.say("mp", "coupon.claimed", { coupon_id: coupon, sku: item.sku, amount_minor: amount });
  return coupon;
}

function* seekAftersales(v: Visit): Steps {
  const { person, random, floor } = v;
  const order = person.orders.at(-1);
  if (order === undefined) return;
  const item = floor.catalog.items.get(order.sku);
  const aisle = floor.catalog.aisles.find(({ words }) => words.id === item?.category);
  v.page("pages/order/list", attention(random, 3, 12));
  yield attention(random, 3, 12);
  if (item !== undefined && aisle !== undefined && random.chance(0.5)) {
    search(v, item, aisle);
    yield attention(random, 4, 15);
  }
  v.page("pages/order/detail", attention(random, 5, 25));
  yield attention(random, 5, 25);
  if (random.chance(0.6)) {
    const dwell = attention(random, 10, 60);
    yield dwell;
    v.page("pages/aftersale/apply", dwell);
  }
  if (random.chance(0.75)) {
    const long = random.chance(0.15) ? 15 * 60 : 30;
    const lengthMs = attention(random, long, long + 600);
    yield* chat(v, { topic: "aftersales", order_id: order.orderId }, lengthMs);
  }
  if (random.chance(0.15)) {
    v.say("pay", "order.refunded", { order_id: order.orderId, sku: order.sku });
  } else if (random.chance(0.2)) {
    v.say("mp", "service.booked", { service: "repair", sku: order.sku });
    if (random.chance(0.4)) v.floor.begin(served(v, order.sku), attention(random, 600, 2400));
  }
}

function* served(v: Visit, sku: string): Steps {
  yield 0;
  v.say("wecom", "service.done", { service: "repair", sku });
}

function alternatives(v: Visit, place: number, count: number): Item[] {
  const chosen = new Set<Item>();
  for (let tries = 0; chosen.size < count && tries < count * 3; tries += 1) {
    chosen.add(v.floor.choose(v.person, place, v.random));
  }
  return [...chosen];
}

const about = ({ sku, category, line }: Item): Props => ({ sku, category, line });
