import { Fault } from "../faults.ts";
import type { Facts } from "../flow/operator.ts";
import type { EventTime } from "../time/event-time.ts";
import { contentHash } from "./content-hash.ts";
import { LIVE, type LiveFiles, type LiveName, type LiveTexts } from "./live.ts";
import { asMeaning } from "./segments.ts";

/** Kind and key of the fact that says what is in force. */
export const CONFIG = "config";
export const IN_FORCE = "in_force";

/**
 * What is known of one definition: 16 hex digits of what its state depends on, since when that is so,
 * its version, and since when that is so. 0 is since the beginning of the log.
 */
export type Life = readonly [core: string, born: EventTime, version: string, revised: EventTime];
export type Lives = Readonly<Record<LiveName, Readonly<Record<string, Life>>>>;

/** One version of the live files in force, as it stands among the facts. Plain data. */
export interface GenerationFact {
  readonly generation: number;
  /** In force from this second on. */
  readonly at: EventTime;
  readonly digest: string;
  readonly texts: LiveTexts;
  readonly lives: Lives;
}

/** The same with its files read. */
export interface Generation extends GenerationFact {
  readonly files: LiveFiles;
}

/** Since when definitions of one file have been what they are. */
export interface Since {
  /** When the generation in force came into force. */
  readonly at: EventTime;
  born(id: string): EventTime;
  revised(id: string): EventTime;
}

const BEGINNING = 0 as EventTime;

/** Of the configuration that a log began with. */
export const ALWAYS: Since = { at: BEGINNING, born: () => BEGINNING, revised: () => BEGINNING };

export function sinceOf(generation: Generation | undefined, file: LiveName): Since {
  if (generation === undefined) return ALWAYS;
  const lives = generation.lives[file];
  return {
    at: generation.at,
    born: (id) => lives[id]?.[1] ?? generation.at,
    revised: (id) => lives[id]?.[3] ?? generation.at,
  };
}

/** The policy of contact among the definitions of `rules.yaml`; no rule can be called so. */
const CONTACT = "policy of contact";

/** What state depends on, and the version, of every definition. */
function definitionsIn({
  segments,
  rules,
  tags,
}: LiveFiles): Readonly<
  Record<LiveName, Readonly<Record<string, readonly [core: string, version: string]>>>
> {
  const byId = <T extends { readonly id: string; readonly hash: string }>(
    all: readonly T[],
    core: (one: T) => string,
  ) => Object.fromEntries(all.map((one) => [one.id, [core(one), versionOf(one)] as const]));
  return {
    segments: byId(segments.segments, ({ hash }) => hash),
    // Of a rule only `when` remembers: who is sent what, and how many, may change over it.
    rules: {
      ...byId(rules.rules, ({ when }) => contentHash(meaningOf(when)).slice(0, 16)),
      // What was sent counts whatever the policy: it only ever is revised.
      [CONTACT]: ["", versionOf(rules.contact)],
    },
    tags: byId(tags.tags, ({ hash }) => hash),
  };
}

/** Titles and goals included. */
const versionOf = (definition: object): string => contentHash(meaningOf(definition)).slice(0, 16);

const meaningOf = (part: unknown): unknown => JSON.parse(JSON.stringify(part, asMeaning));

/** Every definition as it was from the beginning on. */
export const livesOf = (files: LiveFiles): Lives =>
  mapDefinitions(files, (_file, _id, [core, version]) => [core, BEGINNING, version, BEGINNING]);

/** The lives when `files` come into force at `at`: what did not change goes on. */
export const livesAfter = (before: Lives, files: LiveFiles, at: EventTime): Lives =>
  mapDefinitions(files, (file, id, [core, version]) => {
    const known = before[file][id];
    return [
      core,
      known?.[0] === core ? known[1] : at,
      version,
      known?.[2] === version ? known[3] : at,
    ];
  });

function mapDefinitions(
  files: LiveFiles,
  life: (file: LiveName, id: string, of: readonly [string, string]) => Life,
): Lives {
  const all = definitionsIn(files);
  const of = (file: LiveName) =>
    Object.fromEntries(Object.entries(all[file]).map(([id, what]) => [id, life(file, id, what)]));
  return { segments: of("segments"), rules: of("rules"), tags: of("tags") };
}

/** How the definitions of one file differ from those before, by id. */
export interface Difference {
  readonly added: readonly string[];
  /** What its state depends on is another: it starts anew. */
  readonly changed: readonly string[];
  /** State is kept; what it does, or is called, is another. */
  readonly revised: readonly string[];
  readonly removed: readonly string[];
  readonly kept: number;
}

export function differences(before: Lives, after: Lives): Readonly<Record<LiveName, Difference>> {
  const of = (file: LiveName): Difference => {
    const [old, now] = [before[file], after[file]];
    const ids = Object.keys(now);
    const both = ids.filter((id) => old[id] !== undefined);
    const changed = both.filter((id) => old[id]?.[0] !== now[id]?.[0]);
    const revised = both.filter((id) => old[id]?.[2] !== now[id]?.[2] && !changed.includes(id));
    return {
      added: ids.filter((id) => old[id] === undefined).sort(),
      changed: changed.sort(),
      revised: revised.sort(),
      removed: Object.keys(old)
        .filter((id) => now[id] === undefined)
        .sort(),
      kept: both.length - changed.length - revised.length,
    };
  };
  return { segments: of("segments"), rules: of("rules"), tags: of("tags") };
}

/** So many versions are kept compiled: groups of one job may be at different places of the log. */
const KEPT = 4;

/** The generations that groups have in force, each read once. */
export class Generations {
  readonly #read: (texts: LiveTexts) => LiveFiles | undefined;
  readonly #known = new Map<string, Generation>();
  readonly #byFact = new WeakMap<GenerationFact, Generation>();

  /** `read` gives undefined for texts that it cannot read: those never come into force. */
  constructor(read: (texts: LiveTexts) => LiveFiles | undefined) {
    this.#read = read;
  }

  /** What is in force where these facts are; undefined: what the log began with. */
  at(facts: Facts): Generation | undefined {
    const fact = facts.get(CONFIG, IN_FORCE) as GenerationFact | undefined;
    if (fact === undefined) return undefined;
    const known = this.#byFact.get(fact);
    if (known !== undefined) return known;
    const generation = this.#generation(fact);
    this.#byFact.set(fact, generation);
    return generation;
  }

  #generation(fact: GenerationFact): Generation {
    const name = `${fact.generation} ${fact.at} ${fact.digest}`;
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const files = this.#read(fact.texts);
    if (files === undefined)
      throw new Fault(
        "CONFIG_INVALID",
        `generation ${fact.generation} of the log does not go with the rest of the configuration`,
      );
    const generation = { ...fact, files };
    this.#known.set(name, generation);
    if (this.#known.size > KEPT) {
      const oldest = this.#known.keys().next().value;
      if (oldest !== undefined) this.#known.delete(oldest);
    }
    return generation;
  }
}

/** What an operator makes of the configuration in force, once for each generation. */
export function perGeneration<T>(
  generations: Generations | undefined,
  make: (generation: Generation | undefined) => T,
): (facts: Facts) => T {
  const first = make(undefined);
  const made = new WeakMap<Generation, T>();
  // Asked for several times an event, and hardly ever another than before.
  let last: readonly [of: Generation | undefined, one: T] = [undefined, first];
  return (facts) => {
    const generation = generations?.at(facts);
    if (generation === last[0]) return last[1];
    const known = generation === undefined ? first : made.get(generation);
    const one = known ?? make(generation);
    if (generation !== undefined) made.set(generation, one);
    last = [generation, one];
    return one;
  };
}

/** The names of the files whose definitions differ, with how many do; for people. */
export const isSame = (difference: Readonly<Record<LiveName, Difference>>): boolean =>
  LIVE.every((file) => {
    const { added, changed, revised, removed } = difference[file];
    return added.length + changed.length + revised.length + removed.length === 0;
  });
