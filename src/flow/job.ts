import type { Scoring } from "../score/seam.ts";
import type { Millis } from "../time/event-time.ts";
import { FactRecords } from "./fact-records.ts";
import { FlowGroup, type GroupSink } from "./flow-group.ts";
import type { FlowDefinition } from "./graph.ts";
import { type Intake, IntakeGroup } from "./intake.ts";
import { type JobPart, wholeJob } from "./job-part.ts";
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
  /** The groups that run here: all, unless the job was built in part. */
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

/** Name of the shopper group that a key belongs to. */
export const groupOfKey = ({ shopper, groups }: JobDefinition, key: string): string =>
  `${shopper.name}-${keyGroup(key, groups)}`;

/** Names of all key groups of a job. */
export const groupNames = ({ shopper, demand, groups, demandGroups }: JobDefinition) => ({
  shoppers: Array.from({ length: groups }, (_, g) => `${shopper.name}-${g}`),
  demands: Array.from({ length: demandGroups }, (_, d) => `${demand.name}-${d}`),
});

/** Wires the flows, or a part of them, to where their results go. */
export function buildJob(
  definition: JobDefinition,
  scoring: Scoring,
  sinks: JobSinks,
  watch: JobWatch = {},
  part: JobPart = wholeJob(definition),
): Job {
  const { shopper, demand, groups, demandGroups, disorder, hotRows } = definition;
  const toShopper = { flow: shopper.name, groups };
  const toDemand = { flow: demand.name, groups: demandGroups };
  const factRecords = new FactRecords();
  const sources = [INTAKE, ...groupNames(definition).shoppers];
  const group = (flow: FlowDefinition, index: number, rest: Pick<GroupParts, "input" | "next">) =>
    new FlowGroup(
      { flow, group: index, scoring, hotRows, factRecords, ...watch, ...rest },
      sinks.of(`${flow.name}-${index}`),
    );
  const moves: Moves = new Moves(sinks.moves, (key) => {
    const name = groupOfKey(definition, key);
    return { name, here: byName.get(name) };
  });
  const shoppers = part.shoppers.map((g) =>
    group(shopper, g, { input: { kind: "log", disorder, moves }, next: toDemand }),
  );
  const byName = new Map(shoppers.map((one) => [one.name, one]));
  return {
    definition,
    intake: new IntakeGroup(
      definition.intake,
      { keyed: toShopper, merging: toDemand },
      sinks.of(INTAKE),
    ),
    shoppers,
    moves,
    demands: part.demands.map((d) => group(demand, d, { input: { kind: "merge", sources } })),
  };
}

type GroupParts = ConstructorParameters<typeof FlowGroup>[0];
