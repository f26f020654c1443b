import { hash128 } from "../../src/codec/hash.ts";
import type { Part } from "../../src/state/part.ts";
import { type Ids, isStrong, type KindLimits, limitOf, rankOf } from "./identifiers.ts";
import { KnownIdentifiers, type Link, NAME, type Person, rootOf } from "./known-identifiers.ts";

/** What the graph did, for the counts. */
export interface IdentityTally {
  minted: number;
  linked: number;
  merged: number;
  unlinked: number;
  conflicts: number;
  forgotten: number;
}

/**
 * Why identifiers that came together did not make one person: `shared`, a weak one that strangers
 * use, identifies nobody from here on where anything else does; `recycled`, a strong one now belongs
 * to who showed it beside a stronger one; `limit`, the person has as many of the kind as are allowed.
 */
export type Conflict = "shared" | "recycled" | "limit";

/** Who is told what the graph finds out, in the order in which it holds. */
export interface IdentityListener {
  merged(from: string, to: string): void;
  conflict(why: Conflict, kind: string, person: string): void;
}

/**
 * Whose identifiers are whose. Identifiers that come together are one person's, unless that would
 * make one of two strangers: a person has so many identifiers of a kind at the most, and a weak
 * identifier (a device, a browser) never joins two persons who are known by strong ones. Where two
 * persons turn out to be one, the older stays.
 */
export class Identity {
  readonly #known: KnownIdentifiers;
  readonly #limits: KindLimits;
  readonly #tally: IdentityTally;

  constructor(bound: number, limits: KindLimits, tally: IdentityTally) {
    this.#known = new KnownIdentifiers(bound);
    this.#limits = limits;
    this.#tally = tally;
  }

  get size(): number {
    return this.#known.size;
  }
  /** What it remembers. From the first call on changes are followed. */
  part(name: string): Part {
    return this.#known.part(name);
  }

  /**
   * The person of identifiers seen together, at least one. `stated`: somebody says outright that
   * they are one person's, so that a weak one is proof as well.
   */
  personOf(ids: Ids, stated: boolean, listener: IdentityListener): string {
    this.#tally.forgotten += this.#known.turn();
    const { hashes } = ids;
    const only = hashes.length === 1 ? ownerOf(this.#seen(ids, 0)) : undefined;
    if (only !== undefined) return only.name;
    const links = hashes.map((_, i) => this.#seen(ids, i));
    const leading = Math.max(
      0,
      links.findIndex((link) => link?.shared !== true),
    );
    let lead = ownerOf(links[leading]);
    if (lead === undefined) {
      lead = this.#host(ids, links, leading, stated) ?? this.#mint(hashes[leading] as string);
      this.#attach(ids, leading, lead, links[leading]?.shared === true);
    }
    for (let i = leading + 1; i < hashes.length; i += 1) {
      // An identifier may come twice in one event.
      const link = this.#known.peek(hashes[i] as string);
      if (link?.shared === true) continue;
      const other = ownerOf(link);
      if (other === undefined) this.#take(ids, i, lead, listener);
      else if (other !== lead)
        lead = this.#meet(ids, i, { lead, other, leading, stated }, listener);
    }
    return lead.name;
  }

  /**
   * Identifiers that are not somebody's any more: those beside the strongest, which says whose they
   * were; the only one where it comes alone. Answers who that is.
   */
  unlink(ids: Ids, listener: IdentityListener): string {
    const { hashes } = ids;
    const name = this.personOf(firstOf(ids), false, listener);
    const person = ownerOf(this.#known.peek(hashes[0] as string));
    for (let i = Math.min(1, hashes.length - 1); i < hashes.length; i += 1) {
      const link = this.#seen(ids, i);
      if (link === undefined || person === undefined || ownerOf(link) !== person) continue;
      this.#keepName(person);
      this.#known.set(hashes[i] as string, { kind: link.kind, person: undefined, shared: false });
      this.#tally.unlinked += 1;
    }
    return name;
  }

  /** Who a person of that name is now. */
  current(name: string): string {
    return ownerOf(this.#known.touch(name))?.name ?? name;
  }

  /** Read-only: the person known by the strongest of them that is anybody's. */
  find(ids: Ids): string | undefined {
    const links = ids.hashes.map(
      (hash, i) => this.#known.peek(hash) ?? this.#known.peek(ids.before[i] ?? ""),
    );
    const link = links.find((one) => one?.shared === false && one.person) ?? links[0];
    return ownerOf(link)?.name;
  }

  /** Every identifier known to be the person's. Looks at all of them: for rare occasions. */
  hashesOf(name: string): string[] {
    const found: string[] = [];
    for (const [hash, link] of this.#known.all())
      if (link.kind !== NAME && ownerOf(link)?.name === name) found.push(hash);
    return found.sort();
  }

  /** Names under which the person was known as somebody else. As rare. */
  namesOf(name: string): string[] {
    const found: string[] = [];
    for (const [known, link] of this.#known.all())
      if (link.kind === NAME && known !== name && ownerOf(link)?.name === name) found.push(known);
    return found.sort();
  }

  /** These identifiers are nobody's any more, and nobody else is ever called by these names. */
  forget(names: readonly string[], hashes: readonly string[]): void {
    const nobody = { person: undefined, shared: false };
    for (const hash of hashes)
      this.#known.set(hash, { kind: this.#known.peek(hash)?.kind ?? "anon", ...nobody });
    for (const name of names) this.#known.set(name, { kind: NAME, ...nobody });
  }

  /** The link of an identifier, which may still stand under its hash by the key before. */
  #seen({ hashes, before, kinds }: Ids, i: number): Link | undefined {
    const hash = hashes[i] as string;
    const link = this.#known.touch(hash);
    const earlier = before[i];
    if (link !== undefined || earlier === undefined) return link;
    const found = this.#known.touch(earlier);
    if (found === undefined) return undefined;
    this.#known.set(earlier, { kind: kinds[i] as string, person: undefined, shared: false });
    this.#known.set(hash, found);
    return found;
  }

  /** Who is seen beside an identifier that is nobody's yet, and may have it. */
  #host(
    { kinds }: Ids,
    links: readonly (Link | undefined)[],
    at: number,
    stated: boolean,
  ): Person | undefined {
    const kind = kinds[at] as string;
    for (let i = at + 1; i < links.length; i += 1) {
      const link = links[i];
      const person = link?.shared === true ? undefined : ownerOf(link);
      if (person === undefined || !this.#fits(person, kind)) continue;
      const proven = stated || isStrong(kinds[i] as string) || !isStrong(kind);
      if (proven || !person.kinds.some(isStrong)) return person;
    }
    return undefined;
  }

  #mint(hash: string): Person {
    let name = `p_${hash.slice(0, 16)}`;
    for (let k = 1; this.#known.touch(name) !== undefined; k += 1) {
      name = `p_${hash128(`${hash}\n${k}`).slice(0, 16)}`;
    }
    this.#tally.minted += 1;
    return this.#known.born(name);
  }

  #attach({ hashes, kinds }: Ids, i: number, person: Person, shared = false): void {
    this.#known.set(hashes[i] as string, { kind: kinds[i] as string, person, shared });
    this.#tally.linked += 1;
  }

  /** An identifier that is nobody's becomes the person's, as far as they may have more of the kind. */
  #take(ids: Ids, i: number, person: Person, listener: IdentityListener): void {
    const kind = ids.kinds[i] as string;
    if (this.#fits(person, kind)) {
      this.#attach(ids, i, person);
      return;
    }
    this.#tally.conflicts += 1;
    listener.conflict("limit", kind, person.name);
    if (isStrong(kind)) this.#attach(ids, i, this.#mint(ids.hashes[i] as string));
    else this.#share(ids, i);
  }

  /** Two persons in one event: they are one, or one identifier is not what it seems. */
  #meet(
    ids: Ids,
    i: number,
    of: { lead: Person; other: Person; leading: number; stated: boolean },
    listener: IdentityListener,
  ): Person {
    const { lead, other, leading, stated } = of;
    const kind = ids.kinds[i] as string;
    if (this.#areOne(lead, other, stated || isStrong(kind))) {
      return this.#unite(lead, other, listener);
    }
    this.#tally.conflicts += 1;
    if (!isStrong(kind)) {
      this.#keepName(other);
      this.#share(ids, i);
      listener.conflict("shared", kind, lead.name);
    } else if (isStronger(ids.kinds[leading] as string, kind) && this.#fits(lead, kind)) {
      this.#keepName(other);
      this.#attach(ids, i, lead);
      listener.conflict("recycled", kind, lead.name);
    }
    return lead;
  }

  #areOne(a: Person, b: Person, proven: boolean): boolean {
    if (!proven && a.kinds.some(isStrong) && b.kinds.some(isStrong)) return false;
    const all = [...a.kinds, ...b.kinds];
    return b.kinds.every((kind) => countOf(all, kind) <= limitOf(this.#limits, kind));
  }

  #unite(a: Person, b: Person, listener: IdentityListener): Person {
    const [from, to] = a.born < b.born ? [b, a] : [a, b];
    this.#keepName(from);
    this.#known.unite(from, to);
    this.#tally.merged += 1;
    // A name may have been given again after it was forgotten: then there is nothing to move.
    if (from.name !== to.name) listener.merged(from.name, to.name);
    return to;
  }

  #share({ hashes, kinds }: Ids, i: number): void {
    this.#known.set(hashes[i] as string, {
      kind: kinds[i] as string,
      person: undefined,
      shared: true,
    });
  }
  /** So that nobody else is given it, and who is asked for under it is found. */
  #keepName(person: Person): void {
    this.#known.set(person.name, { kind: NAME, person, shared: false });
  }
  #fits({ kinds }: Person, kind: string): boolean {
    return countOf(kinds, kind) < limitOf(this.#limits, kind);
  }
}

const ownerOf = (link: Link | undefined): Person | undefined => link?.person && rootOf(link.person);

const isStronger = (a: string, b: string): boolean => (rankOf(a) ?? 0) < (rankOf(b) ?? 0);

function countOf(kinds: readonly string[], kind: string): number {
  let count = 0;
  for (const one of kinds) if (one === kind) count += 1;
  return count;
}

const firstOf = (ids: Ids): Ids => ({
  ...ids,
  hashes: ids.hashes.slice(0, 1),
  kinds: ids.kinds.slice(0, 1),
  before: ids.before.slice(0, 1),
});
