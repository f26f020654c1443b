import type { Random } from "./random.ts";
import { CATEGORIES, type CategoryWords } from "./words.ts";

export interface Item {
  readonly sku: string;
  readonly title: string;
  readonly category: string;
  readonly brand: string;
  readonly model: string;
  readonly feature: string;
  readonly line: "premium" | "standard";
  readonly priceMinor: number;
  readonly margin: number;
  /** Days from order to shelf; a shop in a hurry counts in fractions. */
  readonly leadDays: number;
  readonly moq: number;
  readonly multiple: number;
  readonly supplier: string;
  readonly usedUpAfterDays: number | undefined;
  /** Share of the whole shop's demand. */
  readonly weight: number;
}

export interface Content {
  readonly id: string;
  readonly type: "article" | "review" | "review_clip" | "tutorial";
  readonly category: "science" | "news" | "review" | "tutorial";
  readonly channel: "gzh" | "channels";
  readonly title: string;
  readonly about: string | undefined;
  readonly skus: readonly string[];
}

/** One category on the shelf: its goods by popularity, and what is written about them. */
export interface Aisle {
  readonly words: CategoryWords;
  readonly items: readonly Item[];
  /** Running sums of the items' weights. */
  readonly sums: readonly number[];
  readonly articles: readonly Content[];
  readonly clips: readonly Content[];
}

export interface Catalog {
  readonly aisles: readonly Aisle[];
  readonly items: ReadonlyMap<string, Item>;
  readonly reviews: ReadonlyMap<string, Content>;
}

const SCIENCE = ["选购科普", "材质科普", "三分钟看懂", "避坑指南：", "保养科普"] as const;

export function buildCatalog(root: Random, count: number): Catalog {
  const total = CATEGORIES.reduce((sum, words) => sum + words.weight, 0);
  const aisles = CATEGORIES.map((words, place) => {
    const share = Math.floor(((place + 1) * count) / CATEGORIES.length);
    const size = Math.max(1, share - Math.floor((place * count) / CATEGORIES.length));
    return buildAisle(words, size, words.weight / total, root.fork("aisle", place));
  });
  const items = new Map(aisles.flatMap(({ items: all }) => all.map((item) => [item.sku, item])));
  const reviews = new Map<string, Content>();
  for (const content of aisles.flatMap(({ articles, clips }) => [...articles, ...clips])) {
    if (content.category === "review" && content.about !== undefined) {
      reviews.set(content.about, content);
    }
  }
  return { aisles, items, reviews };
}

function buildAisle(words: CategoryWords, size: number, share: number, random: Random): Aisle {
  let zipf = 0;
  for (let rank = 0; rank < size; rank += 1) zipf += 1 / (rank + 3);
  const items: Item[] = [];
  const sums: number[] = [];
  let sum = 0;
  for (let rank = 0; rank < size; rank += 1) {
    const weight = share / (rank + 3) / zipf;
    items.push(buildItem(words, rank, weight, random.fork("item", rank)));
    sum += weight;
    sums.push(sum);
  }
  return { words, items, sums, ...buildContent(words, items, random.fork("content")) };
}

function buildItem(words: CategoryWords, rank: number, weight: number, random: Random): Item {
  const premium = random.chance(0.25);
  const [low, high] = words.prices;
  const middle = low + (high - low) * 0.4;
  const yuan = premium
    ? middle + (high - middle) * random.fraction()
    : low + (middle - low) * random.fraction() ** 1.5;
  const brand = random.pick(words.brands);
  const feature = random.pick(words.features);
  const model = random.pick(words.models);
  const label = feature === words.noun ? "" : feature;
  const multiple = random.pick([1, 5, 6, 10]);
  return {
    sku: `${words.id}-${String(rank + 1).padStart(2, "0")}`,
    title: `${brand} ${model} ${label}${words.noun}${premium ? " 旗舰款" : ""}`,
    category: words.id,
    brand,
    model,
    feature: label,
    line: premium ? "premium" : "standard",
    priceMinor: Math.floor(yuan) * 100 + 90,
    margin: Math.round((premium ? 0.38 : 0.22) * 100 + random.fraction() * 15) / 100,
    leadDays: random.between(3, 20) / 100,
    moq: multiple * random.between(1, 3),
    multiple,
    supplier: `sup-${words.group}-${random.between(1, 3)}`,
    usedUpAfterDays: words.usedUpAfterDays,
    weight,
  };
}

function buildContent(
  words: CategoryWords,
  items: readonly Item[],
  random: Random,
): Pick<Aisle, "articles" | "clips"> {
  const articles: Content[] = [];
  const clips: Content[] = [];
  const add = (content: Omit<Content, "id">) => {
    const list = content.channel === "gzh" ? articles : clips;
    list.push({ id: `c-${words.id}-${content.channel}-${list.length + 1}`, ...content });
  };
  for (const [place, item] of items.slice(0, 10).entries()) {
    const about = { about: item.sku, skus: [item.sku] };
    const name = `${item.brand}${item.model}${words.noun}`;
    add({ type: "review", category: "review", channel: "gzh", title: `${name}深度测评`, ...about });
    if (place >= 6) continue;
    const title = `60秒看${name}`;
    add({ type: "review_clip", category: "review", channel: "channels", title, ...about });
    if (place >= 2) continue;
    const guide = `${name}使用教程`;
    add({ type: "tutorial", category: "tutorial", channel: "gzh", title: guide, ...about });
  }
  for (const topic of SCIENCE) {
    const skus = [random.pick(items).sku, random.pick(items).sku];
    const title = `${topic}${words.noun}`;
    add({ type: "article", category: "science", channel: "gzh", title, about: undefined, skus });
  }
  const title = `${words.noun}上新周报`;
  const skus = items.slice(0, 5).map(({ sku }) => sku);
  add({ type: "article", category: "news", channel: "gzh", title, about: undefined, skus });
  return { articles, clips };
}

/** An item of the aisle by popularity; `fraction` in [0, 1). */
export function popularItem({ items, sums }: Aisle, fraction: number): Item {
  const target = fraction * (sums.at(-1) ?? 0);
  let low = 0;
  let high = items.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sums[middle] ?? 0) > target) high = middle;
    else low = middle + 1;
  }
  const item = items[low];
  if (item === undefined) throw new RangeError("an aisle without goods");
  return item;
}
