import { parseDuration } from "../time/event-time.ts";
import {
  type Constraint,
  FACT_OF,
  type Field,
  type Scalar,
  type Test,
  TOUCHPOINT,
} from "./condition-ast.ts";
import type { TestsSource, WhereSource } from "./condition-schema.ts";
import { didYouMean } from "./did-you-mean.ts";
import { show } from "./finding.ts";
import type { Problem } from "./problem.ts";
import type { PropInfo, TrackingPlan } from "./tracking-plan.ts";
import type { Complaint, Path, YamlFile } from "./yaml-file.ts";

/** Lists of values by name. */
type Dict = Readonly<Record<string, readonly Scalar[]>>;

const ORDERS = ["gte", "gt", "lte", "lt"] as const;

/** Reads `where` blocks, checking names, types and units against the tracking plan. */
export class WhereReader {
  readonly #file: YamlFile;
  readonly #plan: TrackingPlan;
  readonly #dict: Dict;
  readonly problems: Problem[] = [];

  /** `dict`: the file's lists by name, for `in: dict.size`. */
  constructor(file: YamlFile, plan: TrackingPlan, dict: Dict) {
    this.#file = file;
    this.#plan = plan;
    this.#dict = dict;
  }

  /** Constraints on events of these (known) types; what is wrong goes to `problems`. */
  read(where: WhereSource | undefined, events: readonly string[], at: Path): Constraint[] {
    const conditions: Constraint[] = [];
    for (const [key, source] of Object.entries(where ?? {})) {
      const path = [...at, key];
      const field = fieldOf(key);
      const info = this.#info(field, key, events, path);
      if (field === undefined || info === undefined) continue;
      const tests =
        typeof source === "object"
          ? this.#tests(source, info, key, path)
          : this.#equal(source, info, key, path);
      if (tests.length > 0) conditions.push({ field, tests });
    }
    return conditions;
  }

  #complain(path: Path, complaint: Complaint): void {
    this.problems.push(this.#file.problem(path, complaint));
  }

  #info(
    field: Field | undefined,
    key: string,
    events: readonly string[],
    path: Path,
  ): PropInfo | undefined {
    if (field === undefined) {
      this.#unknown(
        path,
        key,
        `\`${key}\` reads no known kind of fact`,
        Object.keys(FACT_OF).map((of) => `${of}.`),
      );
      return undefined;
    }
    if (field.of === "event") return this.#eventInfo(field.name, events, path);
    const { of, name } = field;
    const known = this.#plan.factFields(of).map((fact) => `${of}.${fact}`);
    const info = this.#plan.factField(of, name);
    if (info === undefined) {
      this.#unknown(path, key, `no fact field is called \`${key}\``, known);
      return undefined;
    }
    const names = of === "sku" ? ["sku", "lines", name] : [FACT_OF[of].key, name];
    const blind = events.find((event) => !names.some((n) => this.#plan.property(event, n)));
    if (blind === undefined) return info;
    this.#unknown(
      path,
      key,
      `\`${blind}\` names no ${of}, so \`${key}\` cannot be read`,
      this.#plan.properties(blind),
    );
    return undefined;
  }

  #eventInfo(name: string, events: readonly string[], path: Path): PropInfo | undefined {
    if (name === TOUCHPOINT) return { is: "enum", unit: undefined, values: this.#plan.touchpoints };
    let info: PropInfo | undefined;
    for (const event of events) {
      const own = this.#plan.property(event, name);
      if (own === undefined) {
        this.#unknown(
          path,
          name,
          `\`${event}\` has no property \`${name}\``,
          this.#plan.properties(event),
        );
        return undefined;
      }
      if (info !== undefined && (info.is !== own.is || info.unit !== own.unit)) {
        this.#complain(path, {
          code: "UNIT_MISMATCH",
          message: `\`${name}\` is of different types in ${events.join(" and ")}`,
          remedy: "Use one matcher for each type of event.",
          atKey: true,
        });
        return undefined;
      }
      info = own;
    }
    return info;
  }

  #unknown(path: Path, key: string, message: string, known: readonly string[]): void {
    this.#complain(path, {
      code: "PROPERTY_UNKNOWN",
      message,
      remedy: didYouMean(key, known),
      atKey: true,
    });
  }

  #equal(value: Scalar, info: PropInfo, key: string, path: Path): Test[] {
    const read = this.#scalar(value, info, key, path);
    return read === undefined ? [] : [{ op: "eq", value: read }];
  }

  #tests(source: TestsSource, info: PropInfo, key: string, at: Path): Test[] {
    const tests: Test[] = [];
    if (source.in !== undefined) tests.push(this.#among(source.in, info, key, [...at, "in"]));
    if (source.any !== undefined && this.#isText(info, key, [...at, "any"])) {
      tests.push({ op: "any", texts: source.any.map((text) => text.toLowerCase()) });
    }
    if (source.prefix !== undefined && this.#isText(info, key, [...at, "prefix"])) {
      tests.push({ op: "prefix", text: source.prefix });
    }
    for (const op of ORDERS) {
      const bound = source[op];
      const value = bound === undefined ? undefined : this.#number(bound, info, key, [...at, op]);
      if (value !== undefined) tests.push({ op, value });
    }
    return tests;
  }

  #among(source: NonNullable<TestsSource["in"]>, info: PropInfo, key: string, at: Path): Test {
    const name = typeof source === "string" ? source.slice("dict.".length) : undefined;
    const listed = name === undefined || !Object.hasOwn(this.#dict, name) ? [] : this.#dict[name];
    const values = typeof source === "string" ? (listed ?? []) : source;
    if (name !== undefined && values.length === 0) {
      this.#complain(at, {
        code: "NAME_UNKNOWN",
        message: `no list under \`dict\` is called \`${name}\``,
        remedy: didYouMean(name, Object.keys(this.#dict)),
      });
    }
    const read = values.map((value, i) =>
      this.#scalar(value, info, key, typeof source === "string" ? at : [...at, i]),
    );
    return { op: "in", values: read.filter((value) => value !== undefined) };
  }

  /** The property, when it is a number on every event of these (known) types. */
  number(name: string, events: readonly string[], path: Path): PropInfo | undefined {
    const info = this.#eventInfo(name, events, path);
    if (info === undefined || ["integer", "number"].includes(info.is)) return info;
    this.#complain(path, {
      code: "TYPE_WRONG",
      message: `\`${name}\` is no number but ${KINDS[info.is]}`,
      remedy: "Name a property that is a number.",
    });
    return undefined;
  }

  /** A bound on sums of a property: in its unit, and a sum of ratios may be above 1. */
  amount(value: Scalar, info: PropInfo, key: string, path: Path): number | undefined {
    return typeof value === "number" ? value : this.#number(value, info, key, path);
  }

  #isText(info: PropInfo, key: string, path: Path): boolean {
    if (["string", "strings", "enum", "scalar"].includes(info.is)) return true;
    this.#complain(path, {
      code: "TYPE_WRONG",
      message: `\`${key}\` is no text but ${KINDS[info.is]}`,
      remedy: "Compare it with `gte`, `gt`, `lte`, `lt`, `in`, or a plain value.",
      atKey: true,
    });
    return false;
  }

  #scalar(value: Scalar, info: PropInfo, key: string, path: Path): Scalar | undefined {
    if (info.is === "integer" || info.is === "number") return this.#number(value, info, key, path);
    if (info.is === "scalar") return value;
    if (info.is === "enum" && !(info.values ?? []).includes(String(value))) {
      this.#complain(path, {
        code: "VALUE_UNKNOWN",
        message: `${show(value)} is no value of \`${key}\``,
        remedy: didYouMean(String(value), info.values ?? []),
      });
      return undefined;
    }
    const wanted = info.is === "boolean" ? "boolean" : "string";
    if (info.is !== "lines" && typeof value === wanted) return value;
    this.#complain(path, {
      code: "TYPE_WRONG",
      message: `${show(value)} cannot equal \`${key}\`, which is ${KINDS[info.is]}`,
      remedy: EQUAL_REMEDIES[info.is] ?? "Put the value in quotes.",
    });
    return undefined;
  }

  /** In the unit of the property. */
  #number(value: Scalar, info: PropInfo, key: string, path: Path): number | undefined {
    if (!["integer", "number", "scalar"].includes(info.is)) {
      this.#complain(path, {
        code: "TYPE_WRONG",
        message: `\`${key}\` is no number but ${KINDS[info.is]}`,
        remedy: "Compare it with a plain value, `in`, `any` or `prefix`.",
        atKey: true,
      });
      return undefined;
    }
    const number = typeof value === "string" ? measured(value, info) : value;
    if (typeof number === "number" && (info.unit !== "ratio" || (number >= 0 && number <= 1))) {
      return number;
    }
    this.#complain(path, {
      code: "UNIT_MISMATCH",
      message: `${show(value)} is no measure of \`${key}\`, which is ${UNITS[info.unit ?? "none"]}`,
      remedy: UNIT_REMEDIES[info.unit ?? "none"],
    });
    return undefined;
  }
}

/** Undefined for a prefix that names no kind of fact. */
function fieldOf(key: string): Field | undefined {
  const dot = key.indexOf(".");
  if (dot < 0) return { of: "event", name: key };
  const of = key.slice(0, dot);
  const name = key.slice(dot + 1);
  return of === "sku" || of === "content" || of === "live" ? { of, name } : undefined;
}

function measured(text: string, { unit }: PropInfo): number | undefined {
  if (unit === "ms") return parseDuration(text);
  const percent = /^(\d{1,3}(?:\.\d{1,6})?)%$/.exec(text);
  return unit === "ratio" && percent !== null ? Number(percent[1]) / 100 : undefined;
}

const KINDS: Readonly<Record<PropInfo["is"], string>> = {
  string: "a text",
  strings: "a list of texts",
  enum: "one of a few texts",
  integer: "a whole number",
  number: "a number",
  boolean: "true or false",
  lines: "a list of order lines",
  scalar: "a text, a number or a boolean",
};
const EQUAL_REMEDIES: Partial<Readonly<Record<PropInfo["is"], string>>> = {
  boolean: "Write true or false.",
  lines: "Put a condition on `sku.…`; it holds when it holds for any line.",
};
const UNITS = {
  ms: "in milliseconds",
  minor: "money in minor units",
  ratio: "a ratio from 0 to 1",
  count: "in pieces",
  none: "a plain number",
} as const;
const UNIT_REMEDIES = {
  ms: "Write a length of time such as 90s or 15m, or whole milliseconds.",
  minor: "Write the amount in minor units: 2000 for 20 yuan.",
  ratio: "Write a number from 0 to 1 such as 0.9, or a share such as 90%.",
  count: "Write a plain number.",
  none: "Write a plain number.",
} as const;
