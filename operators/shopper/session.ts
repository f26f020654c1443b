import Type from "typebox";
import type { Context, Operator } from "../../src/flow/operator.ts";
import { FORGET } from "../../src/flow/operator.ts";
import type { JobSettings, OperatorSpec } from "../../src/flow/spec.ts";
import { type EventTime, isoTime, type Millis, plus } from "../../src/time/event-time.ts";
import type { ShopEvent } from "../event.ts";
import { textProp } from "../event.ts";
import { categoryOf } from "./catalog.ts";
import { duration } from "./options.ts";
import { type Act, joinAct, joinSessions, type Session } from "./session-list.ts";
import type { SessionSignal, SessionView } from "./signals.ts";

export interface SessionOptions {
  readonly gap: Millis;
  readonly keep: Millis;
  /** Entry scenes that an advertisement was paid for. */
  readonly campaignScenes: ReadonlySet<string>;
}

/** Sessions of one person that are kept: the current one and those a late act may still join. */
const KEPT_SESSIONS = 3;
const PAIRS_PER_ACT = 5;

export interface SessionState {
  sessions: Session[];
}

/** What happens to a person, or is noted about one, without the person being there. */
const PASSIVE_PREFIXES = ["feedback.", "recommendation.", "privacy.", "id."];
const PASSIVE_TYPES = new Set(["order.received", "order.refunded", "service.done"]);
const ITEM_TYPES = new Set(["cart.added", "order.placed", "order.paid"]);

/** Acts keep a session open; a click on a recommendation is one, its delivery is not. */
export function isAct(type: string): boolean {
  if (type === "feedback.clicked") return true;
  for (const prefix of PASSIVE_PREFIXES) if (type.startsWith(prefix)) return false;
  return !PASSIVE_TYPES.has(type);
}

/** Scenes of WeChat's advertisements: moments, official accounts, mini programs, channels. */
const CAMPAIGN_SCENES = ["1045", "1046", "1067", "1084", "1095"];

/**
 * One session per person across all touchpoints, ended by a pause longer than `gap` of event time,
 * or by an act that names another campaign (`utm`, or the scene of an advertisement) than the session
 * came by. Other scenes, such as the way from an article into the mini program, are hops within one.
 * Late acts join, extend and unite sessions as if they had come in time, as long as those are kept:
 * the last 3 of a person, `keep` long after the person's last act.
 */
function sessionOperator(
  options: SessionOptions,
): Operator<ShopEvent, SessionSignal, SessionState> {
  const { gap, keep } = options;
  return {
    name: "session",
    version: 2,
    order: "arrival",
    key: (event) => event.person,
    init: () => ({ sessions: [] }),
    copy: ({ sessions }) => ({ sessions: sessions.map((session) => ({ ...session })) }),
    migrate(state) {
      const { sessions } = state as SessionState;
      return { sessions: sessions.map((session) => ({ ...session, campaign: null })) };
    },
    merge(into, from, ctx) {
      const before = into.sessions.map(({ id }) => id);
      into.sessions = joinSessions(into.sessions, from.sessions, gap, KEPT_SESSIONS);
      const kept = into.sessions.map(({ id }) => id);
      for (const id of before) if (!kept.includes(id)) ctx.clearTimer(`end ${id}`);
      for (const session of into.sessions) {
        session.armed = 0 as EventTime;
        arm(session, gap, ctx);
      }
      return into;
    },
    onEvent(event, state, ctx) {
      if (!isAct(event.type)) {
        ctx.emit({ kind: "step", person: event.person, event, session: null });
        return state.sessions.length === 0 ? FORGET : state;
      }
      const act = actOf(event, ctx, options.campaignScenes);
      const { session, isNewSku, absorbed } = joinAct(state.sessions, act, gap, KEPT_SESSIONS, () =>
        sessionId(ctx),
      );
      for (const id of absorbed) ctx.clearTimer(`end ${id}`);
      if (state.sessions.includes(session)) arm(session, gap, ctx);
      ctx.emit({ kind: "step", person: event.person, event, session: viewOf(session) });
      if (act.sku !== undefined && isNewSku) emitPairs(session.skus, act.sku, event, ctx);
      return state;
    },
    onTimer(timer, state, ctx) {
      if (timer.name === "forget") {
        const quietSince = state.sessions.at(-1)?.last ?? ctx.now;
        const due = plus(plus(quietSince, gap), keep);
        if (due <= ctx.now) return FORGET;
        ctx.setTimer("forget", due);
        return state;
      }
      const session = state.sessions.find(({ id }) => timer.name === `end ${id}`);
      if (session === undefined) return state;
      const due = plus(session.last, gap);
      if (due > ctx.now) {
        session.armed = due;
        ctx.setTimer(timer.name, due);
        return state;
      }
      session.armed = 0 as EventTime;
      ctx.emit({ kind: "session-end", person: ctx.key, session: viewOf(session), at: ctx.now });
      ctx.setTimer("forget", plus(ctx.now, keep));
      return state;
    },
    profile: ({ sessions }, { at }) => ({ session: shownSession(sessions.at(-1), at, gap) }),
  };
}

function shownSession(session: Session | undefined, at: EventTime, gap: Millis) {
  if (session === undefined) return null;
  const { id, started, last, steps, touchpoints, skus, categories } = session;
  const times = { started: isoTime(started), last: isoTime(last) };
  return { id, ...times, open: at < last + gap, steps, touchpoints, skus, categories };
}

function actOf(
  event: ShopEvent,
  ctx: Context<SessionSignal>,
  campaignScenes: ReadonlySet<string>,
): Act {
  const scene = textProp(event, "scene");
  const names = event.type.startsWith("product.") || ITEM_TYPES.has(event.type);
  return {
    at: event.at,
    sku: names ? textProp(event, "sku") : undefined,
    category: categoryOf(event, ctx.facts),
    touchpoint: event.touchpoint,
    campaign:
      textProp(event, "utm") ??
      (scene !== undefined && campaignScenes.has(scene) ? `scene ${scene}` : null),
  };
}

const sessionId = (ctx: Context<SessionSignal>): string =>
  `s_${ctx.derive("session").slice(0, 16)}`;

/** The timer is left alone while one is pending: it finds out at its due time that it came early. */
function arm(session: Session, gap: Millis, ctx: Context<SessionSignal>): void {
  if (session.armed !== 0) return;
  session.armed = plus(session.last, gap);
  ctx.setTimer(`end ${session.id}`, session.armed);
}

function viewOf(session: Session): SessionView {
  return {
    id: session.id,
    started: session.started,
    last: session.last,
    steps: session.steps,
    skus: session.skus,
    categories: session.categories,
    touchpoints: session.touchpoints,
  };
}

/** Pairs the sku with those its session remembers, the most recent first. */
function emitPairs(
  skus: readonly string[],
  sku: string,
  event: ShopEvent,
  ctx: Context<SessionSignal>,
): void {
  let pairs = 0;
  for (let i = skus.length - 1; i >= 0 && pairs < PAIRS_PER_ACT; i -= 1) {
    const other = skus[i];
    if (other === undefined || other === sku) continue;
    pairs += 1;
    ctx.emit({ kind: "covisit", person: event.person, a: other, b: sku, at: event.at });
  }
}

const Options = Type.Object(
  {
    gap: Type.String({
      default: "30m",
      description: "A pause longer than this, of event time, ends a session.",
    }),
    keep: Type.String({
      default: "1d",
      description: "How long after the last act a late one can still join its session.",
    }),
    campaign_scenes: Type.Array(Type.String({ maxLength: 16 }), {
      default: CAMPAIGN_SCENES,
      maxItems: 200,
      description:
        "Entry scenes that advertisements were paid for: coming by another one begins a new session, as another `utm` does.",
    }),
  },
  { additionalProperties: false },
);

interface RawOptions {
  readonly gap?: string;
  readonly keep?: string;
  readonly campaign_scenes?: readonly string[];
}

export const sessionSpec: OperatorSpec = {
  name: "session",
  flow: "shopper",
  summary: "One session per person across all touchpoints, by a gap of event time.",
  from: ["events"],
  options: Options,
  profile: {
    session: Type.Union(
      [
        Type.Object({
          id: Type.String(),
          started: Type.String({ format: "date-time" }),
          last: Type.String({ format: "date-time" }),
          open: Type.Boolean(),
          steps: Type.Integer(),
          touchpoints: Type.Array(Type.String()),
          skus: Type.Array(Type.String()),
          categories: Type.Array(Type.String()),
        }),
        Type.Null(),
      ],
      { description: "The session that is on or was the last; null when none is remembered." },
    ),
  },
  make(options: unknown, _job: JobSettings) {
    const read = options as RawOptions;
    return sessionOperator({
      gap: duration(read.gap, "30m"),
      keep: duration(read.keep, "1d"),
      campaignScenes: new Set(read.campaign_scenes ?? CAMPAIGN_SCENES),
    });
  },
};
