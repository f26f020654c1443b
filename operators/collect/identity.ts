/** A person as identity knows one: the pseudonym it gave, and when, counted in persons. */
interface Person {
  readonly name: string;
  readonly born: number;
}

/** Plain data; links point into `persons`. */
export interface IdentityState {
  readonly born: number;
  readonly persons: readonly (readonly [name: string, born: number])[];
  readonly young: readonly (readonly [hash: string, person: number])[];
  readonly old: readonly (readonly [hash: string, person: number])[];
  readonly promoted: number;
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
    this.#young.set(hash, old);
    this.#promoted += 1;
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
      this.#young.set(hash, person);
      this.#tally.linked += 1;
    }
  }

  #turn(): void {
    if (this.#young.size < this.#half) return;
    this.#tally.forgotten += this.#old.size - this.#promoted;
    this.#old = this.#young;
    this.#young = new Map();
    this.#promoted = 0;
  }

  snapshot(): IdentityState {
    const persons: [string, number][] = [];
    const index = new Map<Person, number>();
    const links = (of: ReadonlyMap<string, Person>): [string, number][] => {
      const out: [string, number][] = [];
      for (const [hash, person] of of) {
        let at = index.get(person);
        if (at === undefined) {
          at = persons.push([person.name, person.born]) - 1;
          index.set(person, at);
        }
        out.push([hash, at]);
      }
      return out;
    };
    const young = links(this.#young);
    const old = links(this.#old);
    return { born: this.#born, persons, young, old, promoted: this.#promoted };
  }

  restore(state: IdentityState): void {
    const persons = state.persons.map(([name, born]): Person => ({ name, born }));
    const links = (of: IdentityState["young"]): Map<string, Person> => {
      const out = new Map<string, Person>();
      for (const [hash, at] of of) {
        const person = persons[at];
        if (person === undefined) throw new RangeError(`link to person ${at} of ${persons.length}`);
        out.set(hash, person);
      }
      return out;
    };
    this.#born = state.born;
    this.#young = links(state.young);
    this.#old = links(state.old);
    this.#promoted = state.promoted;
  }
}
