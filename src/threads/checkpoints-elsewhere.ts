import type { EngineReport } from "../engine-report.ts";
import type { JobDefinition } from "../flow/job.ts";
import type { EraserOptions } from "../nats/eraser.ts";

/** What an erasure must know of the groups on other threads. */
export const checkpointsOf = (
  others: readonly { readonly report: EngineReport; rewrite(): void }[],
  { shopper, demand }: JobDefinition,
): Pick<EraserOptions, "passed" | "rewrite" | "rewritten"> => ({
  passed: (flow, seq) => {
    const name = { collect: undefined, events: shopper.name, demand: demand.name }[flow];
    const groups = others.flatMap(({ report }) => report.groups);
    return groups.every((group) => group.flow !== name || group.checkpointed >= seq);
  },
  rewrite: () => {
    for (const part of others) part.rewrite();
  },
  rewritten: () => others.every(({ report }) => report.rewritten),
});
