import { type EventTime, isoTime } from "../../time/event-time.ts";
import { type GroupState, type LogState, type LostTail, type Survey, usable } from "./survey.ts";

/** What can be chosen, each with a flag of `freshet recover`. */
export type Choice = "accept-gap" | "accept-loss" | "accept-build" | "rebuild";

/** Something that is not as it was left. */
export interface Trouble {
  /** A sentence or two for the person who runs the engine. */
  readonly what: string;
  /** What would help; empty when a start copes with it by itself. */
  readonly choices: readonly Choice[];
  /** Whether the engine refuses to start. */
  readonly stops: boolean;
}

export interface Expected {
  /** Of the build and its configuration. */
  readonly version: string;
  readonly layout: string;
}

/** The engine reads so far back on OUT before what it makes again. */
const CLOCKS_APART_MS = 60_000;

/** What a look at logs and checkpoints shows, the worst first. */
export function troublesOf(survey: Survey, expected: Expected): readonly Trouble[] {
  const { in: intake, events, demand, out } = survey.logs;
  const logs = { in: intake, events, demand };
  const found = (["in", "events", "demand"] as const).flatMap((name) => {
    const groups = survey.groups.filter((group) => group.log === name);
    const log = logs[name];
    return log === undefined ? missing(name, groups) : troublesOfLog(name, log, groups);
  });
  const groups = [...torn(survey.groups), ...foreign(survey.groups, expected)];
  // A log whose records tell it already is not told a second time.
  const lost = survey.lost.filter(
    ({ log }) =>
      log === "out" || !found.some(({ what }) => what.includes(streamOf(logs[log], log))),
  );
  const all = [...found, ...lost.map(lostTrouble), ...groups, ...outTrouble(survey, out)];
  return all.sort((a, b) => Number(b.stops) - Number(a.stops));
}

const streamOf = (log: LogState | undefined, name: string): string =>
  log?.stream ?? name.toUpperCase();

function lostTrouble({ log, why }: LostTail): Trouble {
  const what = `The broker lost what it had acknowledged: ${why}.`;
  if (log !== "out") return { what, choices: ["rebuild"], stops: true };
  return { what, choices: ["accept-loss", "rebuild"], stops: true };
}

function missing(name: string, groups: readonly GroupState[]): Trouble[] {
  if (groups.every((group) => usable(group) === undefined)) return [];
  const what = `The log ${name.toUpperCase()} is not there, but there are checkpoints of it.`;
  return [{ what, choices: ["rebuild"], stops: true }];
}

const named = (groups: readonly GroupState[]): string => groups.map(({ name }) => name).join(", ");
const seqOf = (group: GroupState): number => usable(group)?.marker.seq ?? 0;

function troublesOfLog(
  name: "in" | "events" | "demand",
  log: LogState,
  groups: readonly GroupState[],
): Trouble[] {
  const { stream, firstSeq, lastSeq } = log;
  const troubles: Trouble[] = [];
  const behind = groups.filter((group) => seqOf(group) + 1 < firstSeq);
  if (behind.length > 0) {
    const next = Math.min(...behind.map(seqOf)) + 1;
    const kept = behind.some((group) => usable(group) !== undefined);
    troubles.push({
      what: `${stream} begins at ${firstSeq}, but ${named(behind)} must go on from ${next}: ${firstSeq - next} records are gone.`,
      choices: name === "in" && kept ? ["accept-gap", "rebuild"] : ["rebuild"],
      stops: true,
    });
  }
  const ahead = groups.filter((group) => seqOf(group) > lastSeq);
  if (ahead.length > 0) {
    const read = Math.max(...ahead.map(seqOf));
    troubles.push({
      what: `${stream} ends at ${lastSeq}, but ${named(ahead)} had read up to ${read}: the broker lost ${read - lastSeq} records it had acknowledged. Restoring its store from a copy loses nothing; the choices do.`,
      choices: ["rebuild"],
      stops: true,
    });
  }
  const other = groups.filter(hasOtherRecord);
  if (other.length > 0) {
    troubles.push({
      what: `${stream} holds other records than those that ${named(other)} had read: it was emptied or lost its end, and was filled again.`,
      choices: ["rebuild"],
      stops: true,
    });
  }
  return troubles;
}

/** Times may differ by the millisecond to which they are rounded. */
function hasOtherRecord(group: GroupState): boolean {
  const checkpoint = usable(group);
  if (checkpoint?.recordTime === undefined) return false;
  return Math.abs(checkpoint.recordTime - checkpoint.marker.time) > 1;
}

function torn(groups: readonly GroupState[]): Trouble[] {
  return groups.flatMap((group) =>
    group.checkpoints.flatMap(({ marker, torn: why }) => {
      if (why === undefined) return [];
      const before = group.checkpoints.find(
        (c) => c.torn === undefined && c.marker.seq < marker.seq,
      );
      const instead =
        before === undefined
          ? "there is none before it"
          : `a start takes the one at ${before.marker.seq}`;
      const what = `The checkpoint of ${group.name} at ${marker.seq} is torn (${why}); ${instead}.`;
      return [{ what, choices: [], stops: false }];
    }),
  );
}

function foreign(groups: readonly GroupState[], expected: Expected): Trouble[] {
  const markers = groups.flatMap((group) => {
    const marker = usable(group)?.marker;
    return marker === undefined ? [] : [{ group, marker }];
  });
  const troubles: Trouble[] = [];
  const layouts = new Set(markers.map(({ marker }) => marker.layout));
  layouts.delete(expected.layout);
  for (const layout of layouts) {
    troubles.push({
      what: `The checkpoints are of ${layout} key groups, the configuration has ${expected.layout}: their number is fixed once there is state. Set it back, or rebuild.`,
      choices: ["rebuild"],
      stops: true,
    });
  }
  const others = markers.filter(
    ({ marker }) => marker.version !== expected.version && !marker.clean,
  );
  if (others.length > 0) {
    troubles.push({
      what: `${named(others.map(({ group }) => group))} stopped in the middle of the log under another build or configuration. Start that one once more and stop it cleanly: then nothing is decided by two.`,
      choices: ["accept-build", "rebuild"],
      stops: true,
    });
  }
  return troubles;
}

/** Outputs a restart makes again must still be on OUT to be recognised. */
function outTrouble({ groups }: Survey, out: LogState | undefined): Trouble[] {
  if (out === undefined || out.firstSeq <= 1) return [];
  // Behind a clean stop nothing was read.
  if (groups.every((group) => usable(group)?.marker.clean === true)) return [];
  const since = Math.min(...groups.map((group) => usable(group)?.marker.time ?? 0));
  const begins = out.firstTime ?? Date.now();
  if (begins <= since - CLOCKS_APART_MS) return [];
  const what = `${out.stream} begins at ${iso(begins)}, but a start makes outputs again since ${iso(since)}: those that are no longer there may be published a second time.`;
  return [{ what, choices: [], stops: false }];
}

const iso = (time: number): string => isoTime(time as EventTime);
