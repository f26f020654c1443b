import type { Static, TSchema } from "typebox";
import { Value } from "typebox/value";
import { type Millis, parseDuration } from "../../src/time/event-time.ts";

/** An operator's options with the defaults of their schema; throws on what the schema forbids. */
export function readOptions<Schema extends TSchema>(
  schema: Schema,
  options: unknown,
): Static<Schema> {
  const filled: unknown = Value.Default(schema, Value.Clone(options ?? {}));
  if (Value.Check(schema, filled)) return filled as Static<Schema>;
  const [first] = Value.Errors(schema, filled);
  throw new RangeError(
    `${first?.instancePath ?? ""} ${first?.message ?? "invalid options"}`.trim(),
  );
}

/** A length of time out of an operator's options; throws on what is none. */
export function duration(text: string): Millis {
  const length = parseDuration(text);
  if (length === undefined || length <= 0) throw new RangeError(`not a length of time: ${text}`);
  return length;
}
