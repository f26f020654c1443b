import { connect, type NatsConnection } from "nats";
import { type Millis, minutes } from "../../src/time/event-time.ts";
import { startTestEngine } from "./engine.ts";
import { untilQuiet } from "./engine-quiet.ts";
import { openShop, shopMessages } from "./events.ts";
import { publishAll } from "./events-publisher.ts";
import { configWith, type TestConfig } from "./job.ts";
import { TestServer } from "./nats-server.ts";

/** What an engine made of a quarter of an hour in the shop, on a broker that still runs. */
export interface StoredAfternoon {
  /** The configuration that decided. */
  readonly config: TestConfig;
  readonly server: TestServer;
  readonly nc: NatsConnection;
  close(): Promise<void>;
}

/** Few groups: each hears of every second. */
export const FEW_GROUPS = { groups: 4, demand_groups: 2 };
const LASTS: Millis = minutes(15);

/** `beside` publishes what no shop says, before the engine has stopped. */
export async function storeAfternoon(
  shop: { readonly seed: number; readonly people: number },
  beside: (nc: NatsConnection) => Promise<unknown> = async () => undefined,
): Promise<StoredAfternoon> {
  const config = configWith({ "time.trust_recv": true, ...FEW_GROUPS });
  const server = await TestServer.start();
  const nc = await connect({ servers: server.url });
  const engine = await startTestEngine({ url: server.url, trustRecv: true, settings: FEW_GROUPS });
  await publishAll(nc, [...shopMessages(openShop({ ...shop, lasts: LASTS }), LASTS)]);
  await beside(nc);
  await untilQuiet(nc, engine.metrics);
  await engine.stop();
  return {
    config,
    server,
    nc,
    async close() {
      await nc.close();
      await server.stop();
      config.remove();
    },
  };
}
