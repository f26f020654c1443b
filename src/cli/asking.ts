import { type NatsConnection, NatsError } from "nats";
import { Fault } from "../faults.ts";

const PATIENCE_MS = 5000;

type Answer = Readonly<Record<string, unknown>>;

/** What a running engine answers; ENGINE_SILENT when none does, USAGE when it refuses. */
export async function askedOf(nc: NatsConnection, subject: string, asked: unknown) {
  const reply = await nc
    .request(subject, JSON.stringify(asked), { timeout: PATIENCE_MS })
    .catch((error: unknown) => {
      if (!(error instanceof NatsError)) throw error;
      throw new Fault("ENGINE_SILENT", `nobody answers on ${subject}: ${error.message}`);
    });
  const document = reply.json<Answer>();
  if (document["error"] !== undefined)
    throw new Fault("USAGE", String((document["error"] as { fact?: unknown }).fact));
  return document;
}

/** Whom a word names: a pseudonym as it is, an identifier as `kind=value`. */
export function requestOf(
  word: string,
): { readonly person: string } | { readonly ids: readonly { k: string; v: string }[] } {
  const split = word.indexOf("=");
  if (split < 0) return { person: word };
  return { ids: [{ k: word.slice(0, split), v: word.slice(split + 1) }] };
}
