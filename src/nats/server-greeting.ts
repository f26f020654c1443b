import { connect } from "node:net";

/** What a nats-server says of itself to whoever connects, before any login. */
export interface Greeting {
  readonly serverName: string;
  readonly version: string;
  readonly jetstream: boolean;
}

/** The greeting of what listens on a loopback port; undefined when nothing does, or no broker. */
export function greetingOf(port: number, timeoutMs = 2_000): Promise<Greeting | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port, timeout: timeoutMs });
    let heard = "";
    const finish = (greeting: Greeting | undefined): void => {
      socket.destroy();
      resolve(greeting);
    };
    socket.setEncoding("utf8");
    socket.on("data", (chunk: string) => {
      heard += chunk;
      if (heard.includes("\r\n") || heard.length > 65_536) finish(parse(heard));
    });
    socket.on("timeout", () => finish(undefined));
    socket.on("error", () => finish(undefined));
    socket.on("close", () => finish(undefined));
  });
}

function parse(heard: string): Greeting | undefined {
  const [, body] = /^INFO (\{.*\})\s*\r\n/.exec(heard) ?? [];
  if (body === undefined) return undefined;
  try {
    const told = JSON.parse(body) as Record<string, unknown>;
    return {
      serverName: String(told["server_name"]),
      version: String(told["version"]),
      jetstream: told["jetstream"] === true,
    };
  } catch {
    return undefined;
  }
}
