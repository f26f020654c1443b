/** What one thread of an engine runs: collect or not, and which key groups of the two other flows. */
export interface JobPart {
  readonly intake: boolean;
  readonly shoppers: readonly number[];
  readonly demands: readonly number[];
}

interface Groups {
  readonly groups: number;
  readonly demandGroups: number;
}

/** Collect takes about as much of a thread as so many key groups do. */
const INTAKE_GROUPS = 2;

const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** All of a job on one thread. */
export const wholeJob = ({ groups, demandGroups }: Groups): JobPart => ({
  intake: true,
  shoppers: upTo(groups),
  demands: upTo(demandGroups),
});

/**
 * Deals the groups of a job out over so many threads, evenly. The first part has collect and the
 * first shopper group; no part is empty, so there may be fewer. Where a group runs changes nothing
 * about it: another number of threads goes on from the same checkpoints.
 */
export function dealtOut({ groups, demandGroups }: Groups, threads: number): JobPart[] {
  const count = Math.max(1, Math.min(threads, groups + demandGroups));
  const parts = upTo(count).map((p) => ({
    intake: p === 0,
    shoppers: [] as number[],
    demands: [] as number[],
    load: p === 0 ? INTAKE_GROUPS : 0,
  }));
  const [first] = parts;
  const least = () => parts.reduce((a, b) => (b.load < a.load ? b : a));
  const deal = (
    part: (typeof parts)[number] | undefined,
    flow: "shoppers" | "demands",
    g: number,
  ) => {
    if (part === undefined) throw new Error("an engine has a thread");
    part[flow].push(g);
    part.load += 1;
  };
  for (const g of upTo(groups)) deal(g === 0 ? first : least(), "shoppers", g);
  for (const d of upTo(demandGroups)) deal(least(), "demands", d);
  return parts.map(({ intake, shoppers, demands }) => ({ intake, shoppers, demands }));
}
