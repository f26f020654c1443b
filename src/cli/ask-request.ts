import type { Msg } from "nats";

/** What is asked for is no such request; the remedy is an example of one. */
export class BadRequest extends Error {}

const MOST_REQUEST_BYTES = 16_384;

/** The body of a request: an object of a bounded size; nothing is an empty one. */
export function requestBody(message: Msg): Readonly<Record<string, unknown>> {
  if (message.data.length > MOST_REQUEST_BYTES)
    throw new BadRequest(`more than ${MOST_REQUEST_BYTES} bytes`);
  if (message.data.length === 0) return {};
  let body: unknown;
  try {
    body = message.json();
  } catch {
    throw new BadRequest("the request is not JSON");
  }
  if (typeof body !== "object" || body === null)
    throw new BadRequest("the request is not an object");
  return body as Readonly<Record<string, unknown>>;
}
