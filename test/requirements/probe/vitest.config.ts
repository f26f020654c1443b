import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/requirements/probe/*.cases.ts"],
    setupFiles: ["test/support/evidence-setup.ts"],
  },
});
