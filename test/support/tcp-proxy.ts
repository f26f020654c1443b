import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

interface Link {
  readonly client: Socket;
  readonly server: Socket;
  /** Nothing comes back to the client any more, not even that the server has hung up. */
  silent: boolean;
}

/** A relay in front of a local port, to do what networks do. */
export class TcpProxy {
  readonly #listener: Server;
  readonly #links = new Set<Link>();

  private constructor(listener: Server, to: number) {
    this.#listener = listener;
    listener.on("connection", (client) => this.#relay(client, to));
  }

  static async start(to: number): Promise<TcpProxy> {
    const listener = createServer({ noDelay: true });
    const proxy = new TcpProxy(listener, to);
    listener.listen(0, "127.0.0.1");
    await once(listener, "listening");
    return proxy;
  }

  get url(): string {
    return `nats://127.0.0.1:${(this.#listener.address() as AddressInfo).port}`;
  }

  /**
   * A black hole on the way back: what clients send still arrives, what the server answers does
   * not. Connections made from now on are sound. Returns what breaks the silent ones off.
   */
  swallowReplies(): () => void {
    const silenced = [...this.#links];
    for (const link of silenced) link.silent = true;
    return () => {
      for (const link of silenced) this.#cut(link);
    };
  }

  async stop(): Promise<void> {
    for (const link of this.#links) this.#cut(link);
    this.#listener.close();
    await once(this.#listener, "close");
  }

  #relay(client: Socket, to: number): void {
    const server = connect({ port: to, host: "127.0.0.1", noDelay: true });
    const link: Link = { client, server, silent: false };
    this.#links.add(link);
    client.on("data", (bytes) => {
      if (!server.destroyed) server.write(bytes);
    });
    server.on("data", (bytes) => {
      if (!link.silent) client.write(bytes);
    });
    client.on("error", () => undefined).on("close", () => this.#cut(link));
    server
      .on("error", () => undefined)
      .on("close", () => {
        if (!link.silent) this.#cut(link);
      });
  }

  #cut(link: Link): void {
    this.#links.delete(link);
    link.client.destroy();
    link.server.destroy();
  }
}
