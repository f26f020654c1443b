/** An object as JSON has them, not an array, not bytes. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    !ArrayBuffer.isView(value)
  );
}

/**
 * Path below `path` of the first thing that JSON cannot say: an infinite number, NaN, bytes.
 * Undefined when all of it is plain. The depth of `value` is bounded by the guard it came through.
 */
export function findUnplain(value: unknown, path: string): string | undefined {
  switch (typeof value) {
    case "string":
    case "boolean":
      return undefined;
    case "number":
      return Number.isFinite(value) ? undefined : path;
    case "object":
      break;
    default:
      return path;
  }
  if (value === null) return undefined;
  if (ArrayBuffer.isView(value)) return path;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i += 1) {
      const found = findUnplain(value[i], "");
      if (found !== undefined) return `${path}.${i}${found}`;
    }
    return undefined;
  }
  const record = value as Readonly<Record<string, unknown>>;
  for (const key of Object.keys(record)) {
    const found = findUnplain(record[key], "");
    if (found !== undefined) return `${path}.${key.slice(0, 64)}${found}`;
  }
  return undefined;
}
