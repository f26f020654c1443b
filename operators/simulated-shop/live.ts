import type { Item } from "./catalog.ts";
import { checkout } from "./checkout.ts";
import type { Floor, Steps } from "./floor.ts";
import type { Person } from "./people.ts";
import type { Random } from "./random.ts";
import { attention, Visit } from "./visit.ts";

const MINUTE = 60_000;
const EVERY = 180 * MINUTE;
/** How long people talk about what was shown. */
const TALK = 25 * MINUTE;
/** From 公众号's channel live room into the mini program. */
const SCENE = "1177";

export interface Stage {
  readonly people: readonly Person[];
  /** Shown one after the other, every three hours. */
  readonly items: readonly Item[];
  readonly random: Random;
}

/** The shop's live stream: a crowd comes in, sees one item, and many want it at once. */
export function* livestreams(floor: Floor, { people, items, random }: Stage): Steps {
  for (let show = 0; ; show += 1) {
    const item = items[show % items.length];
    if (item === undefined) return;
    const crowd = random.fork("crowd", show);
    const id = `live-${crowd.hex(8)}`;
    floor.hit = { item, until: floor.now + TALK };
    for (const person of people) {
      const fond = person.interests.some(
        (place) => floor.catalog.aisles[place]?.words.id === item.category,
      );
      if (!crowd.chance(fond ? 0.14 : 0.03)) continue;
      const own = person.random.fork(id);
      const v = new Visit(floor, person, own, own.chance(0.35) ? "buy" : "browse");
      floor.begin(watch(v, item, id), Math.floor(own.wait(3 * MINUTE)));
    }
    yield EVERY;
  }
}

function* watch(v: Visit, item: Item, id: string): Steps {
  const { random } = v;
  const live = { live_id: id, kind: "launch", sku: item.sku };
  v.say("channels", "live.entered", { ...live });
  const before = attention(random, 10, 120);
  yield before;
  if (random.chance(0.2)) v.say("channels", "content.liked", { content_id: id, sku: item.sku });
  if (random.chance(0.05)) {
    v.say("channels", "content.commented", { content_id: id, sku: item.sku });
  }
  if (v.intent === "buy" || random.chance(0.6)) yield* grab(v, item);
  yield attention(random, 20, 400);
  const completion = Math.round((0.2 + 0.8 * random.fraction()) * 100) / 100;
  v.say("channels", "live.left", { ...live, completion });
}

function* grab(v: Visit, item: Item): Steps {
  const { random, floor } = v;
  v.say("channels", "product.clicked", {
    sku: item.sku,
    category: item.category,
    line: item.line,
  });
  v.enter(SCENE);
  const dwell = attention(random, 4, 25);
  yield dwell;
  v.view(item, dwell);
  if (floor.shelves.sellable(item.sku) === 0) {
    v.page("pages/product/soldout", attention(random, 2, 6));
  } else if (v.intent === "buy") {
    v.say("mp", "cart.added", { sku: item.sku, qty: 1, price_minor: item.priceMinor });
    if (random.chance(0.7)) yield* checkout(v, { items: [item], source: "live" });
  }
  v.leave();
}
