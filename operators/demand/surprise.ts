/**
 * How surprising a count is, in standard deviations: the signed root of the deviance of the
 * negative binomial with mean `expected` and shape `shape` (a Poisson count whose rate is known
 * only as well as `shape` past events tell it). McCullagh and Nelder, Generalized Linear Models,
 * 2nd ed., 2.3. 0 for a count that is no higher than expected.
 */
export function surprise(observed: number, expected: number, shape: number): number {
  if (observed <= expected) return 0;
  const deviance =
    observed * Math.log(observed / expected) -
    (observed + shape) * Math.log((observed + shape) / (expected + shape));
  return Math.sqrt(Math.max(0, 2 * deviance));
}

/** What is left of 1 after `elapsed` with the given half-life. Never more than 1. */
export const decay = (elapsed: number, halfLife: number): number =>
  elapsed <= 0 ? 1 : 0.5 ** (elapsed / halfLife);

/** Time that a decayed count has been collected in, each moment weighing what an event in it weighs. */
export const decayedTime = (elapsed: number, halfLife: number): number =>
  ((1 - decay(elapsed, halfLife)) * halfLife) / Math.LN2;

/** For messages: three decimals say all there is to say. */
export const rounded = (value: number): number => Math.round(value * 1000) / 1000;
