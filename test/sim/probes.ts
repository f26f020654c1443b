import type { ShopEvent } from "../../operators/event.ts";
import type { AnyOperator, Message, Node, Operator } from "../../src/flow/operator.ts";
import type { EventTime } from "../../src/time/event-time.ts";

/** Lengths in milliseconds that the probes and their oracle go by. */
export const COUNT_WINDOW = 5000;
export const SESSION_GAP = 4000;
export const ABSENCE = 6000;
/** The running total of a person is told with every so many-th act. */
export const TOTAL_EVERY = 5;

/** Operators that say exactly what they were given, so that an oracle can say the same. */
type Said = { readonly subject: string; readonly data: Readonly<Record<string, unknown>> };
const publish = (said: Said): Message => said;

/** The traffic's ids begin with the name of who acts. */
const whoOf = (event: ShopEvent): string => event.clientId.slice(0, event.clientId.indexOf("."));
const isAct = (event: ShopEvent): boolean =>
  !/^(feedback|recommendation|privacy)\./.test(event.type);
const isVisit = (event: ShopEvent): boolean => /^v\d+\./.test(event.clientId);
const personOf = (event: ShopEvent): string | undefined =>
  isAct(event) && !isVisit(event) ? event.person : undefined;

/** How many acts of a person were applied: one applied twice, or not at all, is seen at once. */
const total: Operator<ShopEvent, Said, { n: number }> = {
  name: "probe-total",
  version: 1,
  order: "arrival",
  key: personOf,
  init: () => ({ n: 0 }),
  onEvent(event, state, ctx) {
    state.n += 1;
    if (state.n % TOTAL_EVERY === 0) {
      ctx.emit({ subject: "kpi.probe_total", data: { who: whoOf(event), n: state.n } });
    }
    return state;
  },
  publish,
};

/** Acts a window, told as the watermark passes its last millisecond; what comes later is late. */
const count: Operator<ShopEvent, Said, { who: string; windows: Record<string, number> }> = {
  name: "probe-count",
  version: 1,
  order: "arrival",
  key: personOf,
  init: () => ({ who: "", windows: {} }),
  onEvent(event, state, ctx) {
    const start = Math.floor(event.at / COUNT_WINDOW) * COUNT_WINDOW;
    const last = (start + COUNT_WINDOW - 1) as EventTime;
    if (last <= ctx.watermark) return state;
    state.who = whoOf(event);
    const name = String(start);
    state.windows[name] = (state.windows[name] ?? 0) + 1;
    ctx.setTimer(name, last);
    return state;
  },
  onTimer({ name }, state, ctx) {
    const n = state.windows[name] ?? 0;
    delete state.windows[name];
    ctx.emit({ subject: "kpi.probe_count", data: { who: state.who, start: Number(name), n } });
    return state;
  },
  publish,
};

/** Lets acts through that are not behind the watermark, to those that want them in time order. */
const gate: Operator<ShopEvent, ShopEvent, null> = {
  name: "probe-gate",
  version: 1,
  order: "arrival",
  key: personOf,
  init: () => null,
  onEvent(event, state, ctx) {
    if (event.at > ctx.watermark) ctx.emit(event);
    return state;
  },
};

interface Visit {
  who: string;
  first: number;
  last: number;
  acts: number;
}
/** Acts with pauses of at most the gap between them. */
const session: Operator<ShopEvent, Said, { open: Visit | null }> = {
  name: "probe-session",
  version: 1,
  order: "event-time",
  key: (event) => event.person,
  init: () => ({ open: null }),
  onEvent(event, state, ctx) {
    state.open ??= { who: whoOf(event), first: event.at, last: event.at, acts: 0 };
    state.open.last = event.at;
    state.open.acts += 1;
    ctx.setTimer("end", (event.at + SESSION_GAP) as EventTime);
    return state;
  },
  onTimer(_timer, state, ctx) {
    if (state.open !== null) ctx.emit({ subject: "kpi.probe_session", data: { ...state.open } });
    return { open: null };
  },
  publish,
};

/** Carts that nobody paid in time: said because nothing happened. */
const absence: Operator<ShopEvent, Said, { who: string; carts: string[] }> = {
  name: "probe-absence",
  version: 1,
  order: "event-time",
  key: (event) => event.person,
  init: () => ({ who: "", carts: [] }),
  onEvent(event, state, ctx) {
    state.who = whoOf(event);
    if (event.type === "cart.added") {
      state.carts.push(event.clientId);
      ctx.setTimer(event.clientId, (event.at + ABSENCE) as EventTime);
    } else if (event.type === "order.paid") {
      for (const cart of state.carts) ctx.clearTimer(cart);
      state.carts = [];
    }
    return state;
  },
  onTimer({ name, at }, state, ctx) {
    state.carts = state.carts.filter((cart) => cart !== name);
    ctx.emit({ subject: "kpi.probe_absence", data: { who: state.who, cart: name, at } });
    return state;
  },
  publish,
};

/** Visits of a person, told with each: those under another name count from the link on. */
const joined: Operator<ShopEvent, Said, { n: number }> = {
  name: "probe-joined",
  version: 1,
  order: "arrival",
  key: (event) => (isVisit(event) ? event.person : undefined),
  init: () => ({ n: 0 }),
  onEvent(event, state, ctx) {
    state.n += 1;
    ctx.emit({ subject: "kpi.probe_joined", data: { visit: event.clientId, n: state.n } });
    return state;
  },
  merge: (into, from) => ({ n: into.n + from.n }),
  publish,
};

const node = (operator: AnyOperator, from: string): Node => ({ operator, from: [from] });

export const probes: readonly Node[] = [
  node(total, "events"),
  node(count, "events"),
  node(gate, "events"),
  node(joined, "events"),
  node(session, "probe-gate"),
  node(absence, "probe-gate"),
];
