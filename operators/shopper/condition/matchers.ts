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
import { withFields } from "../../../src/flow/with-fields.ts";
import type { PropValue, ShopEvent } from "../../event.ts";
import { type Fields, fieldsOf } from "../catalog.ts";

type Props = Readonly<Record<string, PropValue>>;

const NONE: readonly number[] = [];
/** Lines of an order that conditions look at. */
const MAX_LINES = 200;

/** A matcher where it is looked for: what must hold beside what it was found by. */
interface Candidate {
  readonly index: number;
  readonly where: readonly Constraint[];
  readonly ofGoods: boolean;
}

/** The matchers of one type of event: by a field and the value it must have, and the rest. */
interface TypeIndex {
  readonly lookups: Lookup[];
  readonly rest: Candidate[];
}

interface Lookup {
  readonly field: Field;
  /** Looked up where the matchers are judged: on each line of an order, or on the event alone. */
  readonly ofGoods: boolean;
  readonly byValue: Map<unknown, Candidate[]>;
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

  #place({ index, where }: Matcher, type: string): void {
    const { lookups, rest } = valueIn(this.#byType, type, () => ({ lookups: [], rest: [] }));
    const ofGoods = isOfGoods(where);
    const equal = equality(where);
    if (equal === undefined) {
      rest.push({ index, where, ofGoods });
      return;
    }
    const { field, test, values } = equal;
    const isSame = (other: Lookup) =>
      other.ofGoods === ofGoods && other.field.of === field.of && other.field.name === field.name;
    let lookup = lookups.find(isSame);
    if (lookup === undefined) {
      lookup = { field, ofGoods, byValue: new Map() };
      lookups.push(lookup);
    }
    const candidate = { index, where: remaining(where, test, ofGoods), ofGoods };
    for (const value of values) {
      valueIn(lookup.byValue, value, () => [] as Candidate[]).push(candidate);
    }
  }

  /** True when events of the type can match at all. */
  knows(type: string): boolean {
    return this.#byType.has(type);
  }

  /** Indexes of the matchers that the event meets, by the facts in force now. */
  of(event: ShopEvent, facts: Facts): readonly number[] {
    const index = this.#byType.get(event.type);
    if (index === undefined) return NONE;
    const met: number[] = [];
    meet(index.rest, event, facts, met);
    const hasLines = Array.isArray(event.props["lines"]);
    for (const lookup of index.lookups) {
      const { field, ofGoods, byValue } = lookup;
      const single = ofGoods && hasLines ? undefined : fieldValue(field, event, event.props, facts);
      if ((ofGoods && hasLines) || Array.isArray(single)) {
        for (const value of valuesIn(event, lookup, facts))
          meet(byValue.get(value), event, facts, met);
      } else meet(byValue.get(single), event, facts, met);
    }
    return met;
  }
}

/** Adds those of the candidates that the event meets. */
function meet(
  candidates: readonly Candidate[] | undefined,
  event: ShopEvent,
  facts: Facts,
  met: number[],
): void {
  if (candidates === undefined) return;
  for (const candidate of candidates) {
    const { index } = candidate;
    if (!met.includes(index) && meets(event, candidate, facts)) met.push(index);
  }
}

function valueIn<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}

/** A field that must have one of these values, and the test that says so; undefined when none does. */
function equality(
  where: readonly Constraint[],
): { field: Field; test: Test; values: readonly Scalar[] } | undefined {
  for (const { field, tests } of where) {
    for (const test of tests) {
      if (test.op === "eq") return { field, test, values: [test.value] };
      if (test.op === "in") return { field, test, values: test.values };
    }
  }
  return undefined;
}

/**
 * What is left to ask where a test is known to hold. Of goods all must hold on one and the same line,
 * so there it is asked again, unless it is all that is asked.
 */
function remaining(
  where: readonly Constraint[],
  known: Test,
  ofGoods: boolean,
): readonly Constraint[] {
  const left = where
    .map(({ field, tests }) => ({ field, tests: tests.filter((test) => test !== known) }))
    .filter(({ tests }) => tests.length > 0);
  return ofGoods && left.length > 0 ? where : left;
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
function meets(event: ShopEvent, { where, ofGoods }: Candidate, facts: Facts): boolean {
  if (where.length === 0) return true;
  if (!ofGoods || !Array.isArray(event.props["lines"]))
    return allHold(where, event, event.props, facts);
  return subjectsOf(event, ofGoods).some((props) => allHold(where, event, props, facts));
}

function allHold(
  where: readonly Constraint[],
  event: ShopEvent,
  props: Props,
  facts: Facts,
): boolean {
  for (const { field, tests } of where) {
    const value = fieldValue(field, event, props, facts);
    if (value === undefined || value === null) return false;
    for (const test of tests) if (!holds(test, value)) return false;
  }
  return true;
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
    if (typeof line === "object" && line !== null) subjects.push(withFields(event.props, line));
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
