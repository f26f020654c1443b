import type { Rank } from "../../../src/config/condition-ast.ts";
import { leafKey } from "./leaf-key.ts";

/** What a rank is called among those who stand in it. */
export const rankKey = ({ add, halfLife, per, top, atLeast }: Rank): string =>
  leafKey("rank", add, halfLife, per, top, atLeast);

/** Every rank in a definition, however deep: definitions are plain data. */
export function ranksIn(definition: unknown): Rank[] {
  if (typeof definition !== "object" || definition === null) return [];
  if (isRank(definition)) return [definition];
  return Object.values(definition).flatMap(ranksIn);
}

const isRank = (part: object): part is Rank => "op" in part && part.op === "rank";
