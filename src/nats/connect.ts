import { readFileSync } from "node:fs";
import { connect, credsAuthenticator, type NatsConnection } from "nats";
import { Fault } from "../faults.ts";
import { within } from "./within.ts";

export interface BrokerAddress {
  /** Servers, separated by commas; who logs in may stand before an `@`, as everywhere with NATS. */
  readonly url: string;
  readonly token?: string | undefined;
  /** Path of a NATS credentials file. */
  readonly credentials?: string | undefined;
}

type Login = { readonly user: string; readonly pass: string } | { readonly token: string };

/** A server's scheme, who logs in, and the rest. */
const SERVER = /^([a-z]+:\/\/)?(?:([^@/]*)@)?(.*)$/;

/** The servers without who logs in: what may be shown. */
export const withoutLogin = (url: string): string => url.split(",").map(bareServer).join(",");

const bareServer = (server: string): string => {
  const [, scheme = "", , rest = ""] = SERVER.exec(server.trim()) ?? [];
  return `${scheme}${rest}`;
};

/** `user:password@` or `token@` of the first server that has it; the client library looks at neither. */
function loginIn(url: string): Login | undefined {
  for (const server of url.split(",")) {
    const login = SERVER.exec(server.trim())?.[2];
    if (login === undefined || login === "") continue;
    const colon = login.indexOf(":");
    if (colon < 0) return { token: decoded(login) };
    return { user: decoded(login.slice(0, colon)), pass: decoded(login.slice(colon + 1)) };
  }
  return undefined;
}

/** A percent sign that begins no escape stands for itself. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * Connects for good: short pings, so that a black hole is noticed in 6 s, and reconnection for ever.
 * Rejects with BROKER_UNREACHABLE when the first connection fails.
 */
export async function connectBroker(address: BrokerAddress, name: string): Promise<NatsConnection> {
  const { token, credentials } = address;
  const url = withoutLogin(address.url);
  try {
    return await connect({
      servers: url.split(","),
      name,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 100,
      reconnectJitter: 100,
      pingInterval: 3000,
      maxPingOut: 2,
      timeout: 5000,
      ...loginIn(address.url),
      ...(token === undefined ? {} : { token }),
      ...(credentials === undefined
        ? {}
        : { authenticator: credsAuthenticator(readFileSync(credentials)) }),
    });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Fault(
      "BROKER_UNREACHABLE",
      `no connection to the broker at ${url}: ${why}`,
      { url },
      error,
    );
  }
}

/** Long enough for a socket to tell that it has failed. */
const LEAVING_MS = 200;

/**
 * Closes a connection once what was said over it has left, or a moment later. A socket that its broker
 * has just ended fails at the next write and tells so in a later turn; a connection closed in between
 * hears nothing any more, and an error that nobody hears ends the process.
 */
export async function closeConnection(nc: NatsConnection): Promise<void> {
  if (nc.isClosed()) return;
  await within(nc.flush(), LEAVING_MS);
  await nc.close();
}
