import { Matcher, type MatcherState } from "../src/pattern/matcher.ts";
import { pattern } from "../src/pattern/pattern.ts";
import { type EventTime, minutes } from "../src/time/event-time.ts";
import {
  type BenchOptions,
  bytesEach,
  type Contender,
  compare,
  type Report,
  randomBelow,
  ratio,
  timed,
} from "./harness.ts";

interface Action {
  readonly type: "view" | "cart" | "buy";
  readonly sku: number;
}

/** Where matches go, by the times of their first and last event. */
type Told = (start: number, at: number) => void;
type Take = (key: string, action: Action, at: number) => void;

const WITHIN = minutes(30);
const SPAN = minutes(180);
const ENGINE = "pattern matcher";
const BY_HAND = "hand-written state machine";

const steps = pattern<Action>()
  .begin("view")
  .where((action) => action.type === "view")
  .followedBy("cart")
  .where((action) => action.type === "cart")
  .followedBy("buy")
  .where((action) => action.type === "buy")
  .within(WITHIN);

export const byMatcher = (told: Told): Take => {
  const matcher = new Matcher(steps, { timeouts: false });
  const states = new Map<string, MatcherState<Action>>();
  return (key, action, at) => {
    const known = states.get(key);
    const state = known ?? matcher.init();
    const { matches } = matcher.match(state, action, at as EventTime);
    for (const match of matches) told(match.start, match.at);
    if (matcher.isIdle(state)) states.delete(key);
    else if (known === undefined) states.set(key, state);
  };
};

interface Begun {
  readonly start: number;
  readonly view: Action;
  cart: Action | undefined;
}

/** The same three steps and nothing else: every view begins one; a cart, then a buy, moves all. */
export const byHand = (told: Told): Take => {
  const states = new Map<string, Begun[]>();
  return (key, action, at) => {
    const known = states.get(key);
    const open: Begun[] = [];
    for (const begun of known ?? []) {
      if (begun.start + WITHIN <= at) continue;
      if (action.type === "buy" && begun.cart !== undefined) {
        told(begun.start, at);
        continue;
      }
      if (action.type === "cart") begun.cart ??= action;
      open.push(begun);
    }
    if (action.type === "view") open.push({ start: at, view: action, cart: undefined });
    if (open.length > 0) states.set(key, open);
    else if (known !== undefined) states.delete(key);
  };
};

export function contender(
  name: string,
  make: (told: Told) => Take,
  size: { readonly events: number; readonly keys: number },
): Contender {
  return {
    name,
    run() {
      const below = randomBelow(3);
      const names = Array.from({ length: size.keys }, (_, i) => `user-${i}`);
      const picks = Int32Array.from({ length: size.events }, () => below(size.keys));
      const actions = Array.from({ length: size.events }, (): Action => {
        const chance = below(100);
        return { type: chance < 60 ? "view" : chance < 85 ? "cart" : "buy", sku: below(1000) };
      });
      let found = 0;
      let digest = 0;
      const take = make((start, at) => {
        found++;
        digest = (digest + start * 31 + at) % 0xffff_fffb;
      });
      const spent = timed(() => {
        for (let i = 0; i < size.events; i++) {
          const at = Math.floor((i * SPAN) / size.events);
          take(names[picks[i] as number] as string, actions[i] as Action, at);
        }
      });
      return { seconds: spent, units: size.events, digest: `${found} matches, ${digest}` };
    },
  };
}

/** Bytes of a key's state a partial match, its event left out, with `begun` of them under way. */
export function bytesAPartialMatch(keys: number, begun: number): number {
  const matcher = new Matcher(steps);
  const action: Action = { type: "view", sku: 1 };
  const one = (): MatcherState<Action> => {
    const state = matcher.init();
    for (let i = 0; i < begun; i++) matcher.match(state, action, (1000 + i) as EventTime);
    return state;
  };
  return (bytesEach(keys, () => Array.from({ length: keys }, one)) - 8) / begun;
}

/** The same of the state machine written by hand. */
export function bytesBegunByHand(keys: number, begun: number): number {
  const action: Action = { type: "view", sku: 1 };
  const one = (): Begun[] =>
    Array.from({ length: begun }, (_, i) => ({ start: 1000 + i, view: action, cart: undefined }));
  return (bytesEach(keys, () => Array.from({ length: keys }, one)) - 8) / begun;
}

export async function patterns({ short }: BenchOptions): Promise<Report> {
  const size = short ? { events: 20_000, keys: 2000 } : { events: 1_000_000, keys: 100_000 };
  const what =
    `view, then cart, then buy, within 30 min, every combination of first view and next others; ` +
    `${size.events.toLocaleString("en")} events of ${size.keys.toLocaleString("en")} keys over 3 h`;
  const comparison = await compare(
    { title: "Patterns: three steps", what, unit: "events/s", rounds: 3 },
    [contender(ENGINE, byMatcher, size), contender(BY_HAND, byHand, size)],
  );
  const keys = short ? 2000 : 50_000;
  bytesAPartialMatch(keys, 1);
  return {
    comparisons: [comparison],
    figures: [
      { name: `${ENGINE} / ${BY_HAND}`, value: ratio(comparison, ENGINE, BY_HAND), unit: "×" },
      { name: "a key with one partial match", value: bytesAPartialMatch(keys, 1), unit: "B" },
      { name: "a partial match, of ten a key", value: bytesAPartialMatch(keys, 10), unit: "B" },
    ],
  };
}
