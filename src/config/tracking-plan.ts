import type { Millis } from "../time/event-time.ts";
import { didYouMean } from "./did-you-mean.ts";
import type { Reading } from "./problem.ts";
import { type PropCheck, propCheck, Refused } from "./prop-check.ts";
import { schemaReader } from "./schema-check.ts";
import { durationOf, type Hours, hoursOf } from "./texts.ts";
import { planProblems } from "./tracking-plan-problems.ts";
import {
  type PropTypeSource,
  type TouchpointSource,
  TrackingPlanSchema,
  type TrackingPlanSource,
} from "./tracking-plan-schema.ts";
import type { YamlFile } from "./yaml-file.ts";

export type PlainValue =
  | string
  | number
  | boolean
  | null
  | readonly PlainValue[]
  | { readonly [k: string]: PlainValue };
export type PlainProps = Readonly<Record<string, PlainValue>>;

export type Validated =
  | {
      readonly ok: true;
      /** Declared properties only; the very object given where nothing had to change. */
      readonly props: PlainProps;
      /** How many undeclared properties were left out. */
      readonly stripped: number;
    }
  | {
      readonly ok: false;
      readonly field: string;
      /** A subject token: `unknown_schema`, `missing`, `wrong_type`, `out_of_range` … */
      readonly reason: string;
      readonly remedy: string;
    };

/** A touchpoint as the plan registers it. */
export interface RegisteredTouchpoint {
  readonly name: string;
  readonly title: string;
  readonly owner: string | undefined;
  /** It is silent when nothing has come of it for so long. */
  readonly silentAfter: Millis | undefined;
  /** Local hours in which silence counts; any hour if empty. */
  readonly active: readonly Hours[];
  /** Types of events that come of it, and for how long each may fail to. */
  readonly expects: readonly (readonly [type: string, silentAfter: Millis])[];
}

/** What a code of how somebody came in stands for: a place, or traffic that is nobody's behaviour. */
export interface Scene {
  readonly entry?: string;
  readonly flag?: string;
}

/** What the plan says of one property. */
export interface PropInfo {
  readonly is: PropTypeSource["is"];
  readonly unit: PropTypeSource["unit"];
  readonly values: readonly string[] | undefined;
}

/** The tracking plan, compiled. */
export interface TrackingPlan {
  /** Types of events, in the order of the file. */
  readonly types: readonly string[];
  readonly touchpoints: readonly string[];
  readonly registry: readonly RegisteredTouchpoint[];
  /** By code, four digits. */
  readonly scenes: ReadonlyMap<string, Scene>;
  /** The type of event that a click on an element of a page stands for. */
  readonly elements: ReadonlyMap<string, string>;
  /** Every property name of the plan, sorted. */
  readonly words: readonly string[];
  /**
   * Own properties only, so `__proto__` and the like never come through; null and undefined count
   * as left out. Never throws. Touchpoint `unknown` passes everywhere.
   */
  validate(type: string, props: Readonly<Record<string, unknown>>, touchpoint?: string): Validated;
  /** Undefined when events of this type carry no such property, or there is no such type. */
  property(type: string, name: string): PropInfo | undefined;
  /** Names of the properties of a type, common ones too. */
  properties(type: string): readonly string[];
  /** What is known of a field of facts, `sku`, `content` or `live`. */
  factField(of: string, name: string): PropInfo | undefined;
  factFields(of: string): readonly string[];
}

/** The plan as it is written, for whoever compares plans. */
export const readPlanSource = schemaReader(TrackingPlanSchema);

export function readTrackingPlan(file: YamlFile): Reading<TrackingPlan> {
  const { value, problems } = readPlanSource(file);
  if (value === undefined) return { value: undefined, problems };
  const found = planProblems(file, value);
  return found.length > 0
    ? { value: undefined, problems: found }
    : { value: compile(value), problems: [] };
}

interface EventRule {
  readonly checks: ReadonlyMap<string, PropCheck>;
  readonly info: ReadonlyMap<string, PropInfo>;
  readonly required: readonly string[];
  readonly oneOf: readonly (readonly string[])[];
  readonly touchpoints: ReadonlySet<string> | undefined;
}

function compile(plan: TrackingPlanSource): TrackingPlan {
  const checks = new Map(Object.entries(plan.types).map(([name, type]) => [name, propCheck(type)]));
  const infos = new Map(
    Object.entries(plan.types).map(([name, { is, unit, values }]): [string, PropInfo] => [
      name,
      { is, unit, values },
    ]),
  );
  const rules = new Map(
    Object.entries(plan.events).map(([name, event]): [string, EventRule] => {
      const props = Object.entries({ ...plan.common, ...event.optional, ...event.required });
      return [
        name,
        {
          checks: pick(props, checks),
          info: pick(props, infos),
          required: Object.keys(event.required ?? {}),
          oneOf: event.one_of ?? [],
          touchpoints: event.touchpoints && new Set([...event.touchpoints, "unknown"]),
        },
      ];
    }),
  );
  const facts = new Map(
    Object.entries(plan.facts).map(([of, fields]) => [
      of,
      pick(Object.entries(fields ?? {}), infos),
    ]),
  );
  const words = new Set([...rules.values()].flatMap((rule) => [...rule.info.keys()]));
  return {
    types: [...rules.keys()],
    touchpoints: Object.keys(plan.touchpoints),
    registry: Object.entries(plan.touchpoints).map(registered),
    scenes: scenesOf(plan),
    elements: new Map(Object.entries(plan.elements ?? {})),
    words: [...words].sort(),
    validate: validator(rules),
    property: (type, name) => rules.get(type)?.info.get(name),
    properties: (type) => [...(rules.get(type)?.info.keys() ?? [])],
    factField: (of, name) => facts.get(of)?.get(name),
    factFields: (of) => [...(facts.get(of)?.keys() ?? [])],
  };
}

function registered([name, entry]: [string, TouchpointSource | string]): RegisteredTouchpoint {
  const {
    title,
    owner,
    silent_after,
    active = [],
    expects,
  }: TouchpointSource = typeof entry === "string" ? { title: entry } : entry;
  return {
    name,
    title,
    owner,
    silentAfter: silent_after === undefined ? undefined : durationOf(silent_after),
    active: active.map(hoursOf),
    expects: Object.entries(expects ?? {}).map(([type, limit]) => [type, durationOf(limit)]),
  };
}

function scenesOf({ scenes }: TrackingPlanSource): Map<string, Scene> {
  const found = new Map<string, Scene>();
  for (const [entry, codes] of Object.entries(scenes?.entries ?? {})) {
    for (const code of codes) found.set(String(code), { entry });
  }
  for (const [flag, codes] of Object.entries(scenes?.flags ?? {})) {
    for (const code of codes) found.set(String(code), { flag });
  }
  return found;
}

/** Property → what its type maps to. */
function pick<T>(
  props: readonly (readonly [string, string])[],
  byType: ReadonlyMap<string, T>,
): Map<string, T> {
  const picked = new Map<string, T>();
  for (const [name, type] of props) {
    const value = byType.get(type);
    if (value !== undefined) picked.set(name, value);
  }
  return picked;
}

function validator(rules: ReadonlyMap<string, EventRule>): TrackingPlan["validate"] {
  const types = [...rules.keys()];
  return (type, props, touchpoint) => {
    const rule = rules.get(type);
    if (rule === undefined) return refuse("type", "unknown_schema", unknownTypeRemedy(type, types));
    if (touchpoint !== undefined && rule.touchpoints?.has(touchpoint) === false) {
      return refuse(
        "touchpoint",
        "not_allowed",
        `Send it from ${[...rule.touchpoints].join(", ")}.`,
      );
    }
    const cleaned = clean(rule, props);
    if (!cleaned.ok) return cleaned;
    for (const name of rule.required) {
      if (!Object.hasOwn(cleaned.props, name)) {
        return refuse(name, "missing", `Send the property ${name} with every ${type}.`);
      }
    }
    for (const names of rule.oneOf) {
      if (!names.some((name) => Object.hasOwn(cleaned.props, name))) {
        return refuse(
          names.join("|"),
          "missing",
          `Send one of ${names.join(", ")} with every ${type}.`,
        );
      }
    }
    return cleaned;
  };
}

/** Copies only where something has to be left out or changed. */
function clean(rule: EventRule, props: Readonly<Record<string, unknown>>): Validated {
  let stripped = 0;
  let changed = false;
  for (const name in props) {
    const value = Object.hasOwn(props, name) ? props[name] : undefined;
    const check = rule.checks.get(name);
    if (check === undefined || value === null || value === undefined) {
      changed = true;
      continue;
    }
    const kept = check(value);
    if (kept instanceof Refused) return refuse(name, kept.reason, kept.remedy);
    if (!Object.is(kept, value)) changed = true;
  }
  if (!changed) return { ok: true, props: props as PlainProps, stripped };
  const copy: Record<string, PlainValue> = {};
  for (const name of Object.keys(props)) {
    const check = rule.checks.get(name);
    if (check === undefined) stripped += 1;
    else if (props[name] !== null && props[name] !== undefined)
      copy[name] = check(props[name]) as PlainValue;
  }
  return { ok: true, props: copy, stripped };
}

const refuse = (field: string, reason: string, remedy: string): Validated => ({
  ok: false,
  field,
  reason,
  remedy,
});

/** Types are well-known words, so the hint is worth its time only for plausible ones. */
const unknownTypeRemedy = (type: string, types: readonly string[]): string =>
  /^[a-z_.]{1,64}$/.test(type)
    ? `${didYouMean(type, types)} New types are declared in config/tracking-plan.yaml.`
    : "Use a type that config/tracking-plan.yaml declares.";
