import { readFileSync } from "node:fs";
import { connect, credsAuthenticator, type NatsConnection } from "nats";
import { Fault } from "../faults.ts";

export interface BrokerAddress {
  readonly url: string;
  readonly token?: string | undefined;
  /** Path of a NATS credentials file. */
  readonly credentials?: string | undefined;
}

/**
 * Connects for good: short pings, so that a black hole is noticed in 6 s, and reconnection for ever.
 * Rejects with BROKER_UNREACHABLE when the first connection fails.
 */
export async function connectBroker(address: BrokerAddress, name: string): Promise<NatsConnection> {
  const { url, token, credentials } = address;
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
