import { join } from "node:path";
import { Command } from "commander";
import { DateTime } from "luxon";
import { readRecommendOptions } from "../../operators/shopper/recommend.ts";
import { fills } from "../../operators/shopper/serve.ts";
import { SimulatedShop } from "../../operators/simulated-shop/simulated-shop.ts";
import { closeConnection, connectBroker } from "../nats/connect.ts";
import { eventTime } from "../time/event-time.ts";
import { makeLog } from "../watch/log.ts";
import { HOME_SLOT, HomePage } from "./demo/home-page.ts";
import { ShopDriver } from "./demo/shop-driver.ts";
import { Tally } from "./demo/tally.ts";
import { TerminalView } from "./demo/terminal-view.ts";
import type { Environment } from "./environment.ts";
import { type OpenJob, openJob } from "./open-job.ts";
import { durationOption, packOption, portOption, wholeNumber } from "./option-values.ts";
import { startEngine } from "./running-engine.ts";
import { stopSignal } from "./stop-signal.ts";

interface Options {
  readonly for?: string;
  readonly json?: boolean;
  readonly seed: string;
  readonly speed: string;
  readonly people: string;
  readonly data: string;
  readonly config?: string;
  readonly pack?: string;
  readonly httpPort?: string;
}

const OPENING_HOUR = 13;
/**
 * Fewer than a job's: every group hears of every second, and here a minute's worth of them pass in
 * one.
 */
const GROUPS = { shopper: 4, demand: 2 };

/** `freshet demo`, which is what `npm start` runs. */
export function demoCommand(env: Environment): Command {
  return new Command("demo")
    .description(
      "A simulated shop's afternoon through the whole engine, on a broker and a store of its own.",
    )
    .option("--for <time>", "end after so long, e.g. 30s")
    .option("--json", "no view; one JSON object with the counts at the end")
    .option("--seed <n>", "of the simulated shop", "1")
    .option(
      "--speed <n>",
      "simulated seconds a second, at most: the shop waits for the engine",
      "60",
    )
    .option("--people <n>", "of the simulated shop", "12000")
    .option("--data <dir>", "folder of the demo's store, made afresh", join(".freshet", "demo"))
    .option("--http-port <port>", "of /metrics; 0 takes any free one")
    .option("--config <dir>", "configuration folder")
    .addOption(packOption())
    .addHelpText(
      "after",
      "\nExamples:\n  npm start\n  npm start -- --for 30s --json\n  npm start -- --pack home\n  freshet demo --seed 7 --speed 60",
    )
    .action((options: Options) => demo(options, env));
}

async function demo(options: Options, env: Environment): Promise<void> {
  const lasts = options.for === undefined ? undefined : durationOption("--for", options.for);
  const seed = wholeNumber("--seed", options.seed, 0, 0xffff_ffff);
  const people = wholeNumber("--people", options.people, 1, 1_000_000);
  const speed = wholeNumber("--speed", options.speed, 1, 86_400);
  const stopping = stopSignal();
  const showing = options.json !== true && process.stdout.isTTY === true;
  const log = makeLog(showing ? "fatal" : "warn");
  const open = await openJob(options.config, env, {
    trustRecv: true,
    quiet: showing,
    pack: options.pack,
    groups: GROUPS,
  });
  const { prefix, timeZone } = open.config.job;
  const start = eventTime(
    DateTime.now().setZone(timeZone).startOf("day").set({ hour: OPENING_HOUR }).toMillis(),
  );
  const running = await startEngine({
    open,
    env,
    log,
    dataDir: options.data,
    fresh: true,
    embeddedOnly: true,
    httpPort: portOption("--http-port", options.httpPort ?? String(open.config.job.http.port)),
  });
  const began = performance.now();
  const nc = await connectBroker({ url: running.url }, "freshet demo shop");
  const shop = new SimulatedShop({ seed, start, people });
  const page = asksForHome(open)
    ? new HomePage(nc, prefix, (shown) => driver.hear(shown))
    : undefined;
  const { engine } = running;
  const unread = () => {
    const { in: backlog = 0, events = 0, frames = 0 } = engine.queues;
    return backlog + events + frames;
  };
  const driver: ShopDriver = new ShopDriver({ nc, shop, prefix, start, speed, log, page, unread });
  const view = showing
    ? new TerminalView({ broker: running.url, http: running.http.url, timeZone })
    : undefined;
  const tally = new Tally(nc, prefix, (received) => {
    driver.hear(received);
    view?.heard(received);
  });
  await nc.flush();
  void driver.start(() => engine.caughtUp && engine.second > 0);
  const seconds = () => (performance.now() - began) / 1000;
  view?.start(() => ({ tally: tally.report(seconds()), engine, now: driver.now }));
  const end = lasts === undefined ? new Promise<never>(() => undefined) : pause(lasts);
  const failure = await Promise.race([stopping.then(() => undefined), end, running.failed]);
  const report = tally.report(seconds());
  view?.stop();
  await driver.stop();
  await running.stop();
  await closeConnection(nc);
  if (failure !== undefined) throw failure;
  const text = options.json === true ? JSON.stringify(report) : JSON.stringify(report, null, 2);
  process.stdout.write(`${text}\n`);
}

/** The shop's home page asks where the configuration names its slot; elsewhere it waits for what is pushed. */
function asksForHome({ config }: OpenJob): boolean {
  const recommend = config.job.operators.shopper.find(({ name }) => name === "recommend");
  const settings = readRecommendOptions(recommend?.options ?? {});
  return settings.slots.length > 0 && fills(settings, HOME_SLOT);
}

const pause = (ms: number) =>
  new Promise<undefined>((resolve) => setTimeout(resolve, ms, undefined));
