import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Problem, run, say } from "./run.mjs";

/** What `tsconfig.build.json` includes, and the files that decide how it is compiled. */
const TESTS = ["conformance", "sim", "chaos", "requirements", "support"].map((folder) =>
  join("test", folder),
);
const SOURCES = ["src", "operators", "bench", ...TESTS];
const SETTINGS = ["tsconfig.json", "tsconfig.build.json", "package-lock.json"];

/** Compiles into dist/ when any source differs, in content, from those of the last build. */
export async function ensureBuild(root) {
  const sources = SOURCES.flatMap((folder) => filesUnder(root, folder, ".ts")).sort();
  const stampPath = join(root, "dist", ".freshet-build");
  const stamp = digestOf(root, [...SETTINGS, ...sources]);
  if (existsSync(stampPath) && readFileSync(stampPath, "utf8") === stamp) return undefined;
  say("building");
  rmSync(stampPath, { force: true });
  const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
  const words = [tsc, "-p", "tsconfig.build.json", "--noEmitOnError", "--pretty", "false"];
  const code = await run(process.execPath, words, { cwd: root });
  if (code !== 0) {
    throw new Problem(`the build failed with exit code ${code}; see what tsc said above.`, [
      "`npm run -s types` shows the same.",
    ]);
  }
  removeLeftovers(root, new Set(sources));
  writeFileSync(stampPath, stamp);
  return "built";
}

function filesUnder(root, folder, ending) {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return filesUnder(root, path, ending);
    return entry.name.endsWith(ending) ? [path] : [];
  });
}

function digestOf(root, paths) {
  const hash = createHash("sha256");
  for (const path of paths) hash.update(`${path}\0`).update(readFileSync(join(root, path)));
  return `${hash.digest("hex")}\n`;
}

/** What was compiled from a source that is gone would still be found by its importers. */
function removeLeftovers(root, sources) {
  for (const path of filesUnder(root, "dist", ".js")) {
    const name = path.slice(0, -".js".length);
    if (sources.has(`${name.slice("dist/".length)}.ts`)) continue;
    for (const ending of [".js", ".js.map", ".d.ts"]) {
      rmSync(join(root, `${name}${ending}`), { force: true });
    }
  }
}
