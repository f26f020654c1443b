import { hash128 } from "../../src/codec/hash.ts";

/**
 * The id that the runtime gives to the k-th message (from 0) that an operator publishes for a key
 * and a cause, for messages that name earlier ones.
 */
export const messageId = (operator: string, key: string, cause: string, k: number): string =>
  hash128(`${operator}\n${key}\n${cause}\n${k}`);
