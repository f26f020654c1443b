/** The kinds of identifiers, strongest first: the strongest one new to us names the person. */
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
const OPENID = "openid:";
const MAX_KIND = 72;
const MAX_IDS = 16;
const MAX_VALUE = 256;

/** Smaller is stronger; undefined for a kind we do not know. */
function rankOf(kind: string): number | undefined {
  if (!kind.startsWith(OPENID)) return RANKS.get(kind);
  return kind.length > OPENID.length && kind.length <= MAX_KIND ? OPENID_RANK : undefined;
}

export const isKnownKind = (kind: string): boolean => rankOf(kind) !== undefined;

/** The value as it is hashed; undefined when it is no text or integer, or empty, or too long. */
function normalise(kind: string, value: unknown): string | undefined {
  const text = Number.isSafeInteger(value) ? String(value) : value;
  if (typeof text !== "string") return undefined;
  const trimmed = text.trim();
  if (trimmed.length === 0 || trimmed.length > MAX_VALUE) return undefined;
  return kind === "mobile_hash" ? trimmed.toLowerCase() : trimmed;
}

/** What an event says about who it is, hashed. */
export interface Ids {
  readonly hashes: readonly string[];
  /** The values of known and unknown kinds, only to recognise them where they must not stand. */
  readonly raw: readonly string[];
  /** Index of the strongest kind; the first of equals. */
  readonly strongest: number;
  /** Identifiers of kinds we do not know, left out. */
  readonly unknown: number;
}

const NO_IDS: Ids = { hashes: [], raw: [], strongest: 0, unknown: 0 };

/**
 * Reads `[{k, v}]`: at most 16, values as text or integers. Answers the path of the first field at
 * fault instead. Unknown kinds are left out, so the list may come back empty.
 */
export function readIds(
  value: unknown,
  identify: (kind: string, value: string) => string,
): Ids | string {
  if (value === undefined || value === null) return NO_IDS;
  if (!Array.isArray(value) || value.length > MAX_IDS) return "ids";
  const hashes: string[] = [];
  const raw: string[] = [];
  let strongest = 0;
  let strength = Number.POSITIVE_INFINITY;
  for (let i = 0; i < value.length; i += 1) {
    const entry: unknown = value[i];
    if (typeof entry !== "object" || entry === null) return `ids.${i}`;
    const { k, v } = entry as { k?: unknown; v?: unknown };
    if (typeof k !== "string") return `ids.${i}.k`;
    const rank = rankOf(k);
    const normal = normalise(k, v);
    if (normal === undefined) return `ids.${i}.v`;
    raw.push(normal);
    if (rank === undefined) continue;
    if (rank < strength) {
      strength = rank;
      strongest = hashes.length;
    }
    hashes.push(identify(k, normal));
  }
  return { hashes, raw, strongest, unknown: value.length - hashes.length };
}

const SHORTEST_TELLING = 6;

/** Whether `text` carries one of the identifiers; shorter ones only when it is nothing else. */
export function tells(text: string, raw: readonly string[]): boolean {
  for (const value of raw) {
    if (value === text || (value.length >= SHORTEST_TELLING && text.includes(value))) return true;
  }
  return false;
}
