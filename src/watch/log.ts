import { destination, pino, stdTimeFunctions } from "pino";

/** Structured logging to stderr; stdout belongs to what a command prints. No identifiers in it. */
export type Log = Pick<pino.Logger, "debug" | "info" | "warn" | "error">;

export function makeLog(level: string): pino.Logger {
  return pino({ level, base: null, timestamp: stdTimeFunctions.isoTime }, destination(2));
}
