import { cpSync, mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type NatsConnection } from "nats";
import { Random } from "../../operators/simulated-shop/random.ts";
import type { TestConfig } from "../support/job.ts";
import { TestServer } from "../support/nats-server.ts";
import { TcpProxy } from "../support/tcp-proxy.ts";
import { BROKER_CONFIG, chaosConfig } from "./config.ts";
import { SmallDisk } from "./disk.ts";
import { Fleet } from "./fleet.ts";

export type Say = (what: string) => void;

/** Everything a run needs, and what is left of it. */
export interface Stage {
  readonly broker: TestServer;
  /** Under the broker's store; undefined where none could be mounted. */
  readonly disk: SmallDisk | undefined;
  /** Between the engines and the broker. */
  readonly proxy: TcpProxy;
  readonly config: TestConfig;
  readonly fleet: Fleet;
  readonly nc: NatsConnection;
}

export async function setUp(seed: number, say: Say): Promise<Stage> {
  const disk = SmallDisk.mount((reason) => say(`SKIPPED: the disk is never full: ${reason}`));
  const parent = disk === undefined ? {} : { parent: disk.folder };
  const broker = await TestServer.start({ ...parent, config: BROKER_CONFIG });
  const config = chaosConfig();
  const proxy = await TcpProxy.start(broker.port);
  const random = new Random(seed).fork("victims");
  const fleet = new Fleet({ config: config.folder, url: proxy.url, random, say });
  const nc = await connect({ servers: broker.url, maxReconnectAttempts: -1 });
  return { disk, broker, config, proxy, fleet, nc };
}

export async function clear({ disk, broker, config, proxy, fleet, nc }: Stage): Promise<void> {
  await fleet.disband();
  await nc.close();
  await proxy.stop();
  await broker.stop();
  config.remove();
  disk?.unmount();
}

/** Sets aside what helps to find out why, and says how to look at it. */
export async function keep({ broker, config, fleet }: Stage, say: Say): Promise<void> {
  await fleet.disband();
  await broker.down();
  const folder = mkdtempSync(join(tmpdir(), "freshet-chaos-"));
  cpSync(broker.folder, folder, { recursive: true });
  cpSync(config.folder, join(folder, "config"), { recursive: true });
  mkdirSync(join(folder, "engines"));
  for (const [name, text] of fleet.stderr) writeFileSync(join(folder, "engines", name), text);
  const store = `jetstream { store_dir: "${join(folder, "store")}" }`;
  writeFileSync(join(folder, "look.conf"), `host: 127.0.0.1\nport: 4333\n${store}\n`);
  say(`kept in ${folder}: the broker's store and log, what engines said, what was acknowledged.
Look at it:  nats-server -c ${folder}/look.conf &
             NATS_URL=nats://127.0.0.1:4333 npm run -s freshet -- verify --config ${folder}/config`);
}
