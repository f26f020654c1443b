import type { Scoring } from "../score/seam.ts";
import type { Millis } from "../time/event-time.ts";
import { FactRecords } from "./fact-records.ts";
import { FlowGroup, type GroupSink } from "./flow-group.ts";
import type { FlowDefinition } from "./graph.ts";
import { type Intake, IntakeGroup } from "./intake.ts";
import { keyGroup } from "./key-group.ts";
import type { OnNote, Trace } from "./keyed-task.ts";
import { type MoveStore, Moves } from "./moves.ts";

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
  /** Between the shopper groups. */
  readonly moves: Moves;
}

export const INTAKE = "collect-0";

/** Where a job's groups put what they make. */
export interface JobSinks {
  /** Where the results of a group go, by its name. */
  readonly of: (group: string) => GroupSink;
  readonly moves: MoveStore;
}

/** Whoever looks at what goes on inside the flows. */
export interface JobWatch {
  readonly trace?: Trace | undefined;
  readonly onNote?: OnNote | undefined;
}

/** Wires the flows to where their results go. */
export function buildJob(
  definition: JobDefinition,
  scoring: Scoring,
  sinks: JobSinks,
  watch: JobWatch = {},
): Job {
  const { shopper, demand, groups, demandGroups, disorder, hotRows } = definition;
  const toShopper = { flow: shopper.name, groups };
  const toDemand = { flow: demand.name, groups: demandGroups };
  const factRecords = new FactRecords();
  const sources = [INTAKE, ...Array.from({ length: groups }, (_, g) => `${shopper.name}-${g}`)];
  const group = (flow: FlowDefinition, index: number, rest: Pick<GroupParts, "input" | "next">) =>
    new FlowGroup(
      { flow, group: index, scoring, hotRows, factRecords, ...watch, ...rest },
      sinks.of(`${flow.name}-${index}`),
    );
  const moves: Moves = new Moves(
    sinks.moves,
    (key) => shoppers[keyGroup(key, groups)] as FlowGroup,
  );
  const shoppers = Array.from({ length: groups }, (_, g) =>
    group(shopper, g, { input: { kind: "log", disorder, moves }, next: toDemand }),
  );
  return {
    definition,
    intake: new IntakeGroup(
      definition.intake,
      { keyed: toShopper, merging: toDemand },
      sinks.of(INTAKE),
    ),
    shoppers,
    moves,
    demands: Array.from({ length: demandGroups }, (_, d) =>
      group(demand, d, { input: { kind: "merge", sources } }),
    ),
  };
}

type GroupParts = ConstructorParameters<typeof FlowGroup>[0];
