import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Config } from "../config/load.ts";

/** What decides, beside the events. */
export interface Deciding {
  readonly config: Config;
  /** Folder of the package, with its build. */
  readonly program: string;
  /** Folder of the configuration: operators of its own lie there. */
  readonly folder: string;
  /** Of the tenant key and the one before it: under others everybody is somebody else. */
  readonly keyIds: readonly string[];
}

/** Of this package: `0.1.0`. */
export function packageVersion(): string {
  const file = readFileSync(join(packageRoot(), "package.json"), "utf8");
  return (JSON.parse(file) as { readonly version: string }).version;
}

/** The folder this package was installed into, from sources and from the build. */
export function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, "package.json"))) {
    const above = dirname(folder);
    if (above === folder) throw new Error("no package.json above this file");
    folder = above;
  }
  return folder;
}

/**
 * Names what decides: the program as it was built, the packages it stands on, the Node it runs on, the
 * configuration with its operators, and the tenant key; what of the configuration the log brings is
 * not part of it. Equal names decide alike.
 */
export function versionOf({ config, program, folder, keyIds }: Deciding): string {
  const { dependencies } = JSON.parse(readFileSync(join(program, "package.json"), "utf8")) as {
    readonly dependencies: Readonly<Record<string, string>>;
  };
  const node = process.versions.node.split(".", 1)[0];
  const hash = createHash("sha256");
  hash.update(JSON.stringify([node, dependencies, config.fixed, keyIds]));
  for (const part of BUILT) addCode(hash, join(program, "dist", part));
  if (bringsOperators(config)) addCode(hash, folder);
  return hash.digest("hex").slice(0, 32);
}

/** What runs in the engine and in its threads. */
const BUILT = ["src", "operators"] as const;

const bringsOperators = ({ job }: Config): boolean =>
  [...job.operators.shopper, ...job.operators.demand].some(
    ({ options }) => typeof options === "object" && options !== null && "module" in options,
  );

/** Every script of a folder, by name and content; packages it has installed are its own affair. */
function addCode(hash: ReturnType<typeof createHash>, folder: string): void {
  for (const name of scriptsUnder(folder, "").sort()) {
    hash.update(`\0${name}\0`).update(readFileSync(join(folder, name)));
  }
}

function scriptsUnder(folder: string, within: string): string[] {
  const path = join(folder, within);
  if (!existsSync(path)) return [];
  return readdirSync(path, { withFileTypes: true }).flatMap((entry) => {
    const name = join(within, entry.name);
    if (entry.isDirectory()) {
      const foreign = entry.name === "node_modules" || entry.name.startsWith(".");
      return foreign ? [] : scriptsUnder(folder, name);
    }
    return /\.m?js$/.test(entry.name) ? [name] : [];
  });
}
