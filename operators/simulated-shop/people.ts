import type { Random } from "./random.ts";
import { CATEGORIES, REGIONS } from "./words.ts";

/** 公众号 小程序 微信支付 企业微信 视频号 社群. */
export type Touchpoint = "gzh" | "mp" | "pay" | "wecom" | "channels" | "group";

export interface Identifier {
  readonly k: string;
  readonly v: string;
}
interface PastOrder {
  readonly orderId: string;
  readonly sku: string;
}

/** Application ids of the shop's mini program, official account and channel. */
const APPS = {
  mp: "wx6f1d0c2b9a7e4853",
  gzh: "wx2b84c7d05e19fa36",
  channels: "wx9e35a1f47c60d2b8",
} as const;

const STAGES = [
  { stage: "new", share: 0.15, pace: 1.1 },
  { stage: "active", share: 0.6, pace: 1.25 },
  { stage: "dormant", share: 0.25, pace: 0.25 },
] as const;

export interface Person {
  readonly index: number;
  /** Of everything this person does and is. */
  readonly random: Random;
  readonly region: string;
  readonly site: string;
  readonly stage: "new" | "active" | "dormant";
  /** Places in `CATEGORIES`, dearest to the heart first. */
  readonly interests: readonly number[];
  /** 0 counts every fen, 1 buys the flagship. */
  readonly budget: number;
  /** 0 never looks at a price, 1 always does. */
  readonly thrift: number;
  /** Relative frequency of visits. */
  readonly pace: number;
  /** How visits begin: running sums over `ENTRIES`. */
  readonly entries: readonly number[];
  readonly ids: Readonly<Record<Touchpoint, readonly Identifier[]>>;
  /** Before the person is recognised in the mini program. */
  readonly anonymous: readonly Identifier[];
  /** What was bought, newest last; a short memory. */
  readonly orders: PastOrder[];
  visits: number;
}

export const ENTRIES = ["mp", "gzh", "channels", "group", "wecom"] as const;
const HABITS = [0.4, 0.24, 0.17, 0.12, 0.07] as const;

export function buildPerson(root: Random, index: number): Person {
  const random = root.fork("person", index);
  const traits = random.fork("traits");
  const place = weighted(REGIONS, traits.fraction());
  const stage = weighted(
    STAGES.map((entry) => ({ ...entry, weight: entry.share })),
    traits.fraction(),
  );
  const budget = traits.fraction();
  return {
    index,
    random,
    region: place.region,
    site: place.site,
    stage: stage.stage,
    interests: interests(traits),
    budget,
    thrift: Math.min(1, Math.max(0, 0.75 - 0.6 * budget + 0.2 * traits.bell())),
    pace: stage.pace * Math.exp(0.5 * traits.bell()),
    entries: habits(traits),
    ...identifiers(random.fork("ids")),
    orders: stage.stage === "new" ? [] : history(random.fork("history")),
    visits: 0,
  };
}

function weighted<T extends { readonly weight: number }>(all: readonly T[], fraction: number): T {
  let left = fraction * all.reduce((sum, { weight }) => sum + weight, 0);
  for (const entry of all) {
    left -= entry.weight;
    if (left < 0) return entry;
  }
  const last = all.at(-1);
  if (last === undefined) throw new RangeError("nothing to choose from");
  return last;
}

/** One passion, its neighbours in the same group, and something from elsewhere. */
function interests(random: Random): number[] {
  const passion = CATEGORIES.indexOf(weighted(CATEGORIES, random.fraction()));
  const group = CATEGORIES[passion]?.group;
  const chosen = [passion];
  for (const [place, words] of CATEGORIES.entries()) {
    const likely = words.group === group ? 0.5 : 0.12;
    if (place !== passion && random.chance(likely)) chosen.push(place);
  }
  return chosen.slice(0, 4);
}

function habits(random: Random): number[] {
  const weights = HABITS.map((share) => share * (0.25 + 1.5 * random.fraction()));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let sum = 0;
  return weights.map((weight) => {
    sum += weight / total;
    return sum;
  });
}

/**
 * Every touchpoint knows a person by an identifier of its own. Nine in ten send the unionid
 * along; payment always does, so that most identities join.
 */
function identifiers(random: Random): Pick<Person, "ids" | "anonymous"> {
  const unionid: Identifier = { k: "unionid", v: `oU${random.token(26)}` };
  const own = (k: string, v: string): readonly Identifier[] =>
    random.chance(0.9) ? [{ k, v }, unionid] : [{ k, v }];
  const openid = `oM${random.token(26)}`;
  const inMp = { k: `openid:${APPS.mp}`, v: openid };
  const inGzh = own(`openid:${APPS.gzh}`, `oG${random.token(26)}`);
  const inChannels = own(`openid:${APPS.channels}`, `oC${random.token(26)}`);
  const contact = `wm${random.token(30)}`;
  const login: Identifier = { k: "login", v: `u${random.between(10_000_000, 99_999_999)}` };
  return {
    ids: {
      mp: own(inMp.k, inMp.v),
      gzh: inGzh,
      channels: inChannels,
      wecom: own("external_userid", contact),
      group: own("external_userid", contact),
      pay: [inMp, unionid, login],
    },
    anonymous: [{ k: "anon", v: `an-${random.hex(20)}` }],
  };
}

/** Orders of earlier days, of goods that are always in the catalog. */
function history(random: Random): PastOrder[] {
  const orders: PastOrder[] = [];
  for (let count = random.between(0, 2); count > 0; count -= 1) {
    const words = random.pick(CATEGORIES);
    orders.push({ orderId: `o-${random.hex(14)}`, sku: `${words.id}-01` });
  }
  return orders;
}
