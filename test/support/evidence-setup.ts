import { afterEach, beforeEach } from "vitest";
import { countFor, type Evidence } from "./evidence.ts";

declare module "vitest" {
  interface TaskMeta {
    flows?: Evidence;
  }
}

beforeEach(({ task }) => {
  task.meta.flows = { fed: 0, published: 0 };
  countFor(task.meta.flows);
});
afterEach(() => countFor(undefined));
