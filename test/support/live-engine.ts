import { connect, type NatsConnection } from "nats";
import { textOf } from "./engine.ts";
import { Cli } from "./engine-process.ts";
import type { TestConfig } from "./job.ts";
import { TestServer } from "./nats-server.ts";

/** A broker, a client of it, and the engine processes that run on it one after another. */
export class LiveEngine {
  readonly nc: NatsConnection;
  /** Of the command line, whatever it is to do. */
  readonly env: Readonly<Record<string, string>>;
  readonly #server: TestServer;
  #cli: Cli | undefined;
  #metrics = "";

  private constructor(server: TestServer, nc: NatsConnection, secrets: LiveEngine["env"]) {
    this.#server = server;
    this.nc = nc;
    this.env = { NATS_URL: server.url, ...secrets };
  }
  static async open(secrets: LiveEngine["env"] = {}): Promise<LiveEngine> {
    const server = await TestServer.start();
    return new LiveEngine(server, await connect({ servers: server.url }), secrets);
  }

  /** `freshet start`, once the engine runs. */
  async start({ folder }: TestConfig): Promise<Cli> {
    const words = ["start", "--config", folder, "--http-port", "0"];
    const cli = new Cli(words, { env: this.env });
    this.#cli = cli;
    ({ metrics: this.#metrics } = await cli.runs());
    return cli;
  }
  /** Of the engine that was started last. */
  metrics = (): Promise<string> => textOf(this.#metrics);

  async close(): Promise<void> {
    await this.#cli?.end("SIGKILL");
    await this.nc.close();
    await this.#server.stop();
  }
}
