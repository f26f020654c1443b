import { Fault } from "../faults.ts";
import type { OperatorSpec } from "../flow/spec.ts";
import { type Config, loadConfig } from "./load.ts";
import { formatProblem, isError, type Problem } from "./problem.ts";

/** Everything that is wrong with a configuration folder, by file, line and column. */
export async function lint(
  dir: string,
  specs: readonly OperatorSpec[],
): Promise<readonly Problem[]> {
  return (await loadConfig(dir, specs)).problems;
}

/** The configuration with its warnings; throws a Fault that lists the errors where there are any. */
export async function requireConfig(
  dir: string,
  specs: readonly OperatorSpec[],
): Promise<{ readonly config: Config; readonly warnings: readonly Problem[] }> {
  const { value, problems } = await loadConfig(dir, specs);
  if (value !== undefined) return { config: value, warnings: problems };
  const errors = problems.filter(isError);
  const cyclic = errors.every((problem) => problem.code === "GRAPH_CYCLE");
  const deep = errors.every((problem) => problem.code === "YAML_TOO_DEEP");
  const code = cyclic ? "GRAPH_CYCLE" : deep ? "CONFIG_TOO_DEEP" : "CONFIG_INVALID";
  const list = errors.map(formatProblem).join("\n");
  const count = errors.length === 1 ? "1 error" : `${errors.length} errors`;
  throw new Fault(code, `${count} in the configuration in ${dir}:\n${list}`, { problems: errors });
}
