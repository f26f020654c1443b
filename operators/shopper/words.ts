/** What a term of the lexicon says: how strongly it speaks for each intent, in log-odds. */
export interface Term<Meaning> {
  readonly text: string;
  readonly meaning: Meaning;
}

/** A term in a text; `negated`: the word before it says that it is not so. */
export interface FoundTerm<Meaning> extends Term<Meaning> {
  readonly negated: boolean;
}

/** So long a term cannot be a part of other words by chance. */
const PHRASE = 3;

/**
 * Finds the terms of a lexicon in a text by forward maximum match: from left to right, at each
 * place the longest term that fits, then on behind it. A term of one or two characters has to begin
 * and end where words do, so 退烧贴 says nothing of 退. Texts are compared in lower case after NFKC.
 */
export class WordFinder<Meaning> {
  readonly #terms = new Map<string, Meaning>();
  /** Lengths of the terms that begin with a character, the longest first. */
  readonly #lengths = new Map<string, number[]>();
  readonly #words: (text: string) => readonly string[];
  readonly #negators: ReadonlySet<string>;

  constructor(
    terms: Iterable<Term<Meaning>>,
    words: (text: string) => readonly string[],
    negators: Iterable<string> = [],
  ) {
    this.#words = words;
    this.#negators = new Set(negators);
    for (const { text, meaning } of terms) {
      const word = normalised(text);
      if (word === "") continue;
      this.#terms.set(word, meaning);
      const lengths = this.#lengths.get(word.charAt(0)) ?? [];
      if (!lengths.includes(word.length)) lengths.push(word.length);
      this.#lengths.set(
        word.charAt(0),
        lengths.sort((a, b) => b - a),
      );
    }
  }

  /** The terms found, each once, in the order of the text. */
  find(text: string): readonly FoundTerm<Meaning>[] {
    const whole = normalised(text);
    const found = new Map<string, FoundTerm<Meaning>>();
    // Most texts hold no term: where their words begin is then nobody's question.
    let known: Before | undefined;
    const before = (): Before => {
      known ??= this.#wordsBefore(whole);
      return known;
    };
    let at = 0;
    while (at < whole.length) {
      const term = this.#longestAt(whole, at, before);
      if (term === undefined) {
        at += 1;
        continue;
      }
      const meaning = this.#terms.get(term) as Meaning;
      const negated = this.#negators.has(before().get(at) ?? "");
      if (!found.has(term)) found.set(term, { text: term, meaning, negated });
      at += term.length;
    }
    return [...found.values()];
  }

  #longestAt(whole: string, at: number, before: () => Before): string | undefined {
    for (const length of this.#lengths.get(whole.charAt(at)) ?? NO_LENGTHS) {
      const term = whole.slice(at, at + length);
      if (!this.#terms.has(term)) continue;
      if (length >= PHRASE || (before().has(at) && before().has(at + length))) return term;
    }
    return undefined;
  }

  /** By each place where a word begins, the word before it; blanks are none. */
  #wordsBefore(whole: string): Before {
    const before = new Map<number, string>([[0, ""]]);
    let at = 0;
    let last = "";
    for (const word of this.#words(whole)) {
      at += word.length;
      if (word.trim() !== "") last = word;
      before.set(at, last);
    }
    return before;
  }
}

type Before = ReadonlyMap<number, string>;

const NO_LENGTHS: readonly number[] = [];

function normalised(text: string): string {
  return text.normalize("NFKC").toLowerCase().trim();
}
