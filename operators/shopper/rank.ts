/** What is known of a candidate, in the order of weights and feature vectors; each about 0 to 1. */
export const FEATURES = [
  /** 1. */
  "bias",
  /** Met in one session with what the person looked at, weighted by how lately. */
  "covisit",
  /** Share of the popularity of its category's first. */
  "popularity",
  /** Share of the person's interest that its category holds. */
  "affinity",
  /** Nearness of its price to what the person looks at. */
  "price",
  /** How lately the person looked at what it was met with, or at the thing itself. */
  "recency",
  /** Gross margin as a share of the price. */
  "margin",
  /** Log of how the kind of recommendation fares against what is expected of any, −2 to 2. */
  "kind",
  /** Its demand is rising. */
  "trending",
  /** Probability of the intent that the kind of recommendation serves. */
  "intent",
  /** Share of the person's visits on the channel it would go by. */
  "channel",
  /** The person looked at the very thing already. */
  "seen",
] as const;
export type Feature = (typeof FEATURES)[number];
export type Weights = Readonly<Record<Feature, number>>;

export const DEFAULT_WEIGHTS: Weights = {
  bias: -3,
  covisit: 1.8,
  popularity: 0.9,
  affinity: 0.9,
  price: 0.5,
  recency: 0.5,
  margin: 0.4,
  kind: 0.5,
  trending: 0.5,
  intent: 6,
  channel: 0.4,
  seen: 2,
};

/** Feature vectors of the candidates and the weights to score them by. */
export interface RankInput {
  readonly weights: readonly number[];
  readonly candidates: readonly (readonly number[])[];
}

/**
 * Scores candidates by logistic regression, `1 / (1 + exp(−w·x))`, in their order. Pure: sums run
 * in the order of the features, so the answer has the same bits on every thread.
 */
export function rank(input: unknown): number[] {
  const { weights, candidates } = input as RankInput;
  return candidates.map((features) => 1 / (1 + Math.exp(-logOdds(weights, features))));
}

function logOdds(weights: readonly number[], features: readonly number[]): number {
  let sum = 0;
  for (let i = 0; i < weights.length; i += 1) sum += (weights[i] ?? 0) * (features[i] ?? 0);
  return sum;
}

/** In the order of `FEATURES`; one by one, as every candidate has a vector made. */
export const vectorOf = (of: Readonly<Record<Feature, number>>): number[] => [
  of.bias,
  of.covisit,
  of.popularity,
  of.affinity,
  of.price,
  of.recency,
  of.margin,
  of.kind,
  of.trending,
  of.intent,
  of.channel,
  of.seen,
];

/** Of goods, before anything is looked up: features, or the most that they may be. */
export interface AtMost {
  readonly covisit: number;
  readonly popularity: number;
  readonly recency: number;
  readonly affinity: number;
  readonly channel: number;
  readonly isSeen: boolean;
}

/**
 * The least score that is asked for, to leave out early what cannot reach it. Never turns away what
 * a scorer would let through: it stays below by more than what rounding may amount to.
 */
export class LeastScore {
  readonly #weights: Weights;
  readonly #vector: readonly number[];
  readonly #logOdds: number;
  /** What catalog and trends add at best. */
  readonly #lookedUp: number;

  constructor(weights: Weights, score: number) {
    this.#weights = weights;
    this.#vector = vectorOf(weights);
    const size = this.#vector.reduce((sum, weight) => sum + Math.abs(weight), 0);
    // Above 20 scores are so near to 1 that their own rounding counts.
    this.#logOdds = Math.min(20, -Math.log(1 / score - 1)) - 1e-6 - 1e-9 * size;
    this.#lookedUp =
      Math.max(0, weights.price) + Math.max(0, weights.margin) + Math.max(0, weights.trending);
  }

  /** Whether a feature vector may reach it. */
  admits(features: readonly number[]): boolean {
    return !(logOdds(this.#vector, features) < this.#logOdds);
  }

  /** Whether goods may reach it whose `kind` and `intent` are known, the rest at the most. */
  mayAdmit(kind: number, intent: number, most: AtMost): boolean {
    const of = this.#weights;
    const sum =
      of.bias +
      of.kind * kind +
      of.intent * intent +
      this.#lookedUp +
      Math.max(0, of.covisit * covisitFeature(most.covisit)) +
      Math.max(0, of.popularity * most.popularity) +
      Math.max(0, of.recency * most.recency) +
      Math.max(0, of.affinity * most.affinity) +
      Math.max(0, of.channel * most.channel) +
      (most.isSeen ? Math.max(0, of.seen) : 0);
    return !(sum < this.#logOdds);
  }
}

/** The share of meetings that makes half of the covisit feature. */
const HALF_COVISIT = 0.1;

/** From the share of meetings to the feature, between 0 and 1. */
export const covisitFeature = (share: number): number => share / (share + HALF_COVISIT);

/**
 * Log of how a kind of recommendation fares against what is expected of any: click-through with
 * weight 0.7 and conversion with 0.3, each as the mean of a Beta posterior, so that a kind of which
 * little is known is taken for an ordinary one. Between −2 and 2.
 */
export function kindAdvantage(shown: number, clicked: number, purchased: number): number {
  const ctr = posteriorMean(clicked, shown, EXPECTED_CTR) / EXPECTED_CTR;
  const conversion = posteriorMean(purchased, shown, EXPECTED_CONVERSION) / EXPECTED_CONVERSION;
  const advantage = 0.7 * Math.log(ctr) + 0.3 * Math.log(conversion);
  return Math.max(-2, Math.min(2, advantage));
}

const EXPECTED_CTR = 0.1;
const EXPECTED_CONVERSION = 0.02;
/** Showings that the expectation weighs as much as. */
const PRIOR_SHOWINGS = 50;

const posteriorMean = (hits: number, shown: number, expected: number): number =>
  (hits + PRIOR_SHOWINGS * expected) / (Math.max(shown, hits) + PRIOR_SHOWINGS);
