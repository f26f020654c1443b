import Type from "typebox";
import { type Context, FORGET, type Message, type Operator } from "../../src/flow/operator.ts";
import type { OperatorSpec } from "../../src/flow/spec.ts";
import { copyPlain } from "../../src/state/plain.ts";
import { type EventTime, latest, type Millis, plus } from "../../src/time/event-time.ts";
import {
  agrees,
  type Consents,
  hearConsent,
  isSilent,
  joinConsents,
  mayTag,
  noConsents,
  PURPOSES,
  saysConsent,
  shownConsents,
} from "../consent.ts";
import type { ShopEvent } from "../event.ts";
import { duration } from "./options.ts";
import { withOne } from "./records.ts";
import { answer, ERASED, erase } from "./rights.ts";

const NAME = "person";
const QUIET = "quiet";
/** Begins the name of the purpose of setting a tag. */
const TAG = "tag.";
/** Identifiers of one kind that are shown, the latest of them. */
const IDS_OF_A_KIND = 16;
const KINDS = 32;

export interface PersonState {
  /** Of the record: raised whenever another person turns out to be the same one. */
  version: number;
  /** Pseudonyms of identifiers by kind, oldest first. */
  ids: Readonly<Record<string, string[]>>;
  consents: Consents;
  /** Of the newest event. */
  last: EventTime;
  /** The timer that forgets is set. */
  armed: boolean;
}

/** The last question to the gate. Consents are replaced when they change. */
interface Asked {
  readonly consents: Consents | undefined;
  readonly purpose: string;
  readonly permitted: boolean;
}

/**
 * Who a person is, what they agree to, and the rights they make use of. The gate of the flow: what
 * is withdrawn stops at its place in the log, for every operator that rested on it.
 */
function personOperator({
  keep,
  unsaid,
}: {
  readonly keep: Millis;
  /** Consent of those who have not said. */
  readonly unsaid: boolean;
}): Operator<ShopEvent, Message, PersonState> {
  const shown = ({ version, ids, consents }: PersonState) => ({
    version,
    ids,
    consent: shownConsents(consents, unsaid),
  });
  const permits = (consents: Consents | undefined, purpose: string): boolean => {
    if (consents === undefined) return unsaid || purpose.startsWith(TAG);
    if (purpose.startsWith(TAG)) return mayTag(consents, purpose.slice(TAG.length));
    return agrees(consents, purpose, unsaid);
  };

  let asked: Asked = { consents: undefined, purpose: "", permitted: permits(undefined, "") };
  /** Asked for one operator after the other, nearly always the same. */
  function gate(consents: Consents | undefined, purpose: string): boolean {
    if (asked.consents !== consents || asked.purpose !== purpose) {
      asked = { consents, purpose, permitted: permits(consents, purpose) };
    }
    return asked.permitted;
  }

  /** What rested on a purpose that is no longer agreed to ends while the gate is still open. */
  function agreeTo(
    next: Consents,
    state: PersonState,
    before: readonly Consents[],
    ctx: Context<Message>,
  ): void {
    for (const purpose of PURPOSES) {
      const rested = before.some((consents) => permits(consents, purpose));
      if (rested && !permits(next, purpose)) ctx.forget(purpose);
    }
    state.consents = next;
  }
  function hear(event: ShopEvent, state: PersonState, ctx: Context<Message>): void {
    const next = copyPlain(state.consents);
    hearConsent(next, event);
    // Whoever restricts processing wants what is known to be kept, and left alone.
    if (event.type === "privacy.request.restrict") state.consents = next;
    else agreeTo(next, state, [state.consents], ctx);
  }

  return {
    name: NAME,
    version: 1,
    order: "arrival",
    key: (event) => event.person,
    init: () => ({
      version: 1,
      ids: {},
      consents: noConsents(),
      last: 0 as EventTime,
      armed: false,
    }),
    copy: (state) => ({ ...state }),
    onEvent(event, state, ctx) {
      for (const [kind, pseudonym] of event.ids ?? []) learnId(state, kind, pseudonym);
      if (event.type === ERASED) {
        erase(event, ctx);
        return FORGET;
      }
      if (saysConsent(event.type)) hear(event, state, ctx);
      state.last = latest(state.last, event.at);
      if (!state.armed) ctx.setTimer(QUIET, plus(state.last, keep));
      state.armed = true;
      answer(event, ctx, () => shown(state));
      return state;
    },
    permits: (state, purpose) => gate(state?.consents, purpose),
    publish: (message) => message,
    onTimer(_timer, state, ctx) {
      const due = plus(state.last, keep);
      // What somebody refused is not forgotten.
      if (due <= ctx.now && isSilent(state.consents)) return FORGET;
      ctx.setTimer(QUIET, due <= ctx.now ? plus(ctx.now, keep) : due);
      return state;
    },
    merge(into, from, ctx) {
      into.version = Math.max(into.version, from.version) + 1;
      for (const [kind, pseudonyms] of Object.entries(from.ids))
        for (const pseudonym of pseudonyms) learnId(into, kind, pseudonym);
      const joined = copyPlain(into.consents);
      joinConsents(joined, from.consents);
      agreeTo(joined, into, [into.consents, from.consents], ctx);
      into.last = latest(into.last, from.last);
      into.armed = true;
      ctx.setTimer(QUIET, plus(into.last, keep));
      return into;
    },
    profile: shown,
  };
}

function learnId(state: PersonState, kind: string, pseudonym: string): void {
  const known = state.ids[kind];
  if (known?.includes(pseudonym) === true) return;
  if (known === undefined && Object.keys(state.ids).length >= KINDS) return;
  const all = [...(known ?? []), pseudonym].slice(-IDS_OF_A_KIND);
  state.ids = withOne(state.ids, kind, all);
}

const Options = Type.Object(
  {
    keep: Type.String({
      default: "400d",
      description: "A person of whom nothing is heard for this long is forgotten.",
    }),
  },
  { additionalProperties: false },
);

export const personSpec: OperatorSpec = {
  name: NAME,
  flow: "shopper",
  summary: "Who a person is, what they agree to, and the answers to their requests.",
  from: ["events"],
  options: Options,
  profile: {
    consent: Type.Object(
      {
        purposes: Type.Record(
          Type.String(),
          Type.Object({
            granted: Type.Boolean(),
            since: Type.Optional(Type.String({ format: "date-time" })),
          }),
        ),
        channels: Type.Record(
          Type.String(),
          Type.Object({ open: Type.Boolean(), since: Type.String({ format: "date-time" }) }),
        ),
        age: Type.Optional(Type.String()),
        deleted_tags: Type.Array(Type.String()),
      },
      { description: "What the person agrees to by purpose, and the channels joined and left." },
    ),
    version: Type.Integer({
      minimum: 1,
      description: "Rises by one when two records become one person's.",
    }),
    ids: Type.Record(Type.String(), Type.Array(Type.String({ pattern: "^[0-9a-f]{16}$" })), {
      description: "Pseudonyms of the person's identifiers by kind: keyed hashes.",
    }),
  },
  make: (options, { consent }) =>
    personOperator({
      keep: duration((options as { readonly keep?: string }).keep, "400d"),
      unsaid: consent !== "denied",
    }),
};
