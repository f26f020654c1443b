import { createReadStream, existsSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { ShopEvent } from "../operators/event.ts";
import type { IntentState } from "../operators/shopper/intent.ts";
import { purchaseFeatures, purchaseProbability } from "../operators/shopper/purchase.ts";
import type { Config } from "../src/config/load.ts";
import { taobaoLine } from "../src/replay/formats.ts";
import { encodePlain } from "../src/state/plain.ts";
import { type EventTime, minutes } from "../src/time/event-time.ts";
import { ROOT } from "../test/support/job.ts";
import { happens, intentTask } from "./intent-queries.ts";

/** Beside the repository, where whoever has the data keeps it. */
const DATA = join(ROOT, "..", "shared", "data", "taobao", "UserBehavior-2h.csv");
const AHEAD = minutes(30);
const LEAST_EVENTS = 3;

/** A person's third event or a later one, as things stood when it had happened. */
export interface Moment {
  readonly at: number;
  readonly person: string;
  readonly features: readonly number[];
  /** By the shipped weights. */
  readonly probability: number;
  readonly events: number;
  readonly sinceLast: number;
  /** The person put something in the cart or paid within 30 minutes after. */
  bought: boolean;
}

export interface PurchaseLoad {
  readonly moments: readonly Moment[];
  readonly from: number;
  readonly to: number;
  /** Encoded bytes of the intent operator's state, by person, after their last event. */
  readonly bytes: readonly number[];
}

/** All events through sessions and intents of the shop, with a look at the state after each. */
export async function readMoments(
  config: Pick<Config, "intents" | "lexicon">,
  most: number,
): Promise<PurchaseLoad | undefined> {
  if (!existsSync(DATA)) return undefined;
  const events = (await readEvents(DATA)).slice(0, most);
  const task = intentTask(config);
  const model = config.intents.purchase;
  const seen = new Map<string, { count: number; last: number; size: number; own: Moment[] }>();
  const moments: Moment[] = [];
  for (const [i, event] of events.entries()) {
    const { person, at } = event;
    await happens(task, event, i);
    const state = task.stateOf("intent", person) as IntentState;
    const past = seen.get(person) ?? { count: 0, last: at, size: 0, own: [] };
    seen.set(person, past);
    if (event.type === "cart.added" || event.type === "order.paid") {
      for (const moment of past.own) {
        if (moment.at < at && at <= moment.at + AHEAD) moment.bought = true;
      }
    }
    past.count += 1;
    past.size = encodePlain(state).length;
    if (past.count >= LEAST_EVENTS) {
      const moment = {
        at,
        person,
        features: purchaseFeatures(state.purchase, model),
        probability: purchaseProbability(state.purchase, model),
        events: past.count,
        sinceLast: at - past.last,
        bought: false,
      };
      past.own.push(moment);
      moments.push(moment);
    }
    past.last = at;
  }
  const bytes = [...seen.values()].map(({ size }) => size);
  return { moments, from: events[0]?.at ?? 0, to: events.at(-1)?.at ?? 0, bytes };
}

interface Body {
  readonly id: string;
  readonly type: string;
  readonly ts: number;
  readonly props: ShopEvent["props"];
}

async function readEvents(path: string): Promise<ShopEvent[]> {
  const events: ShopEvent[] = [];
  let number = 0;
  for await (const line of createInterface({ input: createReadStream(path) })) {
    number += 1;
    const message = taobaoLine(line, number);
    if (message === undefined || "bad" in message) continue;
    const { id, type, props } = JSON.parse(String(message.body)) as Body;
    const at = message.time as EventTime;
    const person = String((message.ids as readonly { readonly v: string }[])[0]?.v);
    const common = { type, at, recv: at, person, touchpoint: "ec", session: undefined };
    events.push({ ...common, id: id.padStart(32, "0"), props, clientId: id });
  }
  return events.sort((a, b) => a.at - b.at);
}

/** The chance that a moment with a purchase is put before one without; ties count half. */
export function auc(moments: readonly Moment[], score: (moment: Moment) => number): number {
  const scored = moments
    .map((moment) => ({ score: score(moment), bought: moment.bought }))
    .sort((a, b) => a.score - b.score);
  let ranks = 0;
  for (let i = 0; i < scored.length; ) {
    let next = i;
    while (next < scored.length && scored[next]?.score === scored[i]?.score) next += 1;
    const bought = scored.slice(i, next).filter((moment) => moment.bought).length;
    ranks += (bought * (i + next + 1)) / 2;
    i = next;
  }
  const buys = scored.filter((moment) => moment.bought).length;
  return (ranks - (buys * (buys + 1)) / 2) / (buys * (scored.length - buys));
}

/** Logistic regression by gradient descent on standardised features; the bias comes first. */
export function learnt(moments: readonly Moment[]): number[] {
  const width = moments[0]?.features.length ?? 0;
  const columns = Array.from({ length: width }, (_, j) => moments.map((m) => m.features[j] ?? 0));
  const mean = columns.map((column) => sum(column) / column.length);
  const spread = columns.map(
    (column, j) =>
      Math.sqrt(sum(column.map((v) => (v - (mean[j] ?? 0)) ** 2)) / column.length) || 1,
  );
  const rows = moments.map(({ features }) =>
    features.map((v, j) => (v - (mean[j] ?? 0)) / (spread[j] ?? 1)),
  );
  const buys = moments.filter(({ bought }) => bought).length;
  let bias = Math.log(buys / (moments.length - buys));
  let weights = columns.map(() => 0);
  for (let step = 0; step < 400; step += 1) {
    const gradient = weights.map(() => 0);
    let ofBias = 0;
    for (const [i, row] of rows.entries()) {
      const error = chance(bias + dot(row, weights)) - Number(moments[i]?.bought);
      ofBias += error;
      row.forEach((v, j) => {
        gradient[j] = (gradient[j] ?? 0) + error * v;
      });
    }
    bias -= (2 * ofBias) / rows.length;
    weights = weights.map((w, j) => w - (2 * ((gradient[j] ?? 0) + 5 * w)) / rows.length);
  }
  const plain = weights.map((w, j) => w / (spread[j] ?? 1));
  return [bias - dot(plain, mean), ...plain];
}

export const chanceBy = (model: readonly number[]) => {
  const [bias = 0, ...weights] = model;
  return ({ features }: Moment): number => chance(bias + dot(features, weights));
};

const chance = (odds: number): number => 1 / (1 + Math.exp(-odds));
const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
const dot = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((total, value, i) => total + value * (b[i] ?? 0), 0);

/**
 * What of a load is learnt from and what is scored: moments of the first half whose 30 minutes are
 * over by its end, and those of the second half whose 30 minutes are over by the end of the load.
 */
export function halves({ moments, from, to }: PurchaseLoad) {
  const middle = from + (to - from) / 2;
  return {
    first: moments.filter(({ at }) => at <= middle - AHEAD),
    second: moments.filter(({ at }) => at > middle && at <= to - AHEAD),
  };
}

/** How often what was given a probability came true, by fifths of the moments. */
export function reliability(
  moments: readonly Moment[],
  probability: (moment: Moment) => number,
): { readonly said: number; readonly came: number; readonly count: number }[] {
  const sorted = moments.toSorted((a, b) => probability(a) - probability(b));
  return Array.from({ length: 5 }, (_, fifth) => {
    const from = Math.floor((sorted.length * fifth) / 5);
    const part = sorted.slice(from, Math.floor((sorted.length * (fifth + 1)) / 5));
    return {
      said: sum(part.map(probability)) / part.length,
      came: part.filter(({ bought }) => bought).length / part.length,
      count: part.length,
    };
  });
}
