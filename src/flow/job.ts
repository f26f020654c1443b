import type { Scoring } from "../score/seam.ts";
import type { Millis } from "../time/event-time.ts";
import { FactRecords } from "./fact-records.ts";
import { FlowGroup, type GroupSink } from "./flow-group.ts";
import type { FlowDefinition } from "./graph.ts";
import { type Intake, IntakeGroup } from "./intake.ts";
import type { Trace } from "./keyed-task.ts";

/** The three flows of a job before they are given a log. */
export interface JobDefinition {
  readonly intake: Intake;
  /** Keyed by person; in log order. */
  readonly shopper: FlowDefinition;
  /** Keyed by goods; merged from all shopper groups, in event-time order. */
  readonly demand: FlowDefinition;
  readonly groups: number;
  readonly demandGroups: number;
  readonly disorder: Millis;
  /** Rows kept as objects, a group. */
  readonly hotRows: number;
}

/** The flows of a job, each group with the sink its log gave it. */
export interface Job {
  readonly definition: JobDefinition;
  readonly intake: IntakeGroup;
  readonly shoppers: readonly FlowGroup[];
  readonly demands: readonly FlowGroup[];
}

export const INTAKE = "collect-0";

/** Wires the flows; `sinkOf` gives each group, by its name, where its results go. */
export function buildJob(
  definition: JobDefinition,
  scoring: Scoring,
  sinkOf: (group: string) => GroupSink,
  trace?: Trace,
): Job {
  const { shopper, demand, groups, demandGroups, disorder, hotRows } = definition;
  const toShopper = { flow: shopper.name, groups };
  const toDemand = { flow: demand.name, groups: demandGroups };
  const factRecords = new FactRecords();
  const sources = [INTAKE, ...Array.from({ length: groups }, (_, g) => `${shopper.name}-${g}`)];
  const group = (flow: FlowDefinition, index: number, rest: Pick<GroupParts, "input" | "next">) =>
    new FlowGroup(
      { flow, group: index, scoring, hotRows, factRecords, trace, ...rest },
      sinkOf(`${flow.name}-${index}`),
    );
  return {
    definition,
    intake: new IntakeGroup(
      definition.intake,
      { keyed: toShopper, merging: toDemand },
      sinkOf(INTAKE),
    ),
    shoppers: Array.from({ length: groups }, (_, g) =>
      group(shopper, g, { input: { kind: "log", disorder }, next: toDemand }),
    ),
    demands: Array.from({ length: demandGroups }, (_, d) =>
      group(demand, d, { input: { kind: "merge", sources } }),
    ),
  };
}

type GroupParts = ConstructorParameters<typeof FlowGroup>[0];
