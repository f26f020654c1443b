/**
 * Makes a checkout ready to run: dependencies, build, and a nats-server. Everything it has to say
 * goes to stderr, for stdout belongs to the command that follows. Does nothing, in well under a
 * second, when all is done; with --quiet it then says nothing either.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { ensureBroker } from "./setup/broker.mjs";
import { ensureBuild } from "./setup/build.mjs";
import { ensureDependencies } from "./setup/dependencies.mjs";
import { withLock } from "./setup/lock.mjs";
import { Problem, passSignals, say } from "./setup/run.mjs";

const OLDEST_NODE = [20, 19];
const root = join(import.meta.dirname ?? new URL(".", import.meta.url).pathname, "..");
const quiet = process.argv.includes("--quiet");

function checkNode() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1])) return;
  throw new Problem(
    `Node ${process.versions.node} is too old: Freshet needs ${OLDEST_NODE.join(".")} or newer.`,
    ["Install Node 20, 22 or 24: https://nodejs.org, or your system's packages."],
  );
}

async function main() {
  const begun = performance.now();
  checkNode();
  passSignals();
  // An installed package brings its build and its dependencies: only the broker may be missing.
  const isCheckout = existsSync(join(root, "src")) && existsSync(join(root, "package-lock.json"));
  const done = [];
  if (isCheckout) {
    await withLock(join(root, ".freshet", "setup.lock"), async () => {
      done.push(await ensureDependencies(root), await ensureBuild(root), await ensureBroker(root));
    });
  } else {
    done.push(await ensureBroker(root));
  }
  const seconds = ((performance.now() - begun) / 1000).toFixed(1);
  const news = done.filter((what) => what !== undefined);
  if (news.length > 0) say(`ready: ${news.join(", ")} (${seconds} s)`);
  else if (!quiet) say(`ready (${seconds} s)`);
}

try {
  await main();
} catch (error) {
  if (!(error instanceof Problem)) throw error;
  say(error.message);
  for (const way of error.ways) say(`  - ${way}`);
  process.exitCode = 1;
}
