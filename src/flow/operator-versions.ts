import { Fault } from "../faults.ts";
import type { Graph } from "./graph.ts";
import type { AnyOperator } from "./operator.ts";

/** Name and version of an operator; states are filed in the order of their list. */
export type OperatorVersion = readonly [name: string, version: number];

export const operatorVersions = (graph: Graph): readonly OperatorVersion[] =>
  graph.nodes.map(({ operator }) => [operator.name, operator.version]);

export const sameOperators = (
  a: readonly OperatorVersion[],
  b: readonly OperatorVersion[],
): boolean => JSON.stringify(a) === JSON.stringify(b);

/** Where a node finds its state among those of another list, and how it gets to its own version. */
interface Lift {
  readonly from: number;
  up(state: unknown): unknown;
}

/**
 * For each node of a graph the way from states of another list of operators; undefined for a node
 * that list did not have. Throws VERSION_MISMATCH when an operator cannot read its older states.
 */
export function liftsTo(
  graph: Graph,
  writtenBy: readonly OperatorVersion[],
): readonly (Lift | undefined)[] {
  return graph.nodes.map(({ operator }) => {
    const from = writtenBy.findIndex(([name]) => name === operator.name);
    const version = writtenBy[from]?.[1];
    if (version === undefined) return undefined;
    return { from, up: liftTo(operator, version) };
  });
}

/** The way from an operator's states of one version; throws VERSION_MISMATCH where there is none. */
export function liftTo(operator: AnyOperator, version: number): (state: unknown) => unknown {
  if (version === operator.version) return (state) => state;
  const migrate = operator.migrate?.bind(operator);
  if (migrate !== undefined && version < operator.version)
    return (state) => migrate(state, version);
  throw new Fault(
    "VERSION_MISMATCH",
    `operator ${operator.name} is of version ${operator.version} and cannot read its states of version ${version}`,
    { operator: operator.name },
  );
}
