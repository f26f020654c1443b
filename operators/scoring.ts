import { rank } from "./shopper/rank.ts";

/** The pure functions that scoring threads know, by the name a score request gives. */
export const scoringFunctions: Readonly<Record<string, (input: unknown) => unknown>> = { rank };
