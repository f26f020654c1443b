import { hash128 } from "../../../src/codec/hash.ts";

const RANGE = 0x1_0000_0000;

/** From 0 to 1, evenly spread over people; always the same for a seed, a person and a purpose. */
export const chance = (seed: number, person: string, purpose: string): number =>
  Number.parseInt(hash128(`${seed}\n${person}\n${purpose}`).slice(0, 8), 16) / RANGE;
