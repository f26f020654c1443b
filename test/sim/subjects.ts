/** Whether subjects match a pattern with `*` for a token and `>` for the rest. */
export function subjectMatcher(pattern: string): (subject: string) => boolean {
  if (!/[*>]/.test(pattern)) return (subject) => subject === pattern;
  const beginning = pattern.endsWith(">") ? pattern.slice(0, -1) : pattern;
  if (!/[*>]/.test(beginning)) return (subject) => subject.startsWith(beginning);
  const tokens = pattern.split(".").map((token) => {
    if (token === "*") return "[^.]*";
    return token === ">" ? ".*" : token.replace(/[^\w]/g, "\\$&");
  });
  const matching = new RegExp(`^${tokens.join("\\.")}$`);
  return (subject) => matching.test(subject);
}
