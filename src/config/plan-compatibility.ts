import { show } from "./finding.ts";
import type { Problem } from "./problem.ts";
import type {
  EventPlanSource,
  PropTypeSource,
  TrackingPlanSource,
} from "./tracking-plan-schema.ts";
import type { Path, YamlFile } from "./yaml-file.ts";

/** Names of what a configuration defines with the help of an event and a property: `segment vip`. */
export type Users = (event: string | undefined, name?: string) => readonly string[];

/**
 * What of a plan breaks with the one before it: events that were accepted then and would be refused
 * now, and properties that would no longer come through. Everything may be added and widened.
 */
export function breakingChanges(
  file: YamlFile,
  now: TrackingPlanSource,
  before: TrackingPlanSource,
  users: Users,
): Problem[] {
  const comparison = new Comparison(file, now, before, users);
  comparison.run();
  return comparison.problems;
}

class Comparison {
  readonly problems: Problem[] = [];
  readonly #file: YamlFile;
  readonly #now: TrackingPlanSource;
  readonly #before: TrackingPlanSource;
  readonly #users: Users;

  constructor(file: YamlFile, now: TrackingPlanSource, before: TrackingPlanSource, users: Users) {
    this.#file = file;
    this.#now = now;
    this.#before = before;
    this.#users = users;
  }

  run(): void {
    const { types, touchpoints, events, facts, common } = this.#before;
    for (const [name, was] of Object.entries(types)) this.#type(name, was);
    for (const name of Object.keys(touchpoints)) {
      if (Object.hasOwn(this.#now.touchpoints, name)) continue;
      this.#complain(["touchpoints"], `touchpoint \`${name}\` is gone`, this.#users(name));
    }
    this.#props(["common"], undefined, common ?? {}, this.#now.common ?? {});
    for (const [of, fields] of Object.entries(facts)) {
      for (const name of Object.keys(fields ?? {})) {
        const kept = this.#now.facts[of as "sku"];
        if (kept !== undefined && Object.hasOwn(kept, name)) continue;
        const used = this.#users(undefined, `${of}.${name}`);
        this.#complain(["facts", of], `fact field \`${of}.${name}\` is gone`, used);
      }
    }
    for (const [name, was] of Object.entries(events)) this.#event(name, was);
  }

  #complain(path: Path, message: string, used: readonly string[]): void {
    const by = used.length === 0 ? "no segment or rule" : used.join(", ");
    this.problems.push(
      this.#file.problem(path, {
        code: "PLAN_BREAKING",
        message,
        remedy: `Trackers and readers count on it (used by ${by}): keep it, and add what is new beside it.`,
        atKey: true,
      }),
    );
  }

  #event(name: string, was: EventPlanSource): void {
    const is = this.#now.events[name];
    const path = ["events", name];
    const used = this.#users(name);
    if (is === undefined) {
      this.#complain(["events"], `event \`${name}\` is gone`, used);
      return;
    }
    const all = (event: EventPlanSource) => ({ ...event.optional, ...event.required });
    this.#props(path, name, all(was), { ...this.#now.common, ...all(is) });
    for (const prop of Object.keys(is.required ?? {})) {
      if (Object.hasOwn(was.required ?? {}, prop)) continue;
      const place = [...path, "required", prop];
      this.#complain(place, `\`${name}\` now needs \`${prop}\``, this.#users(name, prop));
    }
    const groups = new Set((was.one_of ?? []).map((group) => [...group].sort().join("|")));
    is.one_of?.forEach((group, i) => {
      if (groups.has([...group].sort().join("|"))) return;
      const place = [...path, "one_of", i];
      this.#complain(place, `\`${name}\` now needs one of ${group.join(", ")}`, used);
    });
    const open = was.touchpoints ?? Object.keys(this.#before.touchpoints);
    const shut = open.filter((at) => is.touchpoints?.includes(at) === false);
    if (shut.length > 0) {
      const place = [...path, "touchpoints"];
      this.#complain(place, `\`${name}\` may no longer come from ${shut.join(", ")}`, used);
    }
  }

  /** Every property that was there is there, of a type that takes what the old one took. */
  #props(
    path: Path,
    event: string | undefined,
    was: Readonly<Record<string, string>>,
    is: Readonly<Record<string, string>>,
  ): void {
    for (const [name, type] of Object.entries(was)) {
      const used = this.#users(event, name);
      const kept = is[name];
      const where = event === undefined ? "events" : `\`${event}\``;
      if (kept === undefined) {
        this.#complain(path, `${where} may no longer carry \`${name}\``, used);
        continue;
      }
      // The same type is compared once, where it is declared.
      if (kept === type) continue;
      const reason = narrowing(this.#before.types[type], this.#now.types[kept]);
      if (reason !== undefined) this.#complain(path, `\`${name}\` of ${where} ${reason}`, used);
    }
  }

  #type(name: string, was: PropTypeSource): void {
    const is = this.#now.types[name];
    const reason = is === undefined ? undefined : narrowing(was, is);
    if (reason === undefined) return;
    const used = Object.entries(this.#before.events).flatMap(([event, { required, optional }]) =>
      Object.entries({ ...required, ...optional }).flatMap(([prop, type]) =>
        type === name ? this.#users(event, prop) : [],
      ),
    );
    this.#complain(["types", name], `type \`${name}\` ${reason}`, [...new Set(used)].sort());
  }
}

/** Kinds that take whatever the key's kind took. */
const WIDER: Readonly<Record<string, readonly string[]>> = {
  integer: ["number", "scalar"],
  number: ["scalar"],
  boolean: ["scalar"],
  string: ["scalar"],
  enum: ["string", "scalar"],
};

/** What a type no longer takes that another took; undefined when it takes all of it. */
function narrowing(was?: PropTypeSource, is?: PropTypeSource): string | undefined {
  if (was === undefined || is === undefined) return undefined;
  if (was.is !== is.is && !WIDER[was.is]?.includes(is.is)) return `was ${was.is}, is ${is.is}`;
  if (was.unit !== is.unit) return `was in ${was.unit ?? "no unit"}, is in ${is.unit ?? "no unit"}`;
  const gone = (was.values ?? []).filter((value) => is.values?.includes(value) === false);
  if (gone.length > 0) return `no longer takes ${gone.map(show).join(", ")}`;
  for (const [key, byDefault] of MAXIMA) {
    const [old, left] = [was[key] ?? byDefault, is[key] ?? byDefault];
    if (left < old) return `has \`${key}\` ${left}, had ${old}`;
  }
  if ((is.min ?? -Infinity) > (was.min ?? -Infinity)) return `has \`min\` ${is.min}`;
  if (was.coerce === true && is.coerce !== true) return "no longer coerces";
  return undefined;
}

const MAXIMA = [
  ["max_length", 256],
  ["max_items", 100],
  ["max", Infinity],
] as const;
