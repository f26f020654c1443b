import type { Backoff, ContactPolicy } from "../../../src/config/rule-ast.ts";
import { type EventTime, latest, plus } from "../../../src/time/event-time.ts";
import { type ShopEvent, textProp } from "../../event.ts";
import { kept, withOne } from "../records.ts";

/** A message that went to a person. Plain data. */
export interface Note {
  readonly rec: string;
  readonly rule: string;
  /** Which firing of the rule it was for. */
  readonly ref: string | null;
  readonly channel: string;
  readonly at: EventTime;
  /** Marketing that interrupts: silence about it is an answer. */
  readonly pushed: boolean;
  readonly answer: "yes" | "no" | null;
}

/** What a person made of the messages so far. Plain data. */
export interface Silence {
  /** The last ones, oldest first. */
  notes: readonly Note[];
  /** By `rule/<id>` and `channel/<name>`: nothing before this time. */
  muted: Readonly<Record<string, EventTime>>;
}

export const noSilence = (): Silence => ({ notes: [], muted: {} });

export const KEPT_NOTES = 32;

const ANSWERS: Readonly<Record<string, Note["answer"]>> = {
  "feedback.clicked": "yes",
  "feedback.purchased": "yes",
  "feedback.rated": "yes",
  "feedback.ignored": "no",
  "feedback.closed": "no",
  "feedback.blocked": "no",
};
export const ANSWER_EVENTS: readonly string[] = Object.keys(ANSWERS);

export function remember(silence: Silence, note: Note): void {
  silence.notes = [...silence.notes, note].slice(-KEPT_NOTES);
}

/** What a message was for is of another time now; false when no message went for it. */
export function moveNote(silence: Silence, rule: string, from: string, to: string | null): boolean {
  const { notes } = silence;
  const place = notes.findIndex((one) => one.rule === rule && one.ref === from);
  const note = notes[place];
  if (note !== undefined) silence.notes = notes.with(place, { ...note, ref: to });
  return note !== undefined;
}

/** Takes in an answer; which rule's message it hit or blocked, if it did. */
export function hearAnswer(
  silence: Silence,
  event: ShopEvent,
  { coolDown }: ContactPolicy,
): { readonly rule: string; readonly hits: number; readonly blocked: number } | undefined {
  const rec = textProp(event, "rec_id");
  const place = silence.notes.findIndex((one) => one.rec === rec);
  const note = silence.notes[place];
  const answer = ANSWERS[event.type];
  if (note === undefined || answer === undefined) return undefined;
  const { rule, channel } = note;
  const isHit = answer === "yes" && note.answer !== "yes";
  if (note.answer !== "yes") silence.notes = silence.notes.with(place, { ...note, answer });
  if (event.type === "feedback.closed")
    mute(silence, `rule/${rule}`, plus(event.at, coolDown.closed));
  if (event.type === "feedback.blocked") {
    mute(silence, `channel/${channel}`, plus(event.at, coolDown.blocked));
    return { rule, hits: 0, blocked: 1 };
  }
  return { rule, hits: isHit ? 1 : 0, blocked: 0 };
}

function mute(silence: Silence, name: string, until: EventTime): void {
  const { muted } = silence;
  silence.muted = withOne(muted, name, latest(muted[name] ?? until, until));
}

export const isMuted = (
  { muted }: Silence,
  rule: string,
  channel: string,
  at: EventTime,
): boolean => at < (muted[`rule/${rule}`] ?? 0) || at < (muted[`channel/${channel}`] ?? 0);

/** Whether the interval that silence has made longer is not over yet. */
export function isBackedOff({ notes }: Silence, backoff: Backoff, at: EventTime): boolean {
  const pushed = notes.filter((note) => note.pushed);
  const last = pushed.at(-1);
  if (last === undefined) return false;
  const times = Math.floor(ignoredInARow(pushed, backoff, at) / backoff.ignored);
  if (times === 0) return false;
  const interval = Math.min(backoff.most, backoff.interval * backoff.factor ** times);
  return at < last.at + interval;
}

/** Messages that nobody answered in time, since the last that somebody did. */
function ignoredInARow(pushed: readonly Note[], { after }: Backoff, at: EventTime): number {
  let ignored = 0;
  for (let i = pushed.length - 1; i >= 0; i -= 1) {
    const note = pushed[i] as Note;
    if (note.answer === "yes") break;
    if (note.answer === "no" || note.at + after <= at) ignored += 1;
  }
  return ignored;
}

/** Drops what can no longer count. */
export function pruneSilence(silence: Silence, at: EventTime, keep: number): void {
  silence.notes = silence.notes.filter((note) => note.at + keep > at);
  silence.muted = kept(silence.muted, (until) => until > at);
}
