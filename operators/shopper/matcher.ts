import {
  type Constraint,
  FACT_OF,
  type Field,
  type Matcher,
  type Test,
} from "../../src/config/condition-ast.ts";
import type { Facts } from "../../src/flow/operator.ts";
import type { PropValue, ShopEvent } from "../event.ts";
import { type Fields, fieldsOf } from "./catalog.ts";

type Props = Readonly<Record<string, PropValue>>;

/** Lines of an order that conditions look at. */
const MAX_LINES = 200;

/** Which matchers of a file an event meets. Each is judged once per event, whoever asks. */
export class Matchers {
  readonly #byType = new Map<string, Matcher[]>();

  constructor(matchers: readonly Matcher[]) {
    for (const matcher of matchers) {
      for (const type of matcher.events) {
        const known = this.#byType.get(type);
        if (known === undefined) this.#byType.set(type, [matcher]);
        else known.push(matcher);
      }
    }
  }

  /** True when events of the type can match at all. */
  knows(type: string): boolean {
    return this.#byType.has(type);
  }

  /** Indexes of the matchers that the event meets, by the facts in force now. */
  of(event: ShopEvent, facts: Facts): number[] {
    const met: number[] = [];
    for (const matcher of this.#byType.get(event.type) ?? []) {
      if (meets(event, matcher.where, facts)) met.push(matcher.index);
    }
    return met;
  }
}

/**
 * All conditions hold. For an order with `lines`, all conditions on its goods must hold for one and
 * the same line.
 */
function meets(event: ShopEvent, where: readonly Constraint[], facts: Facts): boolean {
  if (where.length === 0) return true;
  return subjectsOf(event, where).some((props) =>
    where.every(({ field, tests }) => {
      const value = fieldValue(field, props, facts);
      return value !== undefined && value !== null && tests.every((test) => holds(test, value));
    }),
  );
}

/** What the conditions are about: the event, or each of its lines over the event's own properties. */
function subjectsOf(event: ShopEvent, where: readonly Constraint[]): readonly Props[] {
  const lines = event.props["lines"];
  if (!Array.isArray(lines) || !where.some(({ field }) => field.of === "sku")) return [event.props];
  const subjects: Props[] = [];
  for (const line of lines.slice(0, MAX_LINES)) {
    if (typeof line === "object" && line !== null) subjects.push({ ...event.props, ...line });
  }
  return subjects.length === 0 ? [event.props] : subjects;
}

function fieldValue(field: Field, props: Props, facts: Facts): unknown {
  if (field.of === "event") return own(props, field.name);
  const { fact, key } = FACT_OF[field.of];
  const subject = own(props, key);
  const known = typeof subject === "string" ? fieldsOf(facts, fact, subject) : undefined;
  const value = known === undefined ? undefined : own(known, field.name);
  return value ?? own(props, field.name);
}

const own = (fields: Fields, name: string): unknown =>
  Object.hasOwn(fields, name) ? fields[name] : undefined;

function holds(test: Test, value: unknown): boolean {
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
