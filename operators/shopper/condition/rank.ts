import type { Rank } from "../../../src/config/condition-ast.ts";
import { leafKey } from "./leaf-key.ts";

/** Asked for with every event that counts for a rank. */
const keys = new WeakMap<Rank, string>();

/** What a rank is called among those who stand in it. */
export function rankKey(rank: Rank): string {
  const known = keys.get(rank);
  if (known !== undefined) return known;
  const { add, halfLife, per, top, atLeast } = rank;
  const key = leafKey("rank", add, halfLife, per, top, atLeast);
  keys.set(rank, key);
  return key;
}

/** Every rank in a definition, however deep: definitions are plain data. */
export function ranksIn(definition: unknown): Rank[] {
  if (typeof definition !== "object" || definition === null) return [];
  if (isRank(definition)) return [definition];
  return Object.values(definition).flatMap(ranksIn);
}

const isRank = (part: object): part is Rank => "op" in part && part.op === "rank";
