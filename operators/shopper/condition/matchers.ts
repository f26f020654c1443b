import {
  type Constraint,
  FACT_OF,
  type Field,
  type Matcher,
  type Scalar,
  type Test,
  TOUCHPOINT,
} from "../../../src/config/condition-ast.ts";
import { passes } from "../../../src/config/passes.ts";
import type { Facts } from "../../../src/flow/operator.ts";
import type { PropValue, ShopEvent } from "../../event.ts";
import { type Fields, fieldsOf } from "../catalog.ts";

type Props = Readonly<Record<string, PropValue>>;

/** Lines of an order that conditions look at. */
const MAX_LINES = 200;

/** The matchers of one type of event: by a field and the value it must have, and the rest. */
interface TypeIndex {
  readonly lookups: Map<string, Lookup>;
  readonly rest: Matcher[];
}

interface Lookup {
  readonly field: Field;
  /** Looked up where the matchers are judged: on each line of an order, or on the event alone. */
  readonly ofGoods: boolean;
  readonly byValue: Map<unknown, Matcher[]>;
}

/**
 * Which matchers of a file an event meets. Each is judged once per event, whoever asks; those that
 * want a field to equal something are looked up by its value, so their number does not matter.
 */
export class Matchers {
  readonly #byType = new Map<string, TypeIndex>();

  constructor(matchers: readonly Matcher[]) {
    for (const matcher of matchers) {
      for (const type of matcher.events) this.#place(matcher, type);
    }
  }

  #place(matcher: Matcher, type: string): void {
    const index = valueIn(this.#byType, type, () => ({ lookups: new Map(), rest: [] }));
    const equal = equality(matcher.where);
    if (equal === undefined) {
      index.rest.push(matcher);
      return;
    }
    const { field, values } = equal;
    const ofGoods = isOfGoods(matcher.where);
    const name = `${field.of}.${field.name}.${ofGoods}`;
    const lookup = () => ({ field, ofGoods, byValue: new Map() });
    const { byValue } = valueIn(index.lookups, name, lookup);
    for (const value of values) valueIn(byValue, value, () => [] as Matcher[]).push(matcher);
  }

  /** True when events of the type can match at all. */
  knows(type: string): boolean {
    return this.#byType.has(type);
  }

  /** Indexes of the matchers that the event meets, by the facts in force now. */
  of(event: ShopEvent, facts: Facts): number[] {
    const met: number[] = [];
    const index = this.#byType.get(event.type);
    if (index === undefined) return met;
    const check = (matchers: readonly Matcher[]) => {
      for (const matcher of matchers) {
        if (meets(event, matcher.where, facts) && !met.includes(matcher.index)) {
          met.push(matcher.index);
        }
      }
    };
    check(index.rest);
    for (const lookup of index.lookups.values()) {
      for (const value of valuesIn(event, lookup, facts)) check(lookup.byValue.get(value) ?? []);
    }
    return met;
  }
}

function valueIn<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}

/** A field that must have one of these values; undefined when nothing is asked so plainly. */
function equality(
  where: readonly Constraint[],
): { field: Field; values: readonly Scalar[] } | undefined {
  for (const { field, tests } of where) {
    for (const test of tests) {
      if (test.op === "eq") return { field, values: [test.value] };
      if (test.op === "in") return { field, values: test.values };
    }
  }
  return undefined;
}

/** The values that an event has for a field: of a list each, of an order those of each line. */
function valuesIn(event: ShopEvent, lookup: Lookup, facts: Facts): readonly unknown[] {
  const { field, ofGoods } = lookup;
  const values = subjectsOf(event, ofGoods).flatMap((props) => {
    const value = fieldValue(field, event, props, facts);
    return Array.isArray(value) ? (value as unknown[]) : [value];
  });
  return values.length === 1 ? values : [...new Set(values)];
}

/**
 * All constraints hold. For an order with `lines`, all constraints on its goods must hold for one
 * and the same line.
 */
function meets(event: ShopEvent, where: readonly Constraint[], facts: Facts): boolean {
  if (where.length === 0) return true;
  return subjectsOf(event, isOfGoods(where)).some((props) =>
    where.every(({ field, tests }) => {
      const value = fieldValue(field, event, props, facts);
      return value !== undefined && value !== null && tests.every((test) => holds(test, value));
    }),
  );
}

/** True when a constraint is about goods: then all of them are judged line by line. */
const isOfGoods = (where: readonly Constraint[]): boolean =>
  where.some(({ field }) => field.of === "sku");

/** What constraints are about: the event, or each of its lines over the event's own properties. */
function subjectsOf(event: ShopEvent, ofGoods: boolean): readonly Props[] {
  const lines = event.props["lines"];
  if (!ofGoods || !Array.isArray(lines)) return [event.props];
  const subjects: Props[] = [];
  for (const line of lines.slice(0, MAX_LINES)) {
    if (typeof line === "object" && line !== null) subjects.push({ ...event.props, ...line });
  }
  return subjects.length === 0 ? [event.props] : subjects;
}

function fieldValue(field: Field, event: ShopEvent, props: Props, facts: Facts): unknown {
  if (field.of === "event")
    return field.name === TOUCHPOINT ? event.touchpoint : own(props, field.name);
  const { fact, key } = FACT_OF[field.of];
  const subject = own(props, key);
  const known = typeof subject === "string" ? fieldsOf(facts, fact, subject) : undefined;
  const value = known === undefined ? undefined : own(known, field.name);
  return value ?? own(props, field.name);
}

const own = (fields: Fields, name: string): unknown =>
  Object.hasOwn(fields, name) ? fields[name] : undefined;

/** A list holds when one of its members does. */
function holds(test: Test, value: unknown): boolean {
  return Array.isArray(value) ? value.some((member) => passes(test, member)) : passes(test, value);
}
