import type { Item } from "./catalog.ts";
import { checkout } from "./checkout.ts";
import type { Floor, Steps } from "./floor.ts";
import type { Heard, Props } from "./message.ts";
import type { Person, Touchpoint } from "./people.ts";
import type { Random } from "./random.ts";
import type { Delivery } from "./shelves.ts";
import { attention, Visit } from "./visit.ts";
import { REGIONS } from "./words.ts";

/** A recommendation as far as a shopper notices it. */
interface Offer {
  readonly recId: string;
  readonly touchpoint: Touchpoint;
  readonly item: Item | undefined;
  /** What feedback names: the sku, else the content. */
  readonly subject: string | undefined;
  readonly appeal: number;
  /** Known when the evidence names an event that the shop still remembers. */
  readonly person: Person | undefined;
}

const REMEMBERED = 65_536;
const TOUCHPOINTS: readonly string[] = ["gzh", "mp", "wecom", "channels", "group"];
/** How often what was seen is clicked, by kind of recommendation. */
const APPEAL: Readonly<Record<string, number>> = {
  activity: 0.36,
  info: 0.3,
  product: 0.26,
  service: 0.4,
};

/** How people answer recommendations and suppliers answer restock signals, each only once. */
export class Reactions {
  readonly #floor: Floor;
  readonly #random: Random;
  readonly #known = new Set<string>();
  /** Pieces a signal ordered, so that one that replaces it orders the difference. */
  readonly #ordered = new Map<string, number>();

  constructor(floor: Floor, random: Random) {
    this.#floor = floor;
    this.#random = random;
  }

  recommendation({ data }: Heard): void {
    const recId = data["rec_id"];
    if (typeof recId !== "string" || !this.#first(recId)) return;
    const random = this.#random.fork(recId);
    this.#floor.begin(answer(this.#floor, this.#offer(recId, data), random), 1);
  }

  restock({ subject, data }: Heard): void {
    const { sku, qty } = data;
    if (typeof sku !== "string" || typeof qty !== "number") return;
    const region = data["region"] ?? subject.split(".").at(-1);
    const home = REGIONS.find((place) => place.site === data["site"] || place.region === region);
    const site = (home ?? REGIONS[0])?.site ?? "";
    const signal = data["signal_id"];
    if (typeof signal === "string" && !this.#first(signal)) return;
    const delivery = this.#floor.shelves.order(sku, site, this.#missing(data, Math.floor(qty)));
    if (delivery === undefined) return;
    this.#floor.begin(deliver(this.#floor, delivery), 1);
  }

  #offer(recId: string, data: Heard["data"]): Offer {
    const items = Array.isArray(data["items"]) ? data["items"] : [];
    const skus = items.map((item) => field(item, "sku"));
    const sku = skus.find((name) => name !== undefined) ?? field(data, "sku");
    const content = items.map((item) => field(item, "content_id")).find((id) => id !== undefined);
    const channel = String(data["channel"]);
    return {
      recId,
      touchpoint: TOUCHPOINTS.includes(channel) ? (channel as Touchpoint) : "mp",
      item: sku === undefined ? undefined : this.#floor.catalog.items.get(sku),
      subject: sku ?? content,
      appeal: APPEAL[String(data["kind"])] ?? 0.25,
      person: this.#personBehind(data),
    };
  }

  #personBehind(data: Heard["data"]): Person | undefined {
    const reason = data["reason"];
    const inReason = isRecord(reason) ? reason["evidence"] : undefined;
    for (const evidence of [data["evidence"], inReason]) {
      if (!Array.isArray(evidence)) continue;
      for (const entry of evidence) {
        for (const id of [entry, field(entry, "id"), field(entry, "event")]) {
          const found = typeof id === "string" ? this.#floor.truth(id) : undefined;
          if (found !== undefined) return found.person;
        }
      }
    }
    return undefined;
  }

  #missing(data: Heard["data"], qty: number): number {
    const { supersedes, signal_id: signal } = data;
    const before = typeof supersedes === "string" ? (this.#ordered.get(supersedes) ?? 0) : 0;
    if (typeof signal === "string") {
      this.#ordered.set(signal, Math.max(before, qty));
      forgetOldest(this.#ordered);
    }
    return qty - before;
  }

  #first(id: string): boolean {
    if (this.#known.has(id)) return false;
    this.#known.add(id);
    forgetOldest(this.#known);
    return true;
  }
}

function forgetOldest(
  all: Pick<Set<string>, "size" | "delete"> & { keys(): Iterator<string> },
): void {
  if (all.size <= REMEMBERED) return;
  const oldest = all.keys().next();
  if (oldest.done !== true) all.delete(oldest.value);
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null;

function field(value: unknown, name: string): string | undefined {
  const found = isRecord(value) ? value[name] : undefined;
  return typeof found === "string" ? found : undefined;
}

/** Delivered, perhaps seen, perhaps clicked, closed, bought; silence is an answer too. */
function* answer(floor: Floor, offer: Offer, random: Random): Steps {
  const { person, item } = offer;
  let said = 0;
  const say = (kind: string): void => {
    const { recId, subject } = offer;
    const props: Props = { rec_id: recId };
    if (subject !== undefined) props["item"] = subject;
    const id = `f${random.fork("id", said).hex(16)}`;
    said += 1;
    const body = { id, ts: floor.now, touchpoint: offer.touchpoint, props };
    floor.post.plain(`in.feedback.${kind}`, body, floor.now);
  };
  yield attention(random, 1, 5);
  say("delivered");
  if (!random.chance(0.8)) return;
  yield attention(random, 5, 240);
  say("exposed");
  yield attention(random, 2, 25);
  if (!random.chance(offer.appeal)) {
    if (random.chance(0.2)) say("closed");
    return;
  }
  say("clicked");
  if (item === undefined) return;
  const wants = random.chance(0.35);
  if (person === undefined) {
    if (!wants) return;
    yield attention(random, 30, 300);
    if (sellUnseen(floor, item, random)) say("purchased");
    return;
  }
  const v = new Visit(floor, person, random.fork("visit"), wants ? "buy" : "browse");
  v.enter("1014");
  const dwell = attention(random, 5, 40);
  yield dwell;
  v.view(item, dwell);
  if (wants && floor.shelves.sellable(item.sku) > 0) {
    v.say("mp", "cart.added", { sku: item.sku, qty: 1, price_minor: item.priceMinor });
    const basket = { items: [item], source: "recommendation" as const, recId: offer.recId };
    if (yield* checkout(v, basket)) say("purchased");
  }
  v.leave();
}

/** Somebody the shop cannot name buys it where no tracker looks. */
function sellUnseen(floor: Floor, item: Item, random: Random): boolean {
  const site = floor.shelves.take(item.sku, random.pick(REGIONS).site, 1);
  if (site === undefined) return false;
  floor.tell(floor.shelves.inventoryFact(item.sku, site));
  return true;
}

function* deliver(floor: Floor, delivery: Delivery): Steps {
  const { shelves } = floor;
  floor.tell(shelves.supplyFact(delivery.sku));
  yield delivery.leadMs;
  shelves.arrive(delivery);
  floor.tell(shelves.inventoryFact(delivery.sku, delivery.site));
  floor.tell(shelves.supplyFact(delivery.sku));
}
