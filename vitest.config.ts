import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { defineConfig } from "vitest/config";

const { exports } = JSON.parse(readFileSync("package.json", "utf8")) as {
  readonly exports: Readonly<Record<string, string>>;
};

/** `freshet/stream` and its like: in tests the sources, not what was last built of them. */
const ownNames = Object.entries(exports).map(([name, built]) => ({
  find: `freshet/${name.slice("./".length)}`,
  replacement: resolve(built.replace("./dist/", "").replace(/\.js$/, ".ts")),
}));

export default defineConfig({
  resolve: { alias: ownNames },
  test: {
    include: ["test/**/*.test.ts"],
    setupFiles: ["test/support/evidence-setup.ts"],
    // Guards against what hangs; on two busy cores whole engines take their time.
    testTimeout: 240_000,
    hookTimeout: 240_000,
    maxWorkers: 2,
    reporters: ["default"],
  },
});
