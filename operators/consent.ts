import { CHANNELS } from "../src/config/rule-ast.ts";
import { type EventTime, isoTime, latest } from "../src/time/event-time.ts";
import { type ShopEvent, textProp } from "./event.ts";

/** What a person has agreed to and refused, with the time of each: the latest counts. Plain data. */
export interface Consents {
  /** By purpose: granted or withdrawn. */
  purposes: Record<string, [at: EventTime, granted: boolean]>;
  /** By channel: left or joined. */
  channels: Record<string, [at: EventTime, open: boolean]>;
  /** How old the person is said to be, and when. */
  age?: [at: EventTime, group: string];
  /** Tags the person has had deleted, and when. */
  tags?: Record<string, EventTime>;
  /** When consent to marketing was last withdrawn; 0 when it never was. */
  withdrawn: EventTime;
}

export const noConsents = (): Consents => ({
  purposes: {},
  channels: {},
  withdrawn: 0 as EventTime,
});

/** What processing a person may agree to or refuse. */
export const PURPOSES = [
  "collect",
  "profiling",
  "marketing",
  "share",
  "chat_archive",
  "sensitive",
] as const;

/** Types of events that say what may be done. */
export const CONSENT_EVENTS: readonly string[] = [
  "privacy.consent",
  "privacy.age",
  "privacy.request.optout",
  "privacy.request.restrict",
  "privacy.request.tagdelete",
  "contact.added",
  "contact.removed",
  "subscribed",
  "unsubscribed",
];

const SAYS_CONSENT: ReadonlySet<string> = new Set(CONSENT_EVENTS);

/** Whether events of a type say what may be done. */
export const saysConsent = (type: string): boolean => SAYS_CONSENT.has(type);

const KNOWN: ReadonlySet<string> = new Set(CHANNELS);

/** The one place that reads consent and refusal, wherever they must be known. */
export function hearConsent(consents: Consents, event: ConsentEvent): void {
  if (!saysConsent(event.type)) return;
  if (event.type.startsWith("privacy.")) hearPrivacy(consents, event);
  else hearChannel(consents, event);
}

/** As much of an event as consent is read from. */
export type ConsentEvent = Pick<ShopEvent, "type" | "at" | "touchpoint" | "props">;

function hearPrivacy(consents: Consents, event: ConsentEvent): void {
  const { type, at } = event;
  const purpose = textProp(event, "purpose");
  const channel = textProp(event, "channel");
  if (type === "privacy.age") {
    const group = textProp(event, "group");
    if (group !== undefined && (consents.age?.[0] ?? at) <= at) consents.age = [at, group];
  } else if (type === "privacy.request.tagdelete") {
    deleteTag(consents, textProp(event, "tag") ?? "", at);
  } else if (type === "privacy.request.restrict") {
    hearPurpose(consents, "collect", at, false);
  } else if (type === "privacy.request.optout") {
    if (channel !== undefined) note(consents.channels, channel, at, false);
    if (channel === undefined || purpose !== undefined)
      hearPurpose(consents, purpose ?? "profiling", at, false);
  } else if (purpose !== undefined) {
    hearPurpose(consents, purpose, at, textProp(event, "status") === "granted");
  }
}

function hearPurpose(consents: Consents, purpose: string, at: EventTime, granted: boolean): void {
  if (!note(consents.purposes, purpose, at, granted)) return;
  if (purpose === "marketing" && !granted) consents.withdrawn = at;
  if (purpose !== "profiling" || !granted || consents.tags === undefined) return;
  // Who agrees to be profiled anew may be given every tag again.
  for (const [tag, deleted] of Object.entries(consents.tags))
    if (deleted <= at) delete consents.tags[tag];
}

const KEPT_TAGS = 64;

/** Of more than are kept the one deleted first may come back. */
function deleteTag(consents: Consents, tag: string, at: EventTime): void {
  if (tag === "") return;
  consents.tags ??= {};
  consents.tags[tag] = latest(consents.tags[tag] ?? at, at);
  const tags = Object.entries(consents.tags);
  if (tags.length <= KEPT_TAGS) return;
  const [oldest] = tags.reduce((a, b) => (b[1] < a[1] ? b : a));
  delete consents.tags[oldest];
}

function hearChannel(consents: Consents, event: ConsentEvent): void {
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

/** What two people said who turn out to be one: the latest counts. */
export function joinConsents(into: Consents, from: Consents): void {
  for (const [purpose, [at, granted]] of Object.entries(from.purposes))
    note(into.purposes, purpose, at, granted);
  for (const [channel, [at, open]] of Object.entries(from.channels))
    note(into.channels, channel, at, open);
  if (from.age !== undefined && from.age[0] >= (into.age?.[0] ?? 0)) into.age = from.age;
  for (const [tag, at] of Object.entries(from.tags ?? {})) deleteTag(into, tag, at);
  into.withdrawn = latest(into.withdrawn, from.withdrawn);
}

/** Nothing was ever agreed to or refused. */
export const isSilent = ({ purposes, channels, age, tags = {} }: Consents): boolean =>
  age === undefined && [purposes, channels, tags].every((said) => Object.keys(said).length === 0);

/**
 * Whether a purpose is consented to; `unsaid` where the person has not said. Whoever does not let
 * anything be collected agrees to nothing, nor does anybody under 14; a minor to no marketing.
 */
export function agrees(consents: Consents, purpose: string, unsaid: boolean): boolean {
  const { purposes, age } = consents;
  if (age?.[1] === "under14" || (isMinor(consents) && purpose === "marketing")) return false;
  const collected = purposes["collect"]?.[1] ?? unsaid;
  return collected && (purposes[purpose]?.[1] ?? unsaid);
}

/** Somebody under 18. */
export const isMinor = ({ age }: Consents): boolean =>
  age?.[1] === "under14" || age?.[1] === "minor";

/** The purpose an event is taken in for, beside that of all collecting. */
export const purposeOf = (type: string): string =>
  type.startsWith("group.message.") ? "chat_archive" : "collect";

/** Whether a tag may be set: the person has not had it deleted. */
export const mayTag = ({ tags }: Consents, tag: string): boolean => tags?.[tag] === undefined;

/** Whether what is shown to the person may follow from what the person did. */
export const mayPersonalise = (consents: Consents | undefined, unsaid: boolean): boolean =>
  ["marketing", "profiling"].every((purpose) =>
    consents === undefined ? unsaid : agrees(consents, purpose, unsaid),
  );

/** Whether the person has left the channel. */
export const hasLeft = ({ channels }: Consents, channel: string): boolean =>
  channels[channel]?.[1] === false;

/** What a person has agreed to, as a profile shows it. */
export function shownConsents(consents: Consents, unsaid: boolean) {
  return {
    purposes: Object.fromEntries(
      PURPOSES.map((purpose) => {
        const said = consents.purposes[purpose];
        const granted = agrees(consents, purpose, unsaid);
        return [purpose, { granted, ...(said === undefined ? {} : { since: isoTime(said[0]) }) }];
      }),
    ),
    channels: Object.fromEntries(
      Object.entries(consents.channels).map(([channel, [at, open]]) => [
        channel,
        { open, since: isoTime(at) },
      ]),
    ),
    ...(consents.age === undefined ? {} : { age: consents.age[1] }),
    deleted_tags: Object.keys(consents.tags ?? {}),
  };
}
