import type { Intent } from "../event.ts";
import type { Item } from "./catalog.ts";
import type { Random } from "./random.ts";
import type { CategoryWords } from "./words.ts";

type Words = {
  readonly noun: string;
  readonly item: Item;
  readonly category: CategoryWords;
  readonly random: Random;
};
type Template = (words: Words) => string;

const other = ({ category, random }: Words): string => random.pick(category.brands);
const feature = ({ category, random }: Words): string => random.pick(category.features);

/** How people in each state of mind type it. Plain nouns fit them all, as in life. */
const TEMPLATES: Readonly<Record<Intent, readonly Template[]>> = {
  browse: [
    ({ noun }) => noun,
    ({ noun }) => `${noun}推荐`,
    () => "新品上市",
    () => "送礼物",
    () => "周末露营装备",
    () => "秋冬新款",
    ({ category, random }) => random.pick(category.alike),
    ({ item }) => `${item.brand}新品`,
  ],
  compare_price: [
    ({ noun }) => `${noun}价格`,
    ({ noun }) => `${noun}哪个便宜`,
    ({ noun, item }) => `${item.brand}${noun}多少钱`,
    (words) => `${words.item.brand}和${other(words)}${words.noun}对比`,
    ({ noun }) => `${noun}优惠券`,
    ({ noun }) => `${noun}打折`,
    ({ noun }) => `便宜的${noun}`,
    ({ noun }) => `${noun}性价比`,
    ({ noun }) => `平价${noun}`,
    ({ noun }) => `${noun}满减活动`,
    ({ noun }) => `${noun} 对比`,
    ({ noun }) => noun,
    (words) => `${feature(words)}${words.noun}`,
  ],
  learn_features: [
    ({ noun }) => `${noun}选购指南`,
    ({ noun, item }) => `${item.brand}${noun}测评`,
    (words) => `${words.noun}${feature(words)}怎么样`,
    ({ noun, item }) => `${item.brand}${item.model}${noun}参数`,
    ({ noun }) => `${noun}功能介绍`,
    (words) => `${feature(words)}和${feature(words)}的区别`,
    ({ noun }) => `${noun}尺码表`,
    ({ noun }) => `${noun}评测`,
    ({ noun }) => `${noun}使用方法`,
    ({ noun }) => noun,
    (words) => `${feature(words)}${words.noun}`,
  ],
  buy: [
    ({ noun, item }) => `${item.brand}${noun}`,
    ({ noun, item }) => `${item.brand} ${item.model} ${noun}`,
    ({ noun, item }) => `${item.feature}${noun}`,
    ({ noun }) => `${noun}现货`,
    ({ noun }) => `${noun}购买`,
    ({ noun, item }) => `买${item.brand}${noun}`,
    ({ noun }) => noun,
    ({ item }) => item.title,
  ],
  seek_aftersales: [
    () => "退货",
    () => "换货流程",
    () => "退款多久到账",
    () => "运费险",
    ({ noun }) => `${noun}保修`,
    ({ noun }) => `${noun}维修`,
    ({ noun, category }) => `${noun}${category.trouble}怎么办`,
    ({ noun }) => `${noun}退换`,
    () => "售后电话",
    () => "发票怎么开",
  ],
};

/** Things people look for that the shop does not sell. */
const MISSES = ["滑雪板", "露营车", "筋膜枪", "儿童自行车", "古琴", "无人机", "皮划艇"] as const;

export interface Query {
  readonly query: string;
  readonly results: number;
}

/** A search as typed: now and then with stray spaces, or for what nobody stocks. */
export function query(intent: Intent, item: Item, category: CategoryWords, random: Random): Query {
  if (intent !== "seek_aftersales" && random.chance(0.02)) {
    return { query: random.pick(MISSES), results: 0 };
  }
  const noun = random.chance(0.8) ? category.noun : random.pick(category.alike);
  const text = random.pick(TEMPLATES[intent])({ noun, item, category, random });
  const results = intent === "seek_aftersales" ? random.between(1, 6) : random.between(3, 34);
  return { query: random.chance(0.03) ? ` ${text} ` : text, results };
}
