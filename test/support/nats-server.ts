import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../../src/nats/free-port.ts";
import { findServerBinary } from "../../src/nats/server-binary.ts";
import { greetingOf } from "../../src/nats/server-greeting.ts";
import { ServerProcess } from "../../src/nats/server-process.ts";

export interface TestServerOptions {
  /** Any free one when left out. */
  readonly port?: number;
  /** More lines for the configuration, as they stand: `authorization { ... }`, `mappings = ...`. */
  readonly config?: string;
  /** More lines inside the `jetstream { }` block: `cipher: chacha`, `max_file: 1GB`. */
  readonly jetstream?: string;
  /** Where its folder is made; the system's place for temporary files when left out. */
  readonly parent?: string;
}

/** A real nats-server with JetStream on file, in a temporary folder of its own. */
export class TestServer {
  readonly port: number;
  readonly url: string;
  /** Holds `store/` and the server's `log`; gone after `stop`. */
  readonly folder: string;
  readonly #program: string;
  readonly #atExit = (): void => this.#abandon();
  #process: ServerProcess | undefined;

  private constructor(folder: string, port: number, program: string) {
    this.folder = folder;
    this.port = port;
    this.url = `nats://127.0.0.1:${port}`;
    this.#program = program;
    process.on("exit", this.#atExit);
  }

  static async start(options: TestServerOptions = {}): Promise<TestServer> {
    const { path } = await findServerBinary(process.env["NATS_SERVER_BIN"]);
    const folder = mkdtempSync(join(options.parent ?? tmpdir(), "freshet-test-"));
    const port = options.port ?? (await freePort());
    const lines = [
      "host: 127.0.0.1",
      `port: ${port}`,
      "max_payload: 8MB",
      'ping_interval: "10s"',
      "ping_max: 2",
      `jetstream { store_dir: "${join(folder, "store")}"`,
      options.jetstream ?? "",
      "}",
      options.config ?? "",
    ];
    writeFileSync(join(folder, "nats.conf"), `${lines.join("\n")}\n`);
    const server = new TestServer(folder, port, path);
    try {
      await server.up();
    } catch (error) {
      await server.stop();
      throw error;
    }
    return server;
  }

  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  /**
   * Starts it again, on the same port and store, after `kill` or `down`. A client that tried to
   * reach it meanwhile may have taken its port for a moment, so one try may not be enough.
   */
  async up(): Promise<void> {
    const { folder, port } = this;
    const deadline = Date.now() + 20_000;
    while (this.#process?.isRunning() !== true || (await greetingOf(port)) === undefined) {
      if (Date.now() > deadline)
        throw new Error(`nats-server did not come up on port ${port}; see ${folder}/log`);
      if (this.#process?.isRunning() !== true) await this.#launch();
      await sleep(25);
    }
  }

  /** As kill -9 does it: nothing is said to anybody. */
  async kill(): Promise<void> {
    await this.#process?.kill();
  }

  /** An orderly end; the store stays. */
  async down(): Promise<void> {
    await this.#process?.stop();
  }

  /** kill -9 and up again. `downMs` is how long nobody answers in between. */
  async restart(downMs = 0): Promise<void> {
    await this.kill();
    await sleep(downMs);
    await this.up();
  }

  /** Ends it and removes its folder. */
  async stop(): Promise<void> {
    await this.kill();
    process.off("exit", this.#atExit);
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #launch(): Promise<void> {
    const config = join(this.folder, "nats.conf");
    const log = join(this.folder, "log");
    this.#process = await ServerProcess.launch(this.#program, config, {}, log);
  }

  #abandon(): void {
    this.#process?.signal("SIGKILL");
    rmSync(this.folder, { recursive: true, force: true });
  }
}
