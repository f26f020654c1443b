import type { Row } from "../state/keyed-rows.ts";
import { copyPlain } from "../state/plain.ts";
import type { GraphNode } from "./graph.ts";
import type { ProfileSections, ProfileView } from "./operator.ts";

/**
 * What the operators of a flow show of one key, or say of why it is so, section by section, in the
 * order of the graph. An operator that knows nothing of the key shows what its first state does.
 */
export function sectionsOf(
  what: "profile" | "explain",
  nodes: readonly GraphNode[],
  row: Row | undefined,
  view: ProfileView,
): ProfileSections {
  const sections: Record<string, unknown> = {};
  for (const { operator, index } of nodes) {
    const show = operator[what]?.bind(operator);
    if (show === undefined) continue;
    const state: unknown = row?.states[index] ?? operator.init(view.key);
    for (const [name, section] of Object.entries(show(state, view))) {
      sections[name] = name in sections ? joined(sections[name], section) : section;
    }
  }
  return copyPlain(sections);
}

/** Lists follow each other, fields come together; of anything else the first stands. */
function joined(first: unknown, second: unknown): unknown {
  if (Array.isArray(first) && Array.isArray(second)) return [...first, ...second];
  if (isRecord(first) && isRecord(second)) return { ...second, ...first };
  return first;
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
