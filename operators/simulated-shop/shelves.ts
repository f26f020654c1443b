import type { Catalog, Item } from "./catalog.ts";
import type { Random } from "./random.ts";
import { REGIONS } from "./words.ts";

const DAY = 86_400_000;
const SITES = REGIONS.map(({ site }) => site);

interface Shelf {
  readonly item: Item;
  /** By place in `SITES`. */
  readonly onHand: number[];
  onOrder: number;
}
export interface Fact {
  readonly subject: string;
  readonly body: Record<string, unknown>;
}
/** A delivery on its way. */
export interface Delivery {
  readonly sku: string;
  readonly site: string;
  readonly qty: number;
  readonly leadMs: number;
}

/** The goods on hand at every site. Nothing is sold that is not there. */
export class Shelves {
  readonly #shelves = new Map<string, Shelf>();

  /** `hourlySales` is what the whole shop sells in an hour of an afternoon, in pieces. */
  constructor(catalog: Catalog, hourlySales: number, root: Random) {
    for (const item of catalog.items.values()) {
      const random = root.fork(item.sku);
      const hoursOfCover = 2 + 20 * random.fraction() ** 2;
      const pieces = item.weight * hourlySales * hoursOfCover;
      const onHand = REGIONS.map(({ weight }) => Math.max(2, Math.round(pieces * weight)));
      this.#shelves.set(item.sku, { item, onHand, onOrder: 0 });
    }
  }

  sellable(sku: string): number {
    return this.#shelves.get(sku)?.onHand.reduce((sum, here) => sum + here, 0) ?? 0;
  }

  /** Takes the goods from the site, else from the first other one that has them. */
  take(sku: string, near: string, qty: number): string | undefined {
    const onHand = this.#shelves.get(sku)?.onHand;
    if (onHand === undefined) return undefined;
    const home = SITES.indexOf(near);
    const place = (onHand[home] ?? 0) >= qty ? home : onHand.findIndex((here) => here >= qty);
    if (place < 0) return undefined;
    onHand[place] = (onHand[place] ?? 0) - qty;
    return SITES[place];
  }

  putBack(sku: string, site: string, qty: number): void {
    const onHand = this.#shelves.get(sku)?.onHand;
    const place = SITES.indexOf(site);
    if (onHand !== undefined && place >= 0) onHand[place] = (onHand[place] ?? 0) + qty;
  }

  /** Sets what is on hand before the day begins, shared out over the sites. */
  stock(sku: string, total: number): void {
    const shelf = this.#shelves.get(sku);
    if (shelf === undefined) return;
    for (const [place, { weight }] of REGIONS.entries()) {
      shelf.onHand[place] = Math.max(1, Math.round(total * weight));
    }
  }

  order(sku: string, site: string, qty: number): Delivery | undefined {
    const shelf = this.#shelves.get(sku);
    if (shelf === undefined || !SITES.includes(site) || qty < 1) return undefined;
    shelf.onOrder += qty;
    return { sku, site, qty, leadMs: Math.round(shelf.item.leadDays * DAY) };
  }

  arrive({ sku, site, qty }: Delivery): void {
    const shelf = this.#shelves.get(sku);
    if (shelf !== undefined) shelf.onOrder -= qty;
    this.putBack(sku, site, qty);
  }

  inventoryFact(sku: string, site: string): Fact {
    const onHand = this.#shelves.get(sku)?.onHand[SITES.indexOf(site)] ?? 0;
    return {
      subject: `in.fact.inventory.${site}.${sku}`,
      body: { site, sku, on_hand: onHand, reserved: 0 },
    };
  }

  supplyFact(sku: string): Fact | undefined {
    const shelf = this.#shelves.get(sku);
    if (shelf === undefined) return undefined;
    const { leadDays, moq, multiple, supplier } = shelf.item;
    return {
      subject: `in.fact.supply.${sku}`,
      body: {
        sku,
        lead_days: leadDays,
        review_days: 0.02,
        moq,
        multiple,
        on_order: shelf.onOrder,
        supplier,
      },
    };
  }

  *facts(): Generator<Fact> {
    for (const sku of this.#shelves.keys()) {
      const supply = this.supplyFact(sku);
      if (supply !== undefined) yield supply;
      for (const site of SITES) yield this.inventoryFact(sku, site);
    }
  }
}
