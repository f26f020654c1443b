import { Command } from "commander";
import { makeLog } from "../watch/log.ts";
import type { Environment } from "./environment.ts";
import { openJob } from "./open-job.ts";
import { startEngine } from "./running-engine.ts";
import { stopSignal } from "./stop-signal.ts";

/** `freshet start` */
export function startCommand(env: Environment): Command {
  return new Command("start")
    .description("Run the engine against NATS_URL, or against a broker of its own.")
    .option("--config <dir>", "configuration folder")
    .option("--data <dir>", "folder of the engine's own broker (default: broker.data_dir)")
    .option("--http-port <port>", "of /metrics, /healthz and /readyz; 0 takes any free one")
    .addHelpText(
      "after",
      `
Examples:
  freshet start
  NATS_URL=nats://broker:4222 freshet start --config my-config

Environment: NATS_URL, NATS_SERVER_BIN, FRESHET_STORE_KEY, and what the configuration names.
SIGTERM and Ctrl-C stop it cleanly: what was read is finished and acknowledged.`,
    )
    .action(async (options: { config?: string; data?: string; httpPort?: string }) => {
      const stopping = stopSignal();
      const open = await openJob(options.config, env);
      const log = makeLog(open.config.job.log.level);
      const running = await startEngine({
        open,
        env,
        log,
        dataDir: options.data ?? open.config.job.broker.dataDir,
        ...(options.httpPort === undefined ? {} : { httpPort: Number(options.httpPort) }),
      });
      log.info({ broker: running.url, metrics: `${running.http.url}/metrics` }, "freshet runs");
      const failure = await Promise.race([stopping.then(() => undefined), running.failed]);
      await running.stop();
      if (failure !== undefined) throw failure;
      log.info({}, "freshet has stopped");
    });
}
