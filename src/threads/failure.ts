import { Fault, type FaultCode, isFault } from "../faults.ts";

/** A failure on its way to another thread, where classes do not go. */
export interface PlainFailure {
  readonly message: string;
  readonly stack: string | undefined;
  readonly code: FaultCode | undefined;
  readonly details: Readonly<Record<string, unknown>>;
}

export function plainFailure(failure: unknown): PlainFailure {
  const { message, stack } = failure instanceof Error ? failure : new Error(String(failure));
  const { code, details = {} } = isFault(failure) ? failure : { code: undefined };
  return { message, stack, code, details };
}

/** The same failure where it came to. */
export function asFailure({ message, stack, code, details }: PlainFailure): Error {
  const error = code === undefined ? new Error(message) : new Fault(code, message, details);
  if (stack !== undefined) error.stack = stack;
  return error;
}
