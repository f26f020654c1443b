/** What a term of the lexicon says: how strongly it speaks for each intent, in log-odds. */
export interface Term<Meaning> {
  readonly text: string;
  readonly meaning: Meaning;
}

/**
 * Finds the terms of a lexicon in a text by forward maximum match: from left to right, at each
 * place the longest term that fits, then on behind it. Chinese needs no word boundaries for that,
 * and 保修期 is not taken for 修. Texts are compared in lower case after NFKC.
 */
export class WordFinder<Meaning> {
  readonly #terms = new Map<string, Meaning>();
  /** Lengths of the terms that begin with a character, the longest first. */
  readonly #lengths = new Map<string, number[]>();

  constructor(terms: Iterable<Term<Meaning>>) {
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
  find(text: string): readonly Term<Meaning>[] {
    const words = normalised(text);
    const found = new Map<string, Meaning>();
    let at = 0;
    while (at < words.length) at += this.#longestAt(words, at, found);
    return [...found].map(([word, meaning]) => ({ text: word, meaning }));
  }

  /** Length of the longest term at a place, which joins `found`; 1 when there is none. */
  #longestAt(words: string, at: number, found: Map<string, Meaning>): number {
    for (const length of this.#lengths.get(words.charAt(at)) ?? []) {
      const word = words.slice(at, at + length);
      const meaning = this.#terms.get(word);
      if (meaning === undefined) continue;
      found.set(word, meaning);
      return length;
    }
    return 1;
  }
}

function normalised(text: string): string {
  return text.normalize("NFKC").toLowerCase().trim();
}
