/**
 * `config/lexicon.yaml` after reading: what in a search, a page or a title speaks for which intent.
 * A word may speak for several. Words are NFKC-normalised and lower-case; longer words first, so
 * that the first hit at a place is the most specific.
 */
export interface Lexicon {
  readonly version: 1;
  /** Ordered by length (longest first), then by code unit; one entry a word. */
  readonly words: readonly LexiconWord[];
  /** Page paths by prefix, longest prefix first. */
  readonly paths: readonly LexiconPath[];
}

export interface LexiconWord {
  readonly word: string;
  readonly evidence: readonly Evidence[];
}

export interface LexiconPath {
  readonly prefix: string;
  readonly evidence: readonly Evidence[];
}

export interface Evidence {
  /** One of the shop's intents: `compare_price`, `learn_features`, `buy`, `seek_aftersales`, `browse`. */
  readonly intent: string;
  /** In nats (log odds): above 0 speaks for it, below 0 against it. */
  readonly weight: number;
}
