import { packed, unpacked } from "../../src/state/packed.ts";
import type { Cut, Part } from "../../src/state/part.ts";
import { encodePlain } from "../../src/state/plain.ts";

/** A person as identity knows one: the pseudonym it gave, and when, counted in persons. */
export interface Person {
  readonly name: string;
  readonly born: number;
  /** Of the identifiers that are theirs, one entry each. */
  kinds: string[];
  /** Who this person turned out to be. */
  into: Person | undefined;
}

/** Whose an identifier is. Never changed in place. */
export interface Link {
  readonly kind: string;
  /** Nobody's when undefined: taken from its owner. */
  readonly person: Person | undefined;
  /** Several strangers have used it: it says who somebody is only where nothing else does. */
  readonly shared: boolean;
}

/** Kind of the entries that keep the name of a person: where they went, and that it is taken. */
export const NAME = "";

/** That a person is another one from here on: who, by birth, then whom, by birth and name. */
type Union = readonly [from: number, to: number, toName: string];

/** What entered the younger generation of an era. */
interface Entered {
  readonly era: number;
  readonly links: [hash: string, link: Link][];
  readonly unions: Union[];
}

/** `[era, persons born so far, unions, hash, kind, shared, person or "", born, hash, …]` */
type Entry = readonly [
  era: number,
  born: number,
  unions: readonly Union[],
  ...links: (string | number)[],
];
const FIELDS = 5;
const LINKS_AN_ENTRY = 1024;

/** The entries of a generation; one at least, as it also says which generation is on. */
function* entries(
  { era, unions }: { readonly era: number; readonly unions: readonly Union[] },
  born: number,
  links: Iterable<readonly [string, Link]>,
): Generator<Uint8Array> {
  let entry: unknown[] = [era, born, unions];
  for (const [hash, { kind, person, shared }] of links) {
    entry.push(hash, kind, shared ? 1 : 0, person?.name ?? "", person?.born ?? 0);
    if (entry.length < LINKS_AN_ENTRY * FIELDS) continue;
    yield encodePlain(entry);
    entry = [era, born, []];
  }
  yield encodePlain(entry);
}

export function rootOf(person: Person): Person {
  let root = person;
  while (root.into !== undefined) root = root.into;
  // The way is made short for who comes next.
  for (let at = person; at.into !== undefined && at.into !== root; ) {
    const next = at.into;
    at.into = root;
    at = next;
  }
  return root;
}

/**
 * The identifiers that are remembered, and the persons they name. Bounded by two generations: an
 * identifier moves to the younger one when it is seen, and when that holds half the bound, those
 * that were not seen since the last turn are forgotten. So what is forgotten depends on the log alone.
 */
export class KnownIdentifiers {
  readonly #half: number;
  #young = new Map<string, Link>();
  #old = new Map<string, Link>();
  #unions: { old: Union[]; young: Union[] } = { old: [], young: [] };
  #born = 0;
  /** Identifiers that stand in both generations. */
  #promoted = 0;
  #era = 0;
  /** Kept once a part was asked for: what entered since the last cut, generation by generation. */
  #entered: Entered[] | undefined;
  /** What the younger generation held at the moment of the cut that is drawn, where that changed. */
  #held: Map<string, Link> | undefined;
  /** Persons by their birth, and who they are, while identifiers are restored. */
  #restored: { persons: Map<number, Person>; unions: Map<number, Union> } | undefined;

  constructor(bound: number) {
    this.#half = Math.max(1, Math.floor(bound / 2));
  }
  get size(): number {
    return this.#young.size + this.#old.size - this.#promoted;
  }

  /** Call it before each event: how many identifiers were forgotten. */
  turn(): number {
    this.#restored = undefined;
    if (this.#young.size < this.#half) return 0;
    const forgotten = this.#old.size - this.#promoted;
    this.#begin(this.#era + 1);
    this.#entered?.push({ era: this.#era, links: [], unions: [] });
    return forgotten;
  }

  /** Everything there is, once. */
  *all(): Generator<readonly [hash: string, link: Link]> {
    yield* this.#young;
    for (const entry of this.#old) if (!this.#young.has(entry[0])) yield entry;
  }
  /** Without taking note that it was seen. */
  peek(hash: string): Link | undefined {
    return this.#young.get(hash) ?? this.#old.get(hash);
  }
  /** Whose an identifier is that is seen now. */
  touch(hash: string): Link | undefined {
    const young = this.#young.get(hash);
    if (young !== undefined) return young;
    const old = this.#old.get(hash);
    if (old === undefined) return undefined;
    // What enters a generation names persons as they are then: it outlives the unions before.
    const link = { ...old, person: old.person && rootOf(old.person) };
    this.#enter(hash, link);
    return link;
  }
  set(hash: string, link: Link): void {
    this.#enter(hash, link);
  }

  born(name: string): Person {
    this.#born += 1;
    return { name, born: this.#born, kinds: [], into: undefined };
  }

  /** `from` is `to` from here on; both are nobody else so far. */
  unite(from: Person, to: Person): void {
    unite(from, to);
    const union: Union = [from.born, to.born, to.name];
    this.#unions.young.push(union);
    this.#entered?.at(-1)?.unions.push(union);
  }

  #enter(hash: string, link: Link): void {
    const young = this.#young.get(hash);
    if (young !== undefined && this.#held?.has(hash) === false) this.#held.set(hash, young);
    if (young === undefined && this.#old.has(hash)) this.#promoted += 1;
    lose(this.peek(hash));
    gain(link);
    this.#young.set(hash, link);
    this.#entered?.at(-1)?.links.push([hash, link]);
  }

  #begin(era: number): void {
    const kept = era === this.#era + 1;
    // What is drawn of the generation that ends changes no more.
    this.#held = undefined;
    for (const [hash, link] of this.#old) if (!this.#young.has(hash)) lose(link);
    if (!kept) for (const link of this.#young.values()) lose(link);
    this.#old = kept ? this.#young : new Map();
    this.#unions = { old: kept ? this.#unions.young : [], young: [] };
    this.#young = new Map();
    this.#promoted = 0;
    this.#era = era;
  }

  /** What it remembers. From the first call on changes are followed. */
  part(name: string): Part {
    this.#entered ??= [{ era: this.#era, links: [], unions: [] }];
    return { name, cut: (whole) => this.#cut(whole), restore: (bytes) => this.#restore(bytes) };
  }

  #cut(whole: boolean): Cut {
    const era = this.#era;
    const born = this.#born;
    const changes = this.#entered ?? [];
    const generations = whole ? this.#whole() : changes;
    this.#entered = [{ era, links: [], unions: [] }];
    const done = (): void => {
      this.#held = undefined;
    };
    return {
      keepFrom: era - 1,
      *pieces() {
        for (const of of generations) yield* packed(entries(of, born, of.links), of.era);
        done();
      },
    };
  }
  #whole() {
    const { old, young } = this.#unions;
    const held = new Map<string, Link>();
    this.#held = held;
    const now = asOf(this.#young, this.#young.size, held);
    return [
      { era: this.#era - 1, links: this.#old, unions: [...old] },
      { era: this.#era, links: now, unions: [...young] },
    ];
  }

  #restore(bytes: Uint8Array): void {
    const restored = this.#restored ?? { persons: new Map(), unions: new Map() };
    this.#restored = restored;
    for (const value of unpacked(bytes)) {
      const [era, born, unions, ...links] = value as Entry;
      if (era !== this.#era) this.#begin(era);
      this.#born = born;
      for (const union of unions) {
        restored.unions.set(union[0], union);
        this.#unions.young.push(union);
        const from = restored.persons.get(union[0]);
        if (from !== undefined) unite(from, this.#person(union[2], union[1]));
      }
      for (let i = 0; i < links.length; i += FIELDS) {
        const [hash, kind, shared, name, personBorn] = links.slice(i, i + FIELDS) as [
          string,
          string,
          number,
          string,
          number,
        ];
        const person = personBorn === 0 ? undefined : this.#person(name, personBorn);
        this.#enter(hash, { kind, person, shared: shared === 1 });
      }
    }
    this.#entered = [{ era: this.#era, links: [], unions: [] }];
  }
  #person(name: string, born: number): Person {
    const known = this.#restored?.persons.get(born);
    if (known !== undefined) return known;
    const person: Person = { name, born, kinds: [], into: undefined };
    this.#restored?.persons.set(born, person);
    const union = this.#restored?.unions.get(born);
    if (union !== undefined) unite(person, this.#person(union[2], union[1]));
    return person;
  }
}

function unite(from: Person, to: Person): void {
  from.into = to;
  rootOf(to).kinds.push(...from.kinds);
  from.kinds = [];
}
function gain({ kind, person }: Link): void {
  if (person !== undefined && kind !== NAME) rootOf(person).kinds.push(kind);
}
function lose(link: Link | undefined): void {
  if (link?.person === undefined) return;
  const { kinds } = rootOf(link.person);
  const at = kinds.indexOf(link.kind);
  if (at >= 0) kinds.splice(at, 1);
}

/** The first entries of a map that only grows, with what was held where it has changed since. */
function* asOf(
  links: ReadonlyMap<string, Link>,
  count: number,
  held: ReadonlyMap<string, Link>,
): Generator<readonly [string, Link]> {
  let left = count;
  for (const [hash, link] of links) {
    if (left === 0) return;
    left -= 1;
    yield [hash, held.get(hash) ?? link];
  }
}
