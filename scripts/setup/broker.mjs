import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { Problem, run, say, told } from "./run.mjs";

/** The same places, in the same order, as src/nats/server-binary.ts. */
const USUAL_FOLDERS = ["/usr/sbin", "/usr/local/sbin", "/usr/local/bin", "/opt/homebrew/bin"];
const QUIET_APT = ["-qq", "-o", "Acquire::Retries=1", "-o", "DPkg::Lock::Timeout=120"];

const WAYS = [
  "Debian or Ubuntu: apt-get install nats-server",
  "macOS: brew install nats-server",
  "Go: go install github.com/nats-io/nats-server/v2@latest",
  "Docker: docker run -p 4222:4222 nats:latest -js, then NATS_URL=nats://127.0.0.1:4222",
  "Download: https://github.com/nats-io/nats-server/releases",
  "Have one? NATS_SERVER_BIN=/path/to/nats-server, or NATS_URL for a broker that already runs.",
];

/** A nats-server to start, unless NATS_URL says that one runs; the tests start their own. */
export async function ensureBroker(root) {
  const named = process.env.NATS_SERVER_BIN;
  if (named !== undefined && named !== "") {
    if (isExecutable(named)) return undefined;
    throw new Problem(`NATS_SERVER_BIN names ${named}, which is not a program.`, WAYS);
  }
  const isTest = process.env.npm_lifecycle_event === "test";
  if (process.env.NATS_URL && !isTest) return undefined;
  const fetched = join(root, "node_modules", ".freshet", "bin");
  if (find(fetched)) return undefined;
  if (process.platform !== "linux" || told("apt-get", ["--version"]) === undefined) {
    throw new Problem("no nats-server was found, and there is no apt to install it with.", WAYS);
  }
  if (await install()) return "nats-server installed";
  if (await unpack(fetched)) return "nats-server fetched";
  throw new Problem("no nats-server was found, and it could not be installed here.", WAYS);
}

function find(fetched) {
  const onPath = (process.env.PATH ?? "").split(delimiter).filter((folder) => folder !== "");
  const folders = [...onPath, ...USUAL_FOLDERS, fetched];
  return folders.some((folder) => isExecutable(join(folder, "nats-server")));
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Debian's package, where this user may: as root, or by sudo that asks no password. */
async function install() {
  const isRoot = process.getuid?.() === 0;
  if (!isRoot && told("sudo", ["-n", "true"]) === undefined) return false;
  const before = isRoot ? [] : ["sudo", "-n"];
  const quietly = [...before, "env", "DEBIAN_FRONTEND=noninteractive"];
  say("installing nats-server with apt-get");
  const apt = (words) => run(...split([...quietly, "apt-get", ...QUIET_APT, ...words]));
  await apt(["update"]);
  const code = await apt(["install", "-y", "--no-install-recommends", "nats-server"]);
  if (code !== 0) return false;
  // The package would start a broker of its own at every boot; the engine starts the one it needs.
  if (existsSync("/run/systemd/system")) {
    const off = [...before, "systemctl", "disable", "--now", "nats-server.service"];
    await run(...split(off), { silent: true });
  }
  return true;
}

/** Without the right to install: the same package, unpacked beside the dependencies. */
async function unpack(folder) {
  say("not allowed to install: fetching Debian's nats-server package and unpacking it here");
  const work = mkdtempSync(join(tmpdir(), "freshet-setup-"));
  try {
    if ((await run("apt-get", [...QUIET_APT, "download", "nats-server"], { cwd: work })) !== 0) {
      return false;
    }
    const [archive] = readdirSync(work).filter((name) => name.endsWith(".deb"));
    if (archive === undefined) return false;
    if ((await run("dpkg-deb", ["-x", archive, "out"], { cwd: work })) !== 0) return false;
    mkdirSync(folder, { recursive: true });
    const fresh = join(folder, "nats-server.new");
    if ((await run("cp", [join(work, "out/usr/sbin/nats-server"), fresh])) !== 0) return false;
    renameSync(fresh, join(folder, "nats-server"));
    return true;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

const split = ([program, ...words]) => [program, words];
