import { hash128 } from "../../../src/codec/hash.ts";
import type { Matcher } from "../../../src/config/condition-ast.ts";

/** Of a leaf's content, without the places its matchers happen to have. */
export function leafKey(...content: readonly unknown[]): string {
  const text = JSON.stringify(content, (_key, value: unknown) =>
    isMatcher(value) ? [value.events, value.where] : value,
  );
  return hash128(text).slice(0, 10);
}

const isMatcher = (value: unknown): value is Matcher =>
  typeof value === "object" && value !== null && "index" in value && "events" in value;
