import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { Fault } from "../faults.ts";
import type { OperatorSpec } from "../flow/spec.ts";
import { calendarDoubts } from "./calendar.ts";
import { type Config, FILES, loadConfig } from "./load.ts";
import { packNames } from "./pack.ts";
import { breakingChanges } from "./plan-compatibility.ts";
import { planUsers } from "./plan-users.ts";
import { formatProblem, isError, orderProblems, type Problem } from "./problem.ts";
import { readPlanSource } from "./tracking-plan.ts";
import { readYamlFile } from "./yaml-file.ts";

/** The plan that trackers go by, where a folder keeps it beside the one that is written. */
const PUBLISHED = "tracking-plan.published.yaml";

/**
 * Everything that is wrong with a configuration folder, by file, line and column, with every pack of
 * it or the one named; also what breaks with an earlier tracking plan: `against`, a file or a folder,
 * else the published one of the folder.
 */
export async function lint(
  dir: string,
  specs: readonly OperatorSpec[],
  against?: string,
  pack?: string,
): Promise<readonly Problem[]> {
  const packs = pack === undefined ? [undefined, ...packNames(dir)] : [pack];
  const readings = await Promise.all(packs.map((name) => loadConfig(dir, specs, {}, name)));
  const problems = orderProblems(readings.flatMap((reading) => reading.problems));
  const published = join(dir, PUBLISHED);
  const before = against ?? (existsSync(published) ? published : undefined);
  return before === undefined
    ? problems
    : orderProblems([...problems, ...(await compared(dir, before))]);
}

/** What the calendar of a folder lacks by the time that it is: see `calendarDoubts`. */
export async function calendarWarnings(dir: string, now: number): Promise<readonly Problem[]> {
  const { value: file } = await readYamlFile(join(dir, FILES.calendar));
  return file === undefined ? [] : calendarDoubts(file, now);
}

async function compared(dir: string, against: string): Promise<readonly Problem[]> {
  const isFolder = statSync(against, { throwIfNoEntry: false })?.isDirectory() === true;
  const earlier = await readYamlFile(isFolder ? join(against, FILES["tracking-plan"]) : against);
  const before = earlier.value === undefined ? undefined : readPlanSource(earlier.value);
  const { value: file } = await readYamlFile(join(dir, FILES["tracking-plan"]));
  const now = file === undefined ? undefined : readPlanSource(file).value;
  if (before?.value === undefined) return [...earlier.problems, ...(before?.problems ?? [])];
  if (file === undefined || now === undefined) return [];
  const said = async (name: "segments" | "rules") =>
    (await readYamlFile(join(dir, FILES[name]))).value?.value;
  const users = planUsers([
    { kind: "segment", file: await said("segments") },
    { kind: "rule", file: await said("rules") },
  ]);
  return breakingChanges(file, now, before.value, users);
}

/** The configuration with its warnings; throws a Fault that lists the errors where there are any. */
export async function requireConfig(
  dir: string,
  specs: readonly OperatorSpec[],
  pack?: string,
): Promise<{ readonly config: Config; readonly warnings: readonly Problem[] }> {
  const { value, problems } = await loadConfig(dir, specs, {}, pack);
  if (value !== undefined) return { config: value, warnings: problems };
  const errors = problems.filter(isError);
  const cyclic = errors.every((problem) => problem.code === "GRAPH_CYCLE");
  const deep = errors.every((problem) => problem.code === "YAML_TOO_DEEP");
  const code = cyclic ? "GRAPH_CYCLE" : deep ? "CONFIG_TOO_DEEP" : "CONFIG_INVALID";
  const list = errors.map(formatProblem).join("\n");
  const count = errors.length === 1 ? "1 error" : `${errors.length} errors`;
  throw new Fault(code, `${count} in the configuration in ${dir}:\n${list}`, { problems: errors });
}
