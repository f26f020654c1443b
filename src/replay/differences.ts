/** Where two JSON values differ, one line a place: `items[0].score: 0.71 published, 0.82 expected`. */
export function differences(published: unknown, expected: unknown, most: number): string[] {
  const found: string[] = [];
  compare("", published, expected, found, most);
  return found;
}

type Fields = Readonly<Record<string, unknown>>;
const isObject = (value: unknown): value is Fields => typeof value === "object" && value !== null;

function compare(path: string, a: unknown, b: unknown, found: string[], most: number): void {
  if (found.length >= most || Object.is(a, b)) return;
  if (!isObject(a) || !isObject(b) || Array.isArray(a) !== Array.isArray(b)) {
    found.push(`${path === "" ? "the whole" : path}: ${shown(a)} published, ${shown(b)} expected`);
    return;
  }
  for (const name of new Set([...Object.keys(a), ...Object.keys(b)])) {
    const field = Array.isArray(a) ? `${path}[${name}]` : path === "" ? name : `${path}.${name}`;
    compare(
      field,
      Object.hasOwn(a, name) ? a[name] : undefined,
      Object.hasOwn(b, name) ? b[name] : undefined,
      found,
      most,
    );
  }
}

const MOST_SHOWN = 120;

function shown(value: unknown): string {
  if (value === undefined) return "nothing";
  const text = JSON.stringify(value);
  return text.length <= MOST_SHOWN ? text : `${text.slice(0, MOST_SHOWN)}…`;
}
