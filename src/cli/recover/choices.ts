import { headers, type NatsConnection } from "nats";
import { Fault } from "../../faults.ts";
import { INTAKE } from "../../flow/job.ts";
import type { AckInbox } from "../../nats/ack-inbox.ts";
import { BrokerCheckpoints } from "../../nats/checkpoint-store.ts";
import { ensureStreams, manager, type Names, type StreamLimits } from "../../nats/streams.ts";
import { encodeMarker, type Marker, markerName } from "../../state/marker.ts";
import { type EventTime, isoTime } from "../../time/event-time.ts";
import type { Log } from "../../watch/log.ts";
import { type LogState, type Survey, usable } from "./survey.ts";
import type { Expected } from "./troubles.ts";

export interface ChoiceOptions {
  readonly nc: NatsConnection;
  readonly inbox: AckInbox;
  readonly names: Names;
  readonly prefix: string;
  readonly limits: StreamLimits;
  readonly expected: Expected;
  readonly log: Log;
}

/** Goes on with the state there is from the oldest record of `IN`; returns what was accepted. */
export async function acceptGap(options: ChoiceOptions, survey: Survey): Promise<string> {
  const { in: intake } = survey.logs;
  const group = survey.groups.find(({ name }) => name === INTAKE);
  const marker = group && usable(group)?.marker;
  if (intake === undefined || marker === undefined || marker.seq + 1 >= intake.firstSeq)
    throw new Fault("USAGE", "IN reaches back to its checkpoint: there is no gap to accept");
  const accepted = `records ${marker.seq + 1} to ${intake.firstSeq - 1} of ${intake.stream} were never read`;
  await note(options, "accept-gap", accepted);
  const at = beginningOf(intake);
  await mark(options, { ...marker, cut: marker.cut + 1, ...at, owner: "recover" });
  return accepted;
}

/** Goes on with the state of another build or configuration; returns what was accepted. */
export async function acceptBuild(options: ChoiceOptions, survey: Survey): Promise<string> {
  const { version } = options.expected;
  const markers = survey.groups.flatMap((group) => usable(group)?.marker ?? []);
  const others = markers.filter((marker) => marker.version !== version);
  if (others.length === 0)
    throw new Fault("USAGE", "the checkpoints are of this build and configuration already");
  const groups = others.map(({ group }) => group).join(", ");
  const accepted = `${groups} go on under build and configuration ${version}, which decide anew what was read since their checkpoints`;
  await note(options, "accept-build", accepted);
  for (const marker of others)
    await mark(options, { ...marker, cut: marker.cut + 1, version, owner: "recover" });
  return accepted;
}

/** Goes on though outputs are gone from `OUT`; returns what was accepted. */
export async function acceptLoss(options: ChoiceOptions, survey: Survey): Promise<string> {
  const why = survey.lost.find(({ log }) => log === "out")?.why;
  if (why === undefined)
    throw new Fault("USAGE", "OUT holds what was acknowledged: nothing is lost");
  const accepted = `${why}: the outputs that are gone are not published again`;
  await note(options, "accept-loss", accepted);
  for (const group of survey.groups) {
    const marker = usable(group)?.marker;
    if (marker === undefined) continue;
    const acknowledged = marker.acknowledged.filter(({ stream }) => stream !== options.names.out);
    await mark(options, { ...marker, cut: marker.cut + 1, acknowledged, owner: "recover" });
  }
  return accepted;
}

/**
 * Forgets everything but `IN` and `OUT`: the next start reads `IN` from the oldest record there is
 * and leaves out what stands on `OUT`. Returns what was accepted.
 */
export async function rebuild(options: ChoiceOptions, survey: Survey): Promise<string> {
  const { nc, names, prefix, limits, expected } = options;
  const { in: intake, out } = survey.logs;
  if (intake === undefined) throw new Fault("LOG_MISSING", `there is no stream ${names.in}`);
  const begins = intake.firstSeq > 1 ? `, which begins at ${intake.firstSeq}` : "";
  const again =
    out !== undefined && out.firstSeq > 1 && out.firstTime !== undefined
      ? `; outputs older than ${isoTime(out.firstTime as EventTime)} are no longer on OUT and may be published again`
      : "";
  const accepted = `all state was forgotten, to be made again from ${intake.stream}${begins}${again}`;
  await note(options, "rebuild", accepted);
  const jsm = await manager(nc);
  for (const stream of [names.state, names.demand, names.events]) {
    await jsm.streams.delete(stream).catch((error: unknown) => {
      if (!/stream not found/.test(String(error))) throw error;
    });
  }
  await ensureStreams(nc, names, limits, prefix);
  if (intake.firstSeq > 1) {
    const blank = { group: INTAKE, cut: 1, clean: true, owner: "recover" };
    const nothing = { operators: [], tails: [], acknowledged: [], pieces: [] };
    await mark(options, { ...blank, ...expected, ...beginningOf(intake), ...nothing });
  }
  return accepted;
}

/** Forgets the checkpoints of groups: each begins anew with its log. Returns what was accepted. */
export async function forget(
  options: ChoiceOptions,
  survey: Survey,
  groups: readonly string[],
): Promise<string> {
  for (const group of groups) {
    if (!survey.groups.some(({ name }) => name === group))
      throw new Fault("USAGE", `there is no group ${group}; \`freshet recover\` lists them`);
  }
  const accepted = `the checkpoints of ${groups.join(", ")} were forgotten`;
  await note(options, "forget", accepted);
  const jsm = await manager(options.nc);
  for (const group of groups)
    await jsm.streams.purge(options.names.state, { filter: options.names.checkpoint(group, "*") });
  return accepted;
}

/** As a position, the place before the first record; an empty log has its last sequence before it. */
const beginningOf = ({ firstSeq, firstTime }: LogState): Pick<Marker, "seq" | "time"> => ({
  seq: firstSeq - 1,
  time: firstTime ?? Date.now(),
});

function mark({ nc, inbox, names, log }: ChoiceOptions, marker: Marker): Promise<void> {
  const store = new BrokerCheckpoints(nc, inbox, names, marker.group, log);
  return store.mark(encodeMarker(marker), markerName(marker));
}

/** What was accepted stands on `OUT` for whoever wonders later. */
async function note(options: ChoiceOptions, choice: string, accepted: string): Promise<void> {
  const { nc, names, prefix, limits, log } = options;
  await ensureStreams(nc, names, limits, prefix);
  const at = isoTime(Date.now() as EventTime);
  const about = headers();
  about.set("Content-Type", "application/json");
  const body = JSON.stringify({ choice, accepted, at });
  await nc.jetstream().publish(names.subject("audit.recover"), body, { headers: about });
  log.warn({ choice, accepted }, "recover");
}
