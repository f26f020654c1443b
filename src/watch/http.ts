import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Fault, isFault } from "../faults.ts";
import type { Log } from "./log.ts";

export interface HttpOptions {
  readonly host: string;
  /** 0 takes any free one. */
  readonly port: number;
  /** Takes any free port when the one named is taken, instead of a PORT_TAKEN. */
  readonly anyPort?: boolean;
  readonly metrics: () => Promise<string>;
  readonly ready: () => boolean;
  readonly log: Log;
}

export interface HttpServer {
  readonly url: string;
  close(): Promise<void>;
}

/** `/metrics` for Prometheus, `/healthz` (the process lives), `/readyz` (it reads and its broker answers). */
export async function startHttp({
  host,
  port,
  anyPort,
  metrics,
  ready,
  log,
}: HttpOptions): Promise<HttpServer> {
  const server = createServer((request, response) => {
    const path = (request.url ?? "/").split("?")[0];
    if (request.method !== "GET" && request.method !== "HEAD") {
      response.writeHead(405, { Allow: "GET, HEAD" }).end();
    } else if (path === "/metrics") {
      metrics()
        .then((text) =>
          response
            .writeHead(200, { "Content-Type": "text/plain; version=0.0.4; charset=utf-8" })
            .end(text),
        )
        .catch((error: unknown) => {
          log.error({ error: String(error) }, "metrics failed");
          response.writeHead(500).end();
        });
    } else if (path === "/healthz") {
      response.writeHead(200, { "Content-Type": "text/plain" }).end("ok\n");
    } else if (path === "/readyz") {
      const ok = ready();
      response
        .writeHead(ok ? 200 : 503, { "Content-Type": "text/plain" })
        .end(ok ? "ready\n" : "not ready\n");
    } else {
      response
        .writeHead(404, { "Content-Type": "text/plain" })
        .end("/metrics, /healthz, /readyz\n");
    }
  });
  await listen(server, host, port).catch((error: unknown) => {
    if (anyPort === true && isFault(error, "PORT_TAKEN")) return listen(server, host, 0);
    throw error;
  });
  const address = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${address.port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      reject(
        error.code === "EADDRINUSE"
          ? new Fault("PORT_TAKEN", `port ${port} on ${host} is taken`, { host, port }, error)
          : error,
      );
    });
    server.listen(port, host, resolve);
  });
}
