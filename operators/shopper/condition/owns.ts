import type { Owns } from "../../../src/config/condition-ast.ts";
import { plus } from "../../../src/time/event-time.ts";
import { textOfMatcher } from "./explained.ts";
import type { LevelLeaf } from "./leaf.ts";
import { leafKey } from "./leaf-key.ts";
import type { Machine, MachineHistory, Mark } from "./machine.ts";
import { machineLevel } from "./machine-leaf.ts";

/** The oldest match, and whether it is old enough. */
type OwnsState = readonly [mark: Mark, old: boolean];

/** A match lies further back than `ageOver`. */
export function ownsLevel({ of, ageOver }: Owns): LevelLeaf<MachineHistory<OwnsState>> {
  const machine: Machine<OwnsState> = {
    take: (state, mark) => state ?? [mark, false],
    wake: ([mark, old]) => (old ? undefined : plus(mark[0], ageOver)),
    woken: ([mark]) => [mark, true],
    holds: ([, old]) => old,
    marks: ([mark]) => [mark],
    join: (a, b) => (b[0][0] < a[0][0] ? b : a),
  };
  const leaf = machineLevel({
    key: leafKey("owns", of, ageOver),
    matchers: [of],
    machine,
    reading: () => ({ what: textOfMatcher(of), within_ms: ageOver }),
    parts: ({ bound }) => [{ role: 0, label: "", value: 0, bound, partition: "" }],
  });
  return {
    ...leaf,
    bound: (history) => history?.[0]?.[0][6] ?? history?.[2][0]?.[6] ?? null,
  };
}
