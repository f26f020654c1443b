import { Command } from "commander";
import { withoutLogin } from "../nats/connect.ts";
import { makeLog } from "../watch/log.ts";
import type { Environment } from "./environment.ts";
import { openJob } from "./open-job.ts";
import { packOption, portOption } from "./option-values.ts";
import { startEngine } from "./running-engine.ts";
import { stopSignal } from "./stop-signal.ts";

interface Options {
  readonly config?: string;
  readonly pack?: string;
  readonly data?: string;
  readonly httpPort?: string;
}

/** `freshet start` */
export function startCommand(env: Environment): Command {
  return new Command("start")
    .description("Run the engine against NATS_URL, or against a broker of its own.")
    .option("--config <dir>", "configuration folder")
    .addOption(packOption())
    .option("--data <dir>", "folder of the engine's own broker (default: broker.data_dir)")
    .option("--http-port <port>", "of /metrics, /healthz and /readyz; 0 takes any free one")
    .addHelpText(
      "after",
      `
Examples:
  freshet start
  freshet start --pack home
  NATS_URL=nats://broker:4222 freshet start --config my-config

Environment: NATS_URL, NATS_SERVER_BIN, FRESHET_STORE_KEY, and what the configuration names.
SIGTERM and Ctrl-C stop it cleanly: what was read is finished and acknowledged.`,
    )
    .action(async (options: Options) => {
      const stopping = stopSignal();
      const open = await openJob(options.config, env, { pack: options.pack });
      const log = makeLog(open.config.job.log.level);
      const running = await startEngine({
        open,
        env,
        log,
        dataDir: options.data ?? open.config.job.broker.dataDir,
        ...(options.httpPort === undefined
          ? {}
          : { httpPort: portOption("--http-port", options.httpPort) }),
      });
      const broker = withoutLogin(running.url);
      log.info({ broker, metrics: `${running.http.url}/metrics` }, "freshet runs");
      const failure = await Promise.race([stopping.then(() => undefined), running.failed]);
      await running.stop();
      if (failure !== undefined) throw failure;
      log.info({}, "freshet has stopped");
    });
}
