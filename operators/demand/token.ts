import { fnv1a32 } from "../../src/codec/hash.ts";

/** A subject token for a key: itself where the alphabet allows it, else a hash. */
export const token = (key: string): string =>
  /^[a-z0-9_-]{1,48}$/.test(key) ? key : `h${fnv1a32(key).toString(16).padStart(8, "0")}`;
