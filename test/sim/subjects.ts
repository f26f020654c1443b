/** Whether a subject matches a pattern with `*` for a token and `>` for the rest. */
export function subjectMatches(pattern: string, subject: string): boolean {
  if (pattern === subject || pattern === ">") return true;
  if (!pattern.includes("*") && !pattern.endsWith(">")) return false;
  const wanted = pattern.split(".");
  const tokens = subject.split(".");
  for (let i = 0; i < wanted.length; i += 1) {
    if (wanted[i] === ">") return tokens.length > i;
    if (tokens[i] === undefined || (wanted[i] !== "*" && wanted[i] !== tokens[i])) return false;
  }
  return tokens.length === wanted.length;
}
