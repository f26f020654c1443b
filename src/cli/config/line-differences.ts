/** Lines of a text that are only in one of two, each with `-` or `+` and its number, in order. */
export function lineDifferences(before: string, after: string): string[] {
  const [a, b] = [before.split("\n"), after.split("\n")];
  let begin = 0;
  while (begin < a.length && begin < b.length && a[begin] === b[begin]) begin += 1;
  let [endA, endB] = [a.length, b.length];
  while (endA > begin && endB > begin && a[endA - 1] === b[endB - 1]) {
    endA -= 1;
    endB -= 1;
  }
  return between(a.slice(begin, endA), b.slice(begin, endB), begin);
}

/** By the longest run of lines that both have in common, in order. */
function between(a: readonly string[], b: readonly string[], offset: number): string[] {
  const width = b.length + 1;
  const longest = new Uint32Array((a.length + 1) * width);
  const at = (i: number, j: number) => longest[i * width + j] ?? 0;
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      longest[i * width + j] =
        a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const lines: string[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      i += 1;
      j += 1;
    } else if (j >= b.length || (i < a.length && at(i + 1, j) >= at(i, j + 1))) {
      lines.push(`- ${offset + i + 1}  ${a[i]}`);
      i += 1;
    } else {
      lines.push(`+ ${offset + j + 1}  ${b[j]}`);
      j += 1;
    }
  }
  return lines;
}
