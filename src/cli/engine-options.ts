import type { NatsConnection } from "nats";
import { ERASE } from "../../operators/collect/collect.ts";
import type { ShopJob } from "../../operators/job.ts";
import type { EngineOptions } from "../engine.ts";
import type { StreamLimits } from "../nats/streams.ts";
import type { Scoring } from "../score/seam.ts";
import type { Log } from "../watch/log.ts";
import type { OpenJob } from "./open-job.ts";

/** What the parts of an engine have in common. */
export function engineOptions({
  open,
  ...given
}: {
  readonly nc: NatsConnection;
  readonly open: OpenJob;
  readonly scoring: Scoring;
  readonly instance: string;
  readonly log: Log;
}): Omit<EngineOptions, "onFailure"> {
  const { state, prefix, collect } = open.config.job;
  return {
    ...given,
    definition: open.job,
    prefix,
    version: open.version,
    checkpointEvery: state.checkpointEvery,
    checkpointRecords: state.checkpointRecords,
    limits: limitsOf(open),
    // Read before events are decided by it, and not for each of them again.
    onRestored: ({ shoppers }) => {
      for (const { task } of shoppers) open.job.generations.at(task.facts);
    },
    keepRaw: collect.keepRaw,
    ticks: !open.job.trustsEvents,
  };
}

/** What is about a person on `IN`, as the shop's intake reads it. */
export const erasingOf = ({ intake }: ShopJob): NonNullable<EngineOptions["erasing"]> => ({
  subject: ERASE,
  read: (record) => intake.readErasure(record),
  concerns: (message, whom) => intake.concerns(message, whom),
});

export function limitsOf({ config }: OpenJob): StreamLimits {
  const { keepIn, keepOut, maxBytes, duplicateWindow, replicas } = config.job.broker;
  return {
    maxAge: keepIn,
    maxOutAge: keepOut,
    maxBytes: maxBytes ?? -1,
    duplicateWindow,
    replicas,
  };
}
