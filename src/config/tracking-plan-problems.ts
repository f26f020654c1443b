import { didYouMean } from "./did-you-mean.ts";
import type { Problem } from "./problem.ts";
import type {
  EventPlanSource,
  PropTypeSource,
  TrackingPlanSource,
} from "./tracking-plan-schema.ts";
import type { Path, YamlFile } from "./yaml-file.ts";

/** What a schema cannot see: names that lead nowhere, settings without meaning. */
export function planProblems(file: YamlFile, plan: TrackingPlanSource): Problem[] {
  const problems: Problem[] = [];
  const types = Object.keys(plan.types);
  const references = (props: Readonly<Record<string, string>> | undefined, path: Path): void => {
    for (const [name, type] of Object.entries(props ?? {})) {
      if (!types.includes(type)) problems.push(unknown(file, [...path, name], "type", type, types));
    }
  };
  for (const [name, type] of Object.entries(plan.types)) {
    problems.push(...typeProblems(file, type, ["types", name]));
  }
  references(plan.common, ["common"]);
  for (const [of, fields] of Object.entries(plan.facts)) references(fields, ["facts", of]);
  for (const [name, event] of Object.entries(plan.events)) {
    const path = ["events", name];
    references(event.required, [...path, "required"]);
    references(event.optional, [...path, "optional"]);
    problems.push(...eventProblems(file, plan, event, path));
  }
  problems.push(...touchpointProblems(file, plan), ...codeProblems(file, plan));
  return problems;
}

/** Events that a touchpoint or an element names must be there. */
function touchpointProblems(file: YamlFile, plan: TrackingPlanSource): Problem[] {
  const problems: Problem[] = [];
  const events = Object.keys(plan.events);
  for (const [name, entry] of Object.entries(plan.touchpoints)) {
    if (typeof entry === "string") continue;
    for (const type of Object.keys(entry.expects ?? {})) {
      if (events.includes(type)) continue;
      problems.push(unknown(file, ["touchpoints", name, "expects", type], "event", type, events));
    }
  }
  for (const [element, type] of Object.entries(plan.elements ?? {})) {
    if (!events.includes(type)) {
      problems.push(unknown(file, ["elements", element], "event", type, events));
    }
  }
  return problems;
}

const ENTRY = "entry_source";

function codeProblems(file: YamlFile, plan: TrackingPlanSource): Problem[] {
  const problems: Problem[] = [];
  const seen = new Set<number>();
  for (const kind of ["entries", "flags"] as const) {
    for (const [name, codes] of Object.entries(plan.scenes?.[kind] ?? {})) {
      codes.forEach((code, i) => {
        if (seen.has(code)) {
          problems.push(
            file.problem(["scenes", kind, name, i], {
              code: "NAME_DUPLICATE",
              message: `${code} stands twice`,
              remedy: "Keep a code under one name.",
            }),
          );
        }
        seen.add(code);
      });
    }
  }
  if (plan.scenes?.entries !== undefined && !Object.hasOwn(plan.common ?? {}, ENTRY)) {
    problems.push(
      file.problem(["scenes", "entries"], {
        code: "NAME_UNKNOWN",
        message: `no common property is called \`${ENTRY}\``,
        remedy: `Declare \`${ENTRY}\` under \`common\`: scene codes become its values.`,
        atKey: true,
      }),
    );
  }
  return problems;
}

function eventProblems(
  file: YamlFile,
  plan: TrackingPlanSource,
  event: EventPlanSource,
  path: Path,
): Problem[] {
  const problems: Problem[] = [];
  const optional = Object.keys(event.optional ?? {});
  for (const name of optional) {
    if (!Object.hasOwn(event.required ?? {}, name)) continue;
    problems.push(
      file.problem([...path, "optional", name], {
        code: "NAME_DUPLICATE",
        message: `\`${name}\` is both required and optional`,
        remedy: "Keep it in one of the two.",
        atKey: true,
      }),
    );
  }
  event.one_of?.forEach((group, i) => {
    group.forEach((name, j) => {
      if (!optional.includes(name)) {
        problems.push(
          unknown(file, [...path, "one_of", i, j], "optional property", name, optional),
        );
      }
    });
  });
  const touchpoints = Object.keys(plan.touchpoints);
  event.touchpoints?.forEach((name, i) => {
    if (!touchpoints.includes(name)) {
      problems.push(unknown(file, [...path, "touchpoints", i], "touchpoint", name, touchpoints));
    }
  });
  return problems;
}

const unknown = (
  file: YamlFile,
  path: Path,
  kind: string,
  name: string,
  known: readonly string[],
): Problem =>
  file.problem(path, {
    code: "NAME_UNKNOWN",
    message: `no ${kind} is called \`${name}\``,
    remedy: didYouMean(name, known),
  });

/** Settings that mean nothing for the kind of type they stand with. */
function typeProblems(file: YamlFile, type: PropTypeSource, path: Path): Problem[] {
  const numeric = type.is === "integer" || type.is === "number";
  const misplaced = [
    type.is === "enum" ? undefined : "values",
    numeric ? undefined : "unit",
    numeric || type.is === "scalar" ? undefined : "min",
    numeric || type.is === "scalar" ? undefined : "max",
    ["string", "strings", "scalar"].includes(type.is) ? undefined : "max_length",
    ["strings", "lines"].includes(type.is) ? undefined : "max_items",
  ].filter((key) => key !== undefined && Object.hasOwn(type, key));
  const problems = misplaced.map((key) =>
    file.problem([...path, key ?? ""], {
      code: "KEY_UNKNOWN",
      message: `\`${key}\` means nothing for a type that is \`${type.is}\``,
      remedy: "Delete it, or change what the type is.",
      atKey: true,
    }),
  );
  if (type.is === "enum" && type.values === undefined) {
    problems.push(
      file.problem(path, {
        code: "KEY_MISSING",
        message: "`values` is missing",
        remedy: "Add `values:` with the list of texts allowed.",
        atKey: true,
      }),
    );
  }
  if ((type.min ?? -Infinity) > (type.max ?? Infinity)) {
    problems.push(
      file.problem([...path, "min"], {
        code: "VALUE_RANGE",
        message: "`min` is above `max`",
        remedy: "Exchange the two.",
      }),
    );
  }
  return problems;
}
