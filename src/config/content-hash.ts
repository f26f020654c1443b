import { hash128 } from "../codec/hash.ts";

/** 32 hex digits of plain data, whatever the order of its keys. */
export function contentHash(data: unknown): string {
  const sorted = JSON.stringify(data, (_key, value: unknown) =>
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
  return hash128(sorted);
}
