import Type, { type Static } from "typebox";
import { hash128 } from "../../src/codec/hash.ts";
import type { Operator } from "../../src/flow/operator.ts";
import type { OperatorSpec } from "../../src/flow/spec.ts";
import { latest } from "../../src/time/event-time.ts";
import type { Knowledge } from "./knowledge.ts";
import { duration, readOptions } from "./options.ts";
import { type DemandRecord, dimOf, plainKey } from "./partial.ts";
import { nextTelling } from "./told.ts";

export interface ClustersState {
  /** The first points, until there are enough to begin with. */
  sample: (readonly number[])[];
  centres: number[][];
  /** Points that each centre has taken in. */
  counts: number[];
  told: readonly (readonly number[])[];
}

/** The fact `clusters` of key `*`: the place of a centre is the cluster's id. */
export interface ClusterCentres {
  readonly centres: readonly (readonly number[])[];
}

const TELL = "tell";

const Options = Type.Object(
  {
    clusters: Type.Integer({ minimum: 2, maximum: 64, default: 8 }),
    sample: Type.Integer({
      minimum: 16,
      maximum: 5000,
      default: 200,
      description: "Points that the first centres are chosen from.",
    }),
    rate: Type.Number({
      exclusiveMinimum: 0,
      maximum: 1,
      default: 0.005,
      description: "The least part of the way that a centre moves to a point that it takes in.",
    }),
    interval: Type.String({ default: "10m", description: "How often changes are told." }),
  },
  { additionalProperties: false },
);

/**
 * Groups of people who behave alike. The first centres are chosen from a sample by k-means++ (Arthur &
 * Vassilvitskii, SODA 2007) with the job's seed; from then on each point moves the centre c next to it
 * by sequential k-means (MacQueen 1967): c += (x − c) · max(1/n, rate), n being the points c has taken
 * in. The floor lets centres follow a shop that changes. A centre keeps its place, so that ids stay.
 */
function clustersOperator(
  options: Static<typeof Options>,
  seed: number,
): Operator<DemandRecord, Knowledge, ClustersState> {
  const interval = duration(options.interval);
  return {
    name: "clusters",
    version: 1,
    order: "event-time",
    atomic: true,
    key: (record) => (dimOf(record) === "behaviour" ? record.key : undefined),
    init: () => ({ sample: [], centres: [], counts: [], told: [] }),
    onEvent({ payload, time }, state, ctx) {
      if (payload[0] !== "behaviour") return state;
      const point = payload[1];
      if (state.centres.length === 0) {
        state.sample.push(point);
        if (state.sample.length < options.sample) return state;
        state.centres = firstCentres(state.sample, options.clusters, seed);
        state.counts = state.centres.map(() => 0);
        for (const one of state.sample) takeIn(state, one, options.rate);
        state.sample = [];
      } else {
        takeIn(state, point, options.rate);
      }
      ctx.setTimer(TELL, nextTelling(ctx.key, latest(time, ctx.watermark), interval));
      return state;
    },
    onTimer(_timer, state, ctx) {
      const centres = state.centres.map((centre) => centre.map(Math.round));
      if (JSON.stringify(centres) === JSON.stringify(state.told)) return state;
      state.told = centres;
      const value: ClusterCentres = { centres };
      ctx.emit({
        kind: "knowledge",
        of: "clusters",
        key: plainKey(ctx.key),
        value,
        from: ctx.key,
      });
      return state;
    },
  };
}

function takeIn({ centres, counts }: ClustersState, point: readonly number[], rate: number): void {
  const place = nearest(centres, point).place;
  const centre = centres[place];
  if (centre === undefined) return;
  const taken = (counts[place] ?? 0) + 1;
  counts[place] = taken;
  const step = Math.max(1 / taken, rate);
  for (let i = 0; i < centre.length; i += 1) {
    centre[i] = (centre[i] ?? 0) + ((point[i] ?? 0) - (centre[i] ?? 0)) * step;
  }
}

/** The centre next to a point; of several, the first. */
export function nearest(
  centres: readonly (readonly number[])[],
  point: readonly number[],
): { readonly place: number; readonly distance: number } {
  let place = -1;
  let least = Number.POSITIVE_INFINITY;
  centres.forEach((centre, i) => {
    const square = squareBetween(centre, point);
    if (square >= least) return;
    least = square;
    place = i;
  });
  return { place, distance: Math.sqrt(least) };
}

function squareBetween(a: readonly number[], b: readonly number[]): number {
  let sum = 0;
  for (let i = 0; i < a.length; i += 1) sum += ((a[i] ?? 0) - (b[i] ?? 0)) ** 2;
  return sum;
}

/** k-means++: each next centre is drawn with a chance that grows with the square of its distance. */
function firstCentres(sample: readonly (readonly number[])[], k: number, seed: number): number[][] {
  const draw = (i: number) =>
    Number.parseInt(hash128(`clusters\n${seed}\n${i}`).slice(0, 8), 16) / 2 ** 32;
  const first = sample[Math.floor(draw(0) * sample.length)] ?? [];
  const centres = [[...first]];
  while (centres.length < k) {
    const weights = sample.map((point) => nearest(centres, point).distance ** 2);
    let left = draw(centres.length) * weights.reduce((a, b) => a + b, 0);
    // All points are centres already: fewer clusters than wanted.
    if (left === 0) break;
    const chosen = weights.findIndex((weight) => {
      left -= weight;
      return left < 0;
    });
    centres.push([...(sample[chosen < 0 ? sample.length - 1 : chosen] ?? [])]);
  }
  return centres;
}

export const clustersSpec: OperatorSpec = {
  name: "clusters",
  flow: "demand",
  summary: "Groups of people who behave alike, learned online, for `preference`.",
  from: ["events"],
  options: Options,
  make: (options, job) => clustersOperator(readOptions(Options, options), job.seed),
};
