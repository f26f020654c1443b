import type { Engine } from "../../src/engine.ts";
import type { Part } from "../../src/threads/ensemble.ts";

/** A part on another thread, without the thread. */
export const partOf = (engine: Engine): Part => ({
  get report() {
    return engine.report();
  },
  run: async () => engine.run(),
  halt: async () => engine.halt(),
  halted: async () => engine.halted(),
  readOn: async (upTo) => engine.readOn(upTo),
  finish: (withinMs) => engine.finish(withinMs),
});
