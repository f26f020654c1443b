/** The kinds of identifiers, strongest first: the strongest one says whose an event is. */
const RANKS: ReadonlyMap<string, number> = new Map([
  ["unionid", 0],
  ["external_userid", 1],
  ["login", 3],
  ["mobile_hash", 4],
  ["mp_id", 5],
  ["device", 6],
  ["anon", 7],
]);
/** `openid:<appid>` ranks between them. */
const OPENID_RANK = 2;
/** From here on an identifier is of a thing that several people may use. */
const WEAK_RANK = 5;
const OPENID = "openid:";
const MAX_KIND = 72;
const MAX_IDS = 16;
const MAX_VALUE = 256;

/** How many identifiers of a kind one person may have; of `openid` for each app. */
export interface KindLimits {
  readonly unionid: number;
  readonly external_userid: number;
  readonly openid: number;
  readonly login: number;
  readonly mobile_hash: number;
  readonly mp_id: number;
  readonly device: number;
  readonly anon: number;
}

export const KIND_LIMITS: KindLimits = {
  unionid: 1,
  external_userid: 5,
  openid: 1,
  login: 1,
  mobile_hash: 3,
  mp_id: 16,
  device: 16,
  anon: 64,
};

/** Smaller is stronger; undefined for a kind we do not know. */
export function rankOf(kind: string): number | undefined {
  if (!kind.startsWith(OPENID)) return RANKS.get(kind);
  return kind.length > OPENID.length && kind.length <= MAX_KIND ? OPENID_RANK : undefined;
}

/** An identifier of a person, not of a thing. */
export const isStrong = (kind: string): boolean => (rankOf(kind) ?? WEAK_RANK) < WEAK_RANK;

export const limitOf = (limits: KindLimits, kind: string): number =>
  limits[(kind.startsWith(OPENID) ? "openid" : kind) as keyof KindLimits];

export const isKnownKind = (kind: string): boolean => rankOf(kind) !== undefined;

/** The value as it is hashed; undefined when it is no text or integer, or empty, or too long. */
function normalise(kind: string, value: unknown): string | undefined {
  const text = Number.isSafeInteger(value) ? String(value) : value;
  if (typeof text !== "string") return undefined;
  const trimmed = text.trim();
  if (trimmed.length === 0 || trimmed.length > MAX_VALUE) return undefined;
  return kind === "mobile_hash" ? trimmed.toLowerCase() : trimmed;
}

/** What an event says about who it is, hashed; the strongest first. */
export interface Ids {
  readonly hashes: readonly string[];
  readonly kinds: readonly string[];
  /** The same identifiers hashed by the key before; empty where there is none. */
  readonly before: readonly string[];
  /** The values of known and unknown kinds, only to recognise them where they must not stand. */
  readonly raw: readonly string[];
  /** Identifiers of kinds we do not know, left out. */
  readonly unknown: number;
}

const NO_IDS: Ids = { hashes: [], kinds: [], before: [], raw: [], unknown: 0 };

/** Hashes an identifier by the key in force, and by the one before where there is one. */
export interface Hashing {
  identify(kind: string, value: string): string;
  readonly before?: ((kind: string, value: string) => string) | undefined;
}

type Ranked = readonly [rank: number, kind: string, normal: string];

/** Behind those that are at least as strong: of the few of an event, cheaper than sorting them. */
function insert(known: Ranked[], one: Ranked): void {
  let at = known.length;
  for (; at > 0 && (known[at - 1] as Ranked)[0] > one[0]; at -= 1) {
    known[at] = known[at - 1] as Ranked;
  }
  known[at] = one;
}

/**
 * Reads `[{k, v}]`: at most 16, values as text or integers. Answers the path of the first field at
 * fault instead. Unknown kinds are left out, so the list may come back empty.
 */
export function readIds(value: unknown, hashing: Hashing): Ids | string {
  if (value === undefined || value === null) return NO_IDS;
  if (!Array.isArray(value) || value.length > MAX_IDS) return "ids";
  const raw: string[] = [];
  const known: Ranked[] = [];
  for (let i = 0; i < value.length; i += 1) {
    const entry: unknown = value[i];
    if (typeof entry !== "object" || entry === null) return `ids.${i}`;
    const { k, v } = entry as { k?: unknown; v?: unknown };
    if (typeof k !== "string") return `ids.${i}.k`;
    const rank = rankOf(k);
    const normal = normalise(k, v);
    if (normal === undefined) return `ids.${i}.v`;
    raw.push(normal);
    if (rank !== undefined) insert(known, [rank, k, normal]);
  }
  const { before } = hashing;
  return {
    hashes: known.map(([, kind, normal]) => hashing.identify(kind, normal)),
    kinds: known.map(([, kind]) => kind),
    before: before === undefined ? [] : known.map(([, kind, normal]) => before(kind, normal)),
    raw,
    unknown: value.length - known.length,
  };
}

const SHORTEST_TELLING = 6;

/** Whether `text` carries one of the identifiers; shorter ones only when it is nothing else. */
export function tells(text: string, raw: readonly string[]): boolean {
  for (const value of raw) {
    if (value === text || (value.length >= SHORTEST_TELLING && text.includes(value))) return true;
  }
  return false;
}
