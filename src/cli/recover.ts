import { Command } from "commander";
import { Fault } from "../faults.ts";
import { INTAKE } from "../flow/job.ts";
import { AckInbox } from "../nats/ack-inbox.ts";
import { refuseWhileRead } from "../nats/readers-of.ts";
import { manager, namesOf } from "../nats/streams.ts";
import { type EventTime, isoTime } from "../time/event-time.ts";
import { makeLog } from "../watch/log.ts";
import { limitsOf } from "./engine-options.ts";
import type { Environment } from "./environment.ts";
import { openBroker } from "./open-broker.ts";
import { type OpenJob, openJob } from "./open-job.ts";
import { packOption } from "./option-values.ts";
import {
  acceptBuild,
  acceptGap,
  acceptLoss,
  type ChoiceOptions,
  forget,
  rebuild,
} from "./recover/choices.ts";
import {
  type CheckpointState,
  type GroupState,
  type LogState,
  type Survey,
  survey,
} from "./recover/survey.ts";
import { type Choice, type Trouble, troublesOf } from "./recover/troubles.ts";

interface Options {
  readonly acceptGap?: boolean;
  readonly acceptLoss?: boolean;
  readonly acceptBuild?: boolean;
  readonly rebuild?: boolean;
  readonly forget?: readonly string[];
  readonly json?: boolean;
  readonly config?: string;
  readonly pack?: string;
  readonly data?: string;
}

/** `freshet recover` */
export function recoverCommand(env: Environment): Command {
  return new Command("recover")
    .description("Show checkpoints and logs, say what is wrong, and do what is chosen.")
    .option(
      "--accept-gap",
      "keep the state; go on from the oldest record of IN, without those lost",
    )
    .option("--accept-loss", "keep the state; go on though outputs are gone from OUT")
    .option("--accept-build", "keep the state; go on from it under this build and configuration")
    .option("--rebuild", "forget all state; make it again from the records that IN has")
    .option(
      "--forget <groups...>",
      "forget the checkpoints of these groups; they read their log anew",
    )
    .option("--json", "print what was found as JSON")
    .option("--config <dir>", "configuration folder: that of the engine")
    .addOption(packOption())
    .option("--data <dir>", "folder of the engine's own broker (default: broker.data_dir)")
    .addHelpText(
      "after",
      `
Examples:
  freshet recover
  freshet recover --accept-gap

Without a choice nothing is changed. Exit code 0 when an engine can start, 1 when it would refuse.
A choice asks for the engine to be stopped, and leaves a note on OUT (audit.recover).`,
    )
    .action((options: Options) => recover(options, env));
}

async function recover(options: Options, env: Environment): Promise<void> {
  const { acceptGap: gap, acceptLoss: loss, acceptBuild: build, rebuild: anew } = options;
  const chosen = [gap, loss, build, anew, options.forget].filter((choice) => choice !== undefined);
  if (chosen.length > 1) throw new Fault("USAGE", "choose one thing at a time");
  const open = await openJob(options.config, env, { quiet: true, pack: options.pack });
  const { config } = open;
  const { prefix } = config.job;
  const log = makeLog("warn");
  const broker = await openBroker({ config, env, dataDir: options.data, log }, "freshet recover");
  const { nc } = broker;
  const inbox = new AckInbox(nc, log);
  const names = namesOf(prefix);
  const expected = {
    version: open.version,
    layout: `${open.job.groups}+${open.job.demandGroups}`,
  };
  const look = () => survey({ nc, inbox, names, groups: groupsOf(open), log });
  try {
    let found = await look();
    const limits = limitsOf(open);
    const choice = { nc, inbox, names, prefix, limits, expected, log };
    const accepted = await choose(options, choice, found);
    if (accepted !== undefined) {
      process.stderr.write(`accepted: ${accepted}\n`);
      found = await look();
    }
    const troubles = troublesOf(found, expected);
    const text = options.json === true ? jsonOf(found, troubles) : told(found, troubles);
    process.stdout.write(`${text}\n`);
    process.exitCode = troubles.some(({ stops }) => stops) ? 1 : 0;
  } finally {
    inbox.close();
    await broker.close();
  }
}

async function choose(
  options: Options,
  choice: ChoiceOptions,
  found: Survey,
): Promise<string | undefined> {
  const { acceptGap: gap, acceptLoss: loss, acceptBuild: build, rebuild: anew } = options;
  const { forget: groups } = options;
  const work =
    (gap && acceptGap) ||
    (loss && acceptLoss) ||
    (build && acceptBuild) ||
    (anew && rebuild) ||
    (groups && ((of: ChoiceOptions, survey: Survey) => forget(of, survey, groups)));
  if (!work) return undefined;
  await refuseWhileRead(await manager(choice.nc), choice.names);
  return work(choice, found);
}

function groupsOf({ job }: OpenJob): readonly Pick<GroupState, "name" | "log">[] {
  const of = (flow: string, count: number, log: GroupState["log"]) =>
    Array.from({ length: count }, (_, g) => ({ name: `${flow}-${g}`, log }));
  return [
    { name: INTAKE, log: "in" },
    ...of(job.shopper.name, job.groups, "events"),
    ...of(job.demand.name, job.demandGroups, "demand"),
  ];
}

const CHOICES: Readonly<Record<Choice, string>> = {
  "accept-gap": "keep the state and go on from the oldest record there is, without those lost",
  "accept-loss": "keep the state and go on; the outputs that are gone stay gone",
  "accept-build": "keep the state; what was read since the checkpoints is decided by this build",
  rebuild: "forget all state and make it again from the records that IN has",
};

function told({ logs, groups }: Survey, troubles: readonly Trouble[]): string {
  const lines = Object.values(logs).flatMap((log) => (log === undefined ? [] : [logLine(log)]));
  lines.push("");
  for (const group of groups) lines.push(groupLine(group));
  lines.push("");
  for (const { what } of troubles) lines.push(what);
  const choices = new Set(troubles.flatMap((trouble) => trouble.choices));
  for (const choice of choices) lines.push(`  freshet recover --${choice}: ${CHOICES[choice]}`);
  const stops = troubles.some((trouble) => trouble.stops);
  lines.push(stops ? "An engine would refuse to start." : "An engine can start.");
  return lines.join("\n");
}

function logLine({ stream, firstSeq, lastSeq, firstTime, lastTime }: LogState): string {
  if (firstTime === undefined || lastTime === undefined)
    return lastSeq === 0 ? `${stream}: empty` : `${stream}: empty behind ${lastSeq}`;
  return `${stream}: ${firstSeq} to ${lastSeq}, ${iso(firstTime)} to ${iso(lastTime)}`;
}

function groupLine({ name, checkpoints }: GroupState): string {
  if (checkpoints.length === 0) return `${name}: no checkpoint, reads its log from the beginning`;
  return `${name}: ${checkpoints.map(checkpointText).join(" · ")}`;
}

function checkpointText({ marker, bytes, torn }: CheckpointState): string {
  const { seq, time, clean, pieces } = marker;
  if (seq === 0 && torn === undefined) return "at the beginning";
  const age = Math.max(0, Math.round((Date.now() - time) / 1000));
  const size = `${Math.ceil(bytes / 1024)} kB in ${pieces.length} pieces`;
  const state = torn === undefined ? (clean ? ", clean stop" : "") : `, TORN: ${torn}`;
  return `at ${seq} (${age} s old, ${size}${state})`;
}

function jsonOf({ logs, groups }: Survey, troubles: readonly Trouble[]): string {
  const shown = groups.map(({ name, checkpoints }) => ({
    name,
    checkpoints: checkpoints.map(({ marker, bytes, torn }) => ({
      seq: marker.seq,
      time: iso(marker.time),
      clean: marker.clean,
      pieces: marker.pieces.length,
      bytes,
      torn: torn ?? null,
    })),
  }));
  return JSON.stringify({ logs, groups: shown, troubles });
}

const iso = (time: number): string => isoTime(time as EventTime);
