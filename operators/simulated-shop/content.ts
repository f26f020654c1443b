import type { Aisle, Content } from "./catalog.ts";
import { ENTRIES } from "./people.ts";
import { attention, type Visit } from "./visit.ts";

type Walk<T> = Generator<number, T, void>;

/** How the mini program was found, as WeChat numbers it. */
const SCENES = { mp: "1089", gzh: "1058", channels: "1175", group: "1008", wecom: "1007" } as const;
const MENU = ["menu_new", "menu_shop", "menu_member", "menu_coupon"] as const;
const TALK = ["kw_camping", "kw_size", "kw_discount", "kw_baby", "kw_hanfu", "kw_running"] as const;

/**
 * What a person does before the mini program. Returns the scene it is entered from, or undefined
 * when they leave it at that.
 */
export function* arrive(v: Visit, aisle: Aisle): Walk<string | undefined> {
  const luck = v.random.fraction();
  const entry = ENTRIES[v.person.entries.findIndex((sum) => luck < sum)] ?? "mp";
  if (entry === "gzh") yield* readArticles(v, aisle);
  else if (entry === "channels") yield* watchClips(v, aisle);
  else if (entry === "group") yield* chatInGroup(v);
  else if (entry === "wecom") yield* talkToAdviser(v);
  else if (v.random.chance(0.06)) v.incognito = v.person.anonymous;
  const loyal = v.intent === "browse" ? 0.6 : 0.95;
  if (entry !== "mp" && !v.random.chance(loyal)) return undefined;
  return entry === "mp" && v.random.chance(0.3) ? "1001" : SCENES[entry];
}

function* readArticles(v: Visit, aisle: Aisle): Walk<void> {
  if (v.person.visits === 1 && v.person.stage === "new") v.say("gzh", "subscribed", { key: "qr" });
  if (v.random.chance(0.15)) {
    const key = v.intent === "seek_aftersales" ? "menu_aftersales" : v.random.pick(MENU);
    v.say("gzh", "menu.clicked", { key });
    yield attention(v.random, 2, 8);
  }
  if (v.intent === "seek_aftersales") return;
  const more = v.intent === "buy" ? 0 : v.random.between(0, 2);
  for (let left = 1 + more; left > 0; left -= 1)
    yield* readArticle(v, v.random.pick(aisle.articles));
  if (v.random.chance(0.02)) {
    const props = { topic: `next_${aisle.words.id}`, attribute: "colour", value: "松绿" };
    v.say("gzh", "vote.cast", props);
  }
  if (v.random.chance(0.012)) v.say("gzh", "unsubscribed", { key: "menu" });
}

export function* readArticle(v: Visit, content: Content): Walk<void> {
  const { id, category, skus } = content;
  v.say("gzh", "article.opened", { content_id: id, category, skus });
  const keen = v.intent === "learn_features" ? 0.45 : 0;
  const completion = Math.round((keen + (1 - keen) * v.random.fraction()) * 100) / 100;
  yield Math.round((5 + completion * 70) * 1000);
  v.say("gzh", "article.read", { content_id: id, category, completion, skus });
  if (v.random.chance(0.08)) v.say("gzh", "content.liked", { content_id: id });
  if (v.random.chance(0.02)) v.say("gzh", "content.commented", { content_id: id });
  yield attention(v.random, 1, 6);
}

function* watchClips(v: Visit, aisle: Aisle): Walk<void> {
  for (let left = v.random.between(1, 3); left > 0; left -= 1) {
    yield* watchClip(v, v.random.pick(aisle.clips));
  }
}

export function* watchClip(v: Visit, content: Content): Walk<void> {
  const completion = Math.round(v.random.fraction() * 100) / 100;
  yield Math.round((3 + completion * 55) * 1000);
  const about = content.about === undefined ? {} : { sku: content.about };
  const { id } = content;
  v.say("channels", "video.played", { content_id: id, completion, ...about });
  if (v.random.chance(0.1)) v.say("channels", "content.liked", { content_id: id, ...about });
  if (v.random.chance(0.03)) v.say("channels", "content.commented", { content_id: id, ...about });
  if (v.random.chance(0.01)) {
    v.say("channels", "content.created", { content_id: `ugc-${v.orderId()}`, ...about });
  }
  yield attention(v.random, 1, 4);
}

function* chatInGroup(v: Visit): Walk<void> {
  const group = { group_id: `g-${v.person.region}-${v.person.interests[0] ?? 0}` };
  if (v.person.visits === 1) v.say("group", "group.joined", { ...group });
  for (let left = v.random.between(0, 3); left > 0; left -= 1) {
    const type = v.random.chance(0.6) ? "group.message.posted" : "group.message.replied";
    const keyword = v.random.chance(0.4) ? { keyword: v.random.pick(TALK) } : {};
    v.say("group", type, { ...group, ...keyword });
    yield attention(v.random, 8, 60);
  }
  if (v.random.chance(0.012)) v.say("group", "group.left", { ...group });
}

function* talkToAdviser(v: Visit): Walk<void> {
  if (v.person.visits === 1) v.say("wecom", "contact.added", { channel: "wecom" });
  if (v.random.chance(0.012)) v.say("wecom", "contact.removed", { channel: "wecom" });
  if (v.intent === "seek_aftersales") return;
  const topic = v.intent === "learn_features" ? "product" : "presales";
  if (v.random.chance(0.5)) yield* chat(v, { topic }, attention(v.random, 30, 400));
}

export function* chat(
  v: Visit,
  about: { readonly topic: string; readonly order_id?: string },
  lengthMs: number,
): Walk<void> {
  v.say("wecom", "cs.started", { ...about });
  yield lengthMs;
  v.say("wecom", "cs.ended", { ...about, dur_ms: lengthMs });
  if (!v.random.chance(0.4)) return;
  yield attention(v.random, 3, 20);
  const rating = v.random.chance(0.8) ? v.random.between(4, 5) : v.random.between(1, 3);
  v.say("wecom", "cs.rated", { ...about, rating });
}
