import { type Refusal, refusal } from "../../src/codec/wire.ts";
import { packed, unpacked } from "../../src/state/packed.ts";
import type { Part } from "../../src/state/part.ts";
import { copyPlain, encodePlain } from "../../src/state/plain.ts";
import type { EventTime } from "../../src/time/event-time.ts";
import {
  agrees,
  CONSENT_EVENTS,
  type ConsentEvent,
  type Consents,
  hearConsent,
  joinConsents,
  noConsents,
  purposeOf,
} from "../consent.ts";
import { isRecord } from "./plain.ts";

/** `[person, what they said, or nil]`, `[identifier or person, when it was erased, or 0]` */
type Entry = readonly ["said", string, Consents | null] | readonly ["erased", string, number];

/**
 * What decides at the door whether an event may come in at all: what people said of being observed,
 * and whose data was erased. Bounded; of more, what was said longest ago is forgotten, and counted.
 */
export class Rights {
  readonly #bound: number;
  readonly #unsaid: boolean;
  readonly #said = new Map<string, Consents>();
  /** Pseudonyms of identifiers, and persons, with the broker time of the erasure. */
  readonly #erased = new Map<string, EventTime>();
  readonly #tally: { lapsed: number };
  /** Kept once a part was asked for: what changed since the last cut. */
  #changed: Set<string> | undefined;

  constructor(bound: number, unsaid: boolean, tally: { lapsed: number }) {
    this.#bound = bound;
    this.#unsaid = unsaid;
    this.#tally = tally;
  }

  /** Takes in what an event says of consent. */
  hear(person: string, event: ConsentEvent): void {
    if (!event.type.startsWith("privacy.") || !CONSENT_EVENTS.includes(event.type)) return;
    const consents = copyPlain(this.#said.get(person) ?? noConsents());
    hearConsent(consents, event);
    this.#set(this.#said, person, consents);
  }

  /** Whether an event of this type may be taken in of a person. */
  mayCollect(person: string, type: string): boolean {
    const said = this.#said.get(person);
    if (said === undefined) return this.#unsaid;
    return agrees(said, "collect", this.#unsaid) && agrees(said, purposeOf(type), this.#unsaid);
  }

  /** Whether any of these identifiers and persons was erased. */
  isErased(names: readonly string[]): boolean {
    return this.#erased.size > 0 && names.some((name) => this.#erased.has(name));
  }
  /** Two persons are one: what both said is what the one said. */
  join(from: string, to: string): void {
    const said = this.#said.get(from);
    if (said === undefined) return;
    const consents = copyPlain(this.#said.get(to) ?? noConsents());
    joinConsents(consents, said);
    this.#set(this.#said, to, consents);
  }
  /** From now on nothing of these comes in; what a person among them said is forgotten. */
  erase(names: readonly string[], at: EventTime): void {
    for (const name of names) {
      this.#set(this.#erased, name, at);
      if (this.#said.delete(name)) this.#changed?.add(name);
    }
  }
  /** Their owner has come back, and agrees to be known again. */
  welcome(names: readonly string[]): void {
    for (const name of names) if (this.#erased.delete(name)) this.#changed?.add(name);
  }

  #set<T>(map: Map<string, T>, name: string, value: T): void {
    map.delete(name);
    map.set(name, value);
    this.#changed?.add(name);
    if (map.size <= this.#bound) return;
    const oldest = map.keys().next().value as string;
    map.delete(oldest);
    this.#changed?.add(oldest);
    this.#tally.lapsed += 1;
  }

  get size(): number {
    return this.#said.size + this.#erased.size;
  }

  /** What it remembers. From the first call on changes are followed. */
  part(name: string): Part {
    this.#changed ??= new Set();
    return {
      name,
      cut: (whole) => {
        const entries = whole ? this.#all() : this.#since(this.#changed ?? new Set());
        this.#changed = new Set();
        const bytes = entries.map((entry) => encodePlain(entry));
        return { keepFrom: 0, pieces: () => packed(bytes, 0) };
      },
      restore: (bytes) => {
        for (const value of unpacked(bytes)) this.#restore(value as Entry);
      },
    };
  }
  #all(): Entry[] {
    return [
      ...[...this.#said].map(([person, said]) => ["said", person, said] as const),
      ...[...this.#erased].map(([name, at]) => ["erased", name, at] as const),
    ];
  }
  /** In the order of the maps, which says what is forgotten first; what is gone comes before. */
  #since(changed: ReadonlySet<string>): Entry[] {
    const gone: Entry[] = [];
    for (const name of changed) {
      if (!this.#said.has(name)) gone.push(["said", name, null]);
      if (!this.#erased.has(name)) gone.push(["erased", name, 0]);
    }
    return [...gone, ...this.#all().filter(([, name]) => changed.has(name))];
  }
  #restore([what, name, value]: Entry): void {
    const map: Map<string, unknown> = what === "said" ? this.#said : this.#erased;
    map.delete(name);
    if (value !== null && value !== 0) map.set(name, value);
  }
}

/** What the record of an erasure says. */
export interface Erasure {
  readonly ok: true;
  readonly person: string;
  /** Pseudonyms of those who turned out to be the person. */
  readonly names: readonly string[];
  readonly hashes: readonly string[];
  /** Of the person who asked. */
  readonly request: string;
}

const BAD_ERASURE = refusal(
  "shape",
  "Leave this subject to the engine: ask with in.privacy.request.",
);

export function readErasure(value: unknown): Erasure | Refusal {
  if (!isRecord(value)) return BAD_ERASURE;
  const { person, names = [], hashes, request } = value;
  if (!isName(person) || !isListOf(names, isName)) return BAD_ERASURE;
  if (!isListOf(hashes, isHash) || typeof request !== "string") return BAD_ERASURE;
  return { ok: true, person, names, hashes, request };
}

const isName = (name: unknown): name is string =>
  typeof name === "string" && /^p_[0-9a-f]{16}$/.test(name);
const isHash = (hash: unknown): hash is string =>
  typeof hash === "string" && /^[0-9a-f]{32}$/.test(hash);
const isListOf = <T>(list: unknown, is: (one: unknown) => one is T): list is readonly T[] =>
  Array.isArray(list) && list.every(is);
