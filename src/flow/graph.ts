import type { KeyedRecord } from "../codec/frame.ts";
import { Fault } from "../faults.ts";
import type { Millis } from "../time/event-time.ts";
import type { FactIndex } from "./fact-store.ts";
import type { AnyOperator, Node } from "./operator.ts";

/** A keyed flow: how its records become events, and the operators they run through. */
export interface FlowDefinition {
  readonly name: string;
  /** In any order; `from` names operators of the list, or `events`. */
  readonly nodes: readonly Node[];
  decode(record: KeyedRecord): unknown;
  readonly factIndex?: FactIndex;
}

/**
 * A node with its place in the order of the graph and who it feeds. What its operator is asked at
 * every event stands here once more: operators are objects of as many shapes as there are operators,
 * in which each question is a search; nodes are all of one shape. Methods are called on the operator.
 */
export interface GraphNode {
  readonly index: number;
  readonly operator: AnyOperator;
  readonly feeds: readonly GraphNode[];
  readonly key: AnyOperator["key"];
  readonly onEvent: AnyOperator["onEvent"];
  readonly copy: AnyOperator["copy"];
  readonly permits: AnyOperator["permits"];
  readonly inTimeOrder: boolean;
  readonly atomic: boolean;
  readonly keep: Millis | undefined;
  readonly purpose: string | undefined;
  readonly wakes: string | undefined;
}
export interface Graph {
  /** Parents before children; names within one rank in the order of the definition. */
  readonly nodes: readonly GraphNode[];
  /** Those fed by the flow's own events. */
  readonly roots: readonly GraphNode[];
}

/** What an event changes of a key's consents holds for that event already. */
const gateRank = ({ operator }: Node): number => (operator.permits === undefined ? 1 : 0);

/** The name under which a graph's own input goes in `from`. */
const EVENTS = "events";

/** Orders the nodes; throws GRAPH_CYCLE or OPERATOR_UNKNOWN, naming the operators concerned. */
export function compileGraph(definition: FlowDefinition): Graph {
  const waiting = [...definition.nodes].sort((a, b) => gateRank(a) - gateRank(b));
  const placed = new Map<string, GraphNode & { readonly feeds: GraphNode[] }>();
  const names = new Set(waiting.map((node) => node.operator.name));
  for (const node of waiting) {
    for (const from of node.from) {
      if (from !== EVENTS && !names.has(from)) {
        throw new Fault(
          "OPERATOR_UNKNOWN",
          `operator ${node.operator.name} of flow ${definition.name} is fed by ${from}, which is not in the flow`,
        );
      }
    }
  }
  while (waiting.length > 0) {
    const next = waiting.findIndex((n) => n.from.every((f) => f === EVENTS || placed.has(f)));
    const node = waiting[next];
    if (node === undefined) {
      const left = waiting.map((n) => n.operator.name).join(", ");
      throw new Fault(
        "GRAPH_CYCLE",
        `operators of flow ${definition.name} feed each other: ${left}`,
      );
    }
    waiting.splice(next, 1);
    const graphNode = place(node.operator, placed.size);
    for (const from of node.from) placed.get(from)?.feeds.push(graphNode);
    placed.set(node.operator.name, graphNode);
  }
  const fedByEvents = new Set(
    definition.nodes.filter((n) => n.from.includes(EVENTS)).map((n) => n.operator.name),
  );
  const nodes = [...placed.values()];
  return { nodes, roots: nodes.filter((node) => fedByEvents.has(node.operator.name)) };
}

function place(operator: AnyOperator, index: number): GraphNode & { readonly feeds: GraphNode[] } {
  const { key, onEvent, copy, permits, order, atomic, keep, purpose, wakes } = operator;
  return {
    index,
    operator,
    feeds: [],
    key,
    onEvent,
    copy,
    permits,
    inTimeOrder: order === "event-time",
    atomic: atomic === true,
    keep,
    purpose,
    wakes,
  };
}
