import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { Problem, run, say } from "./run.mjs";

/**
 * Installs what package-lock.json names when it changed, when Node's major version did (packages
 * may hold native code), or when nothing is there. What is there and matches is taken as done.
 */
export async function ensureDependencies(root) {
  const stampPath = join(root, "node_modules", ".freshet-stamp");
  const lock = readFileSync(join(root, "package-lock.json"), "utf8");
  const [major] = process.versions.node.split(".");
  const locked = JSON.parse(lock).packages;
  const digest = createHash("sha256").update(lock).digest("hex");
  const platform = ` node-${major} ${process.platform}-${process.arch}\n`;
  const stamp = digest + platform;
  const former = existsSync(stampPath) ? readFileSync(stampPath, "utf8") : undefined;
  if (former === stamp) return undefined;
  if ((former === undefined || former.endsWith(platform)) && matches(root, locked)) {
    writeFileSync(stampPath, stamp);
    return undefined;
  }
  // `npm ci` refuses a lock file that a registry without every platform's packages has written.
  const words = isWhole(locked) ? ["ci"] : ["install", "--no-save"];
  say(`installing dependencies with npm ${words[0]}`);
  const code = await npm(root, [
    ...words,
    "--include=dev",
    "--loglevel=error",
    "--no-fund",
    "--no-audit",
  ]);
  if (code !== 0) {
    throw new Problem(`npm ${words[0]} failed with exit code ${code}.`, [
      "Offline? The packages come from the npm registry: connect, or name a mirror with `npm config set registry URL`.",
      `See what npm said above; \`npm ${words.join(" ")} --loglevel=verbose\` says more.`,
    ]);
  }
  writeFileSync(stampPath, stamp);
  return "dependencies installed";
}

/** The npm that runs this script, else the one on PATH. */
function npm(root, words) {
  const running = process.env.npm_execpath ?? "";
  const own = basename(running) === "npm-cli.js" && existsSync(running);
  return own
    ? run(process.execPath, [running, ...words], { cwd: root })
    : run("npm", words, { cwd: root });
}

/** Whether node_modules holds every package of the lock file; optional ones may be missing. */
function matches(root, locked) {
  const hidden = join(root, "node_modules", ".package-lock.json");
  if (!existsSync(hidden)) return false;
  const installed = JSON.parse(readFileSync(hidden, "utf8")).packages ?? {};
  return Object.entries(locked).every(([path, wanted]) => {
    if (path === "") return true;
    const found = installed[path];
    return found === undefined ? wanted.optional === true : found.version === wanted.version;
  });
}

/** Whether every optional dependency that a package names has an entry of its own. */
function isWhole(locked) {
  return Object.entries(locked).every(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).every((name) => isLocked(locked, path, name)),
  );
}

/** As Node looks a package up: beside the one that asks, then outwards. */
function isLocked(locked, path, name) {
  const folders = path.split("/node_modules/");
  for (let depth = folders.length; depth > 0; depth -= 1) {
    if (`${folders.slice(0, depth).join("/node_modules/")}/node_modules/${name}` in locked)
      return true;
  }
  return `node_modules/${name}` in locked;
}
