import type { Context, Message } from "../../src/flow/operator.ts";
import { isoTime } from "../../src/time/event-time.ts";
import { type ShopEvent, textProp } from "../event.ts";

/** The event with which collect tells that a person is to be forgotten. */
export const ERASED = "privacy.erased";
const REQUEST = "privacy.request.";

/** What a person may ask for here; a deletion comes as `ERASED`. */
const ANSWERED: ReadonlySet<string> = new Set([
  "export",
  "correct",
  "restrict",
  "optout",
  "tagdelete",
]);

/** The receipt of a request, and what else follows from it for the world. */
export function answer(
  event: ShopEvent,
  ctx: Context<Message>,
  own: () => Readonly<Record<string, unknown>>,
): void {
  if (!event.type.startsWith(REQUEST)) return;
  const kind = event.type.slice(REQUEST.length);
  if (!ANSWERED.has(kind)) return;
  if (kind === "export") {
    // The gate's own state is in force only after this call.
    const contents = { ...ctx.profile(), ...own() };
    ctx.emit(
      receipt(event, ctx.key, kind, { sections: Object.keys(contents).length }, { contents }),
    );
    return;
  }
  const about = aboutOf(event);
  if (kind === "tagdelete") {
    const tag = textProp(event, "tag") ?? "";
    ctx.emit({
      subject: `tag.${tag}.off`,
      data: { person: ctx.key, tag, rule: null, reason: { code: "deleted" }, at: isoTime(ctx.now) },
    });
  }
  ctx.emit(receipt(event, ctx.key, kind, {}, about));
}

/** Forgets everything, and says so: to whoever asked, and to everybody who may hold something too. */
export function erase(event: ShopEvent, ctx: Context<Message>): void {
  const { states, timers } = ctx.forget();
  const counts = { identifiers: Number(event.props["identifiers"] ?? 0), states, timers };
  ctx.emit(receipt(event, ctx.key, "delete", counts, {}));
  const request = requestOf(event);
  ctx.emit({ subject: ERASED, data: { person: ctx.key, request, at: isoTime(ctx.now) } });
}

const requestOf = (event: ShopEvent): string => textProp(event, "request") ?? event.clientId;

/** What the request was about, in its own words. */
function aboutOf({ props }: ShopEvent): Readonly<Record<string, unknown>> {
  const named = ["purpose", "channel", "tag", "attribute"].filter((name) => name in props);
  return Object.fromEntries(named.map((name) => [name, props[name]]));
}

function receipt(
  event: ShopEvent,
  person: string,
  kind: string,
  counts: Readonly<Record<string, number>>,
  more: Readonly<Record<string, unknown>>,
): Message {
  const request = requestOf(event);
  return {
    subject: `privacy.receipt.${receiptToken(request, event.id)}`,
    data: {
      request,
      kind,
      person,
      status: "done",
      at: isoTime(event.at),
      received: isoTime(event.recv),
      counts,
      ...more,
    },
  };
}

/** The request's own id where it may be a token of a subject. */
const receiptToken = (request: string, id: string): string =>
  /^[a-z0-9_-]{1,64}$/.test(request) ? request : id;
