import type { Test } from "./condition-ast.ts";

/** A single value passes a test; of a list, ask for each member. */
export function passes(test: Test, value: unknown): boolean {
  switch (test.op) {
    case "eq":
      return value === test.value;
    case "in":
      return test.values.some((allowed) => allowed === value);
    case "any": {
      const text = typeof value === "string" ? value.toLowerCase() : "";
      return test.texts.some((part) => text.includes(part));
    }
    case "prefix":
      return typeof value === "string" && value.startsWith(test.text);
    default:
      return typeof value === "number" && compares(test.op, value, test.value);
  }
}

function compares(op: "gte" | "gt" | "lte" | "lt", a: number, b: number): boolean {
  switch (op) {
    case "gte":
      return a >= b;
    case "gt":
      return a > b;
    case "lte":
      return a <= b;
    case "lt":
      return a < b;
  }
}
