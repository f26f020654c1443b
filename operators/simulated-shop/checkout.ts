import type { Item } from "./catalog.ts";
import type { Steps } from "./floor.ts";
import { attention, type Visit } from "./visit.ts";

type Walk<T> = Generator<number, T, void>;

export interface Basket {
  readonly items: readonly Item[];
  readonly source: "mp" | "live" | "recommendation";
  readonly coupon?: string;
  /** The recommendation that brought it about. */
  readonly recId?: string;
}
type Taken = { readonly item: Item; readonly site: string };
type Line = { sku: string; qty: number; price_minor: number };

/** Orders and pays what is still there. Goods are put aside when the order is placed. */
export function* checkout(v: Visit, basket: Basket): Walk<boolean> {
  v.reveal();
  const dwell = attention(v.random, 3, 15);
  yield dwell;
  v.page("pages/cart/index", dwell);
  const taken = basket.items.flatMap((item) => take(v, item));
  const [first] = taken;
  if (first === undefined) {
    v.page("pages/product/soldout", attention(v.random, 2, 6));
    return false;
  }
  const order = v.orderId();
  const lines = taken.map(({ item }) => ({ sku: item.sku, qty: 1, price_minor: item.priceMinor }));
  const off = basket.coupon === undefined ? 0 : Math.round(first.item.priceMinor * 0.05);
  const total = lines.reduce((sum, { price_minor: price }) => sum + price, 0) - off;
  const because = basket.recId === undefined ? {} : { rec_id: basket.recId };
  const bill = { order_id: order, lines, total_minor: total, source: basket.source, ...because };
  yield attention(v.random, 5, 30);
  v.page("pages/pay/confirm", attention(v.random, 3, 12));
  v.say("mp", "order.placed", { ...bill });
  yield attention(v.random, 3, 40);
  if (v.random.chance(0.08)) {
    v.floor.begin(cancel(v, order, taken), attention(v.random, 30, 300));
    return false;
  }
  if (basket.coupon !== undefined) {
    const { sku } = first.item;
    v.say("pay", "coupon.used", { coupon_id: basket.coupon, sku, amount_minor: off });
  }
  v.say("pay", "order.paid", { ...bill });
  remember(v, order, lines);
  return true;
}

function take(v: Visit, item: Item): Taken[] {
  const { shelves } = v.floor;
  const site = shelves.take(item.sku, v.person.site, 1);
  if (site === undefined) return [];
  v.floor.tell(shelves.inventoryFact(item.sku, site));
  return [{ item, site }];
}

/** Changed their mind; the goods go back on the shelf. */
function* cancel(v: Visit, order: string, taken: readonly Taken[]): Steps {
  yield 0;
  const { shelves } = v.floor;
  const [first] = taken;
  v.say("mp", "order.cancelled", { order_id: order, sku: first?.item.sku });
  for (const { item, site } of taken) {
    shelves.putBack(item.sku, site, 1);
    v.floor.tell(shelves.inventoryFact(item.sku, site));
  }
}

function remember(v: Visit, orderId: string, lines: readonly Line[]): void {
  const { orders } = v.person;
  for (const { sku } of lines.slice(0, 1)) orders.push({ orderId, sku });
  if (orders.length > 5) orders.shift();
}
