/**
 * What collect did, as plain numbers. in = applied + duplicate + late + withheld + flagged +
 * deadLettered, always.
 */
export interface CollectCounts {
  /** Events (each of a batch once), facts, and bodies that could not be read. */
  in: number;
  applied: number;
  duplicate: number;
  late: number;
  /** Events of people who do not agree to be observed, or whose data was erased. */
  withheld: number;
  /** Events of crawlers and tests, by their scene: nobody's behaviour. */
  flagged: number;
  deadLettered: number;
  /** Of the applied: behaviour events; fact and knowledge bodies. */
  events: number;
  factBodies: number;
  /** Facts fanned out; one body of knowledge holds many. */
  facts: number;
  /** Of the duplicates: knowledge of a version not above the one in force. */
  stale: number;
  ticks: number;
  seconds: number;
  /** Undeclared properties and identifiers of unknown kinds that were left out. */
  stripped: number;
  /** Events said to lie ahead of broker time, and put there. */
  clamped: number;
  /** Events whose time was corrected by when their tracker sent them, and those whose `sent` made no sense. */
  corrected: number;
  sentIgnored: number;
  /**
   * Persons met, identifiers attached, persons that turned out to be another, identifiers taken from
   * their owner, identifiers that came together and did not make one person, identifiers forgotten.
   */
  minted: number;
  linked: number;
  merged: number;
  unlinked: number;
  conflicts: number;
  forgotten: number;
  /** What people said of consent and erasure that was forgotten, as more is said than is kept. */
  lapsed: number;
  /** Dead letters by reason. */
  reasons: Record<string, number>;
}

export function emptyCounts(): CollectCounts {
  return {
    in: 0,
    applied: 0,
    duplicate: 0,
    late: 0,
    withheld: 0,
    flagged: 0,
    deadLettered: 0,
    events: 0,
    factBodies: 0,
    facts: 0,
    stale: 0,
    ticks: 0,
    seconds: 0,
    stripped: 0,
    clamped: 0,
    corrected: 0,
    sentIgnored: 0,
    minted: 0,
    linked: 0,
    merged: 0,
    unlinked: 0,
    conflicts: 0,
    forgotten: 0,
    lapsed: 0,
    reasons: {},
  };
}

const MAX_REASONS = 64;

/** The reason as a subject token, from a set that never grows beyond its bound. */
export function countReason(counts: CollectCounts, reason: string): string {
  let token = /^[a-z][a-z0-9_-]{0,39}$/.test(reason) ? reason : "invalid";
  const { reasons } = counts;
  if (!Object.hasOwn(reasons, token) && Object.keys(reasons).length >= MAX_REASONS) token = "other";
  reasons[token] = (Object.hasOwn(reasons, token) ? (reasons[token] ?? 0) : 0) + 1;
  return token;
}
