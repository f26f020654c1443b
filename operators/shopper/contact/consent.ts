import { CHANNELS } from "../../../src/config/rule-ast.ts";
import type { EventTime } from "../../../src/time/event-time.ts";
import { type ShopEvent, textProp } from "../../event.ts";

/** What a person has agreed to and refused, with the time of each: the latest counts. Plain data. */
export interface Consents {
  /** By purpose: granted or withdrawn. */
  purposes: Record<string, [at: EventTime, granted: boolean]>;
  /** By channel: left or joined. */
  channels: Record<string, [at: EventTime, open: boolean]>;
  /** When consent to marketing was last withdrawn; 0 when it never was. */
  withdrawn: EventTime;
}

export const noConsents = (): Consents => ({
  purposes: {},
  channels: {},
  withdrawn: 0 as EventTime,
});

/** Types of events that say what may be done. */
export const CONSENT_EVENTS: readonly string[] = [
  "privacy.consent",
  "contact.added",
  "contact.removed",
  "subscribed",
  "unsubscribed",
];

const KNOWN: ReadonlySet<string> = new Set(CHANNELS);

export function hearConsent(consents: Consents, event: ShopEvent): void {
  if (!CONSENT_EVENTS.includes(event.type)) return;
  if (event.type === "privacy.consent") {
    const purpose = textProp(event, "purpose");
    const granted = textProp(event, "status") === "granted";
    if (purpose === undefined || !note(consents.purposes, purpose, event.at, granted)) return;
    if (purpose === "marketing" && !granted) consents.withdrawn = event.at;
    return;
  }
  const open = event.type === "contact.added" || event.type === "subscribed";
  const follows = event.type === "subscribed" || event.type === "unsubscribed";
  const channel = follows ? event.touchpoint : textProp(event, "channel");
  if (channel !== undefined && KNOWN.has(channel)) note(consents.channels, channel, event.at, open);
}

/** False when something later is known already. */
function note(
  of: Record<string, [EventTime, boolean]>,
  name: string,
  at: EventTime,
  yes: boolean,
): boolean {
  if ((of[name]?.[0] ?? at) > at) return false;
  of[name] = [at, yes];
  return true;
}

/** Whether a purpose is consented to; `unsaid` where the person has not said. */
export const agrees = ({ purposes }: Consents, purpose: string, unsaid: boolean): boolean =>
  purposes[purpose]?.[1] ?? unsaid;

/** Whether what is shown to the person may follow from what the person did. */
export const mayPersonalise = (consents: Consents | undefined, unsaid: boolean): boolean =>
  ["collect", "marketing", "profiling"].every((purpose) =>
    consents === undefined ? unsaid : agrees(consents, purpose, unsaid),
  );

/** Whether the person has left the channel. */
export const hasLeft = ({ channels }: Consents, channel: string): boolean =>
  channels[channel]?.[1] === false;
