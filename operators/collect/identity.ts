import { packed, unpacked } from "../../src/state/packed.ts";
import type { Cut, Part } from "../../src/state/part.ts";
import { encodePlain } from "../../src/state/plain.ts";

/** A person as identity knows one: the pseudonym it gave, and when, counted in persons. */
interface Person {
  readonly name: string;
  readonly born: number;
}

/** Identifiers that entered the younger generation of an era. */
interface Entered {
  readonly era: number;
  readonly links: [hash: string, person: Person][];
}

/** `[era, persons born so far, hash, person, born, hash, …]` */
type Entry = readonly [era: number, born: number, ...links: (string | number)[]];

const LINKS_AN_ENTRY = 1024;

/** The entries of a generation; one at least, as it also says which generation is on. */
function* entries(
  era: number,
  born: number,
  links: Iterable<readonly [string, Person]>,
): Generator<Uint8Array> {
  let entry: (string | number)[] = [era, born];
  for (const [hash, person] of links) {
    entry.push(hash, person.name, person.born);
    if (entry.length < LINKS_AN_ENTRY * 3) continue;
    yield encodePlain(entry);
    entry = [era, born];
  }
  yield encodePlain(entry);
}

/** A map that only grows, as it is now. */
function* first<T>(values: Iterable<T>, count: number): Generator<T> {
  let left = count;
  for (const value of values) {
    if (left === 0) return;
    left -= 1;
    yield value;
  }
}

/** What the graph did, for the counts. */
export interface IdentityTally {
  minted: number;
  linked: number;
  conflicts: number;
  forgotten: number;
}

/**
 * Whose identifiers are whose, as far as events carry them together. Bounded by two generations:
 * an identifier moves to the younger one when it is seen, and when that holds half the bound, those
 * that were not seen since the last turn are forgotten. So what is forgotten depends on the log alone.
 */
export class Identity {
  readonly #half: number;
  readonly #tally: IdentityTally;
  #young = new Map<string, Person>();
  #old = new Map<string, Person>();
  #born = 0;
  #promoted = 0;
  #era = 0;
  /** Kept once a part was asked for: what entered since the last cut, generation by generation. */
  #entered: Entered[] | undefined;
  /** Persons by their birth, while identifiers are restored: a name may be given again. */
  #restored: Map<number, Person> | undefined;

  constructor(bound: number, tally: IdentityTally) {
    this.#half = Math.max(1, Math.floor(bound / 2));
    this.#tally = tally;
  }

  /**
   * The person of identifiers seen together, at least one: the oldest one known by any of them,
   * else a new one. Identifiers nobody had become that person's; those of others stay theirs.
   */
  personOf(hashes: readonly string[], strongest: number): string {
    this.#turn();
    const first = hashes[0] ?? "";
    if (hashes.length === 1) {
      const known = this.#touch(first);
      if (known !== undefined) return known.name;
    }
    let oldest: Person | undefined;
    let unknown = 0;
    let several = false;
    for (const hash of hashes) {
      const known = this.#touch(hash);
      if (known === undefined) unknown += 1;
      else {
        several ||= oldest !== undefined && oldest.name !== known.name;
        if (oldest === undefined || known.born < oldest.born) oldest = known;
      }
    }
    if (several) this.#tally.conflicts += 1;
    const person = oldest ?? this.#mint(hashes[strongest] ?? first);
    if (unknown > 0) this.#attach(hashes, person);
    return person.name;
  }

  /** Read-only: the oldest person known by any of them. */
  find(hashes: readonly string[]): string | undefined {
    let oldest: Person | undefined;
    for (const hash of hashes) {
      const known = this.#young.get(hash) ?? this.#old.get(hash);
      if (known !== undefined && (oldest === undefined || known.born < oldest.born)) oldest = known;
    }
    return oldest?.name;
  }

  get size(): number {
    return this.#young.size + this.#old.size - this.#promoted;
  }

  #touch(hash: string): Person | undefined {
    const young = this.#young.get(hash);
    if (young !== undefined) return young;
    const old = this.#old.get(hash);
    if (old === undefined) return undefined;
    this.#promoted += 1;
    this.#enter(hash, old);
    return old;
  }

  #mint(hash: string): Person {
    this.#born += 1;
    this.#tally.minted += 1;
    return { name: `p_${hash.slice(0, 16)}`, born: this.#born };
  }

  #attach(hashes: readonly string[], person: Person): void {
    for (const hash of hashes) {
      if (this.#young.has(hash)) continue;
      this.#enter(hash, person);
      this.#tally.linked += 1;
    }
  }
  #enter(hash: string, person: Person): void {
    this.#young.set(hash, person);
    this.#entered?.at(-1)?.links.push([hash, person]);
  }

  #turn(): void {
    this.#restored = undefined;
    if (this.#young.size < this.#half) return;
    this.#tally.forgotten += this.#old.size - this.#promoted;
    this.#begin(this.#era + 1);
    this.#entered?.push({ era: this.#era, links: [] });
  }
  #begin(era: number): void {
    this.#old = era === this.#era + 1 ? this.#young : new Map();
    this.#young = new Map();
    this.#promoted = 0;
    this.#era = era;
  }

  /** What it remembers. From the first call on changes are followed. */
  part(name: string): Part {
    this.#entered ??= [{ era: this.#era, links: [] }];
    return { name, cut: (whole) => this.#cut(whole), restore: (bytes) => this.#restore(bytes) };
  }

  #cut(whole: boolean): Cut {
    const era = this.#era;
    const born = this.#born;
    const held: { era: number; links: Iterable<readonly [string, Person]> }[] = whole
      ? [
          { era: era - 1, links: this.#old },
          { era, links: first(this.#young, this.#young.size) },
        ]
      : (this.#entered ?? []);
    this.#entered = [{ era, links: [] }];
    return {
      keepFrom: era - 1,
      *pieces() {
        for (const of of held) yield* packed(entries(of.era, born, of.links), of.era);
      },
    };
  }

  #restore(bytes: Uint8Array): void {
    this.#restored ??= new Map();
    for (const value of unpacked(bytes)) {
      const [era, born, ...links] = value as Entry;
      if (era !== this.#era) this.#begin(era);
      this.#born = born;
      for (let i = 0; i < links.length; i += 3) {
        const hash = links[i] as string;
        if (this.#young.has(hash)) continue;
        if (this.#old.has(hash)) this.#promoted += 1;
        this.#young.set(hash, this.#person(links[i + 1] as string, links[i + 2] as number));
      }
    }
    this.#entered = [{ era: this.#era, links: [] }];
  }
  #person(name: string, born: number): Person {
    const known = this.#restored?.get(born);
    if (known !== undefined) return known;
    const person = { name, born };
    this.#restored?.set(born, person);
    return person;
  }
}
