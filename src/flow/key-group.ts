import { fnv1a32 } from "../codec/hash.ts";

/** The key group of a key: `fnv1a32(key) mod groups`, fixed for the life of the streams. */
export const keyGroup = (key: string, groups: number): number => fnv1a32(key) % groups;
