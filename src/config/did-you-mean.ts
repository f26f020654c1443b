const LONGEST = 64;

/** The candidate most like `word`, if any is so near that it may have been meant. */
function nearest(word: string, candidates: Iterable<string>): string | undefined {
  if (word.length > LONGEST) return undefined;
  const lower = word.toLowerCase();
  let best: string | undefined;
  let bestCost = Math.max(1, Math.floor(word.length * 0.4)) + 1;
  for (const candidate of candidates) {
    if (candidate.length > LONGEST) continue;
    const cost = costOf(lower, candidate.toLowerCase());
    if (cost < bestCost) {
      best = candidate;
      bestCost = cost;
    }
  }
  return best;
}

/** A remedy sentence: the nearest name where there is one, else the whole (shortened) list. */
export function didYouMean(word: string, candidates: readonly string[]): string {
  const near = nearest(word, candidates);
  if (near !== undefined) return `Did you mean \`${near}\`?`;
  if (candidates.length === 0) return "Delete it; nothing is allowed here.";
  const shown = candidates.slice(0, 12).map((name) => `\`${name}\``);
  return `Use one of ${shown.join(", ")}${candidates.length > shown.length ? ", …" : ""}.`;
}

/** A word cut short, or written out further, is as near as one edit. */
function costOf(word: string, candidate: string): number {
  const short = Math.min(word.length, candidate.length);
  const cut = short >= 4 && word.slice(0, short) === candidate.slice(0, short);
  return Math.min(distance(word, candidate), cut ? 1.5 : Number.POSITIVE_INFINITY);
}

/** Edits to make one text of the other; two swapped neighbours are one edit. */
function distance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let cost = Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + same);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) cost = Math.min(cost, (before[j - 2] ?? 0) + 1);
      next.push(cost);
    }
    before = row;
    row = next;
  }
  return row[b.length] ?? 0;
}
