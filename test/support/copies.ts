import { AssertionError } from "node:assert";
import type { AnyOperator, Node } from "../../src/flow/operator.ts";
import { decodePlain, encodePlain } from "../../src/state/plain.ts";

interface Held {
  readonly operator: string;
  readonly own: unknown;
  /** The state, as it was. */
  readonly bytes: Uint8Array;
}

/** So many copies are held against each other at once: what a later step changes shows, too. */
const HELD = 40;

/**
 * Holds the copies that operators make of their states against the states as they were: what a copy
 * shares with the state, nothing may ever change in place.
 */
export class Copies {
  #held: Held[] = [];
  /** How many were made, by operator. */
  readonly made = new Map<string, number>();

  /** The same nodes, watched. Throws out of the run where an operator changed what a copy shares. */
  watch(nodes: readonly Node[]): Node[] {
    return nodes.map((node) => ({ ...node, operator: this.#watched(node.operator) }));
  }

  #watched(operator: AnyOperator): AnyOperator {
    const { name, copy } = operator;
    if (copy === undefined) return operator;
    return {
      ...operator,
      copy: (state) => {
        // A copy that a failed step went back to is the state from here on.
        if (this.#held.length >= HELD || this.#held.some(({ own }) => own === state)) this.check();
        const own: unknown = copy.call(operator, state);
        this.#held.push({ operator: name, own, bytes: encodePlain(state) });
        this.made.set(name, (this.made.get(name) ?? 0) + 1);
        return own;
      },
    };
  }

  /** Call it at the end of a run. */
  check(): void {
    const held = this.#held;
    this.#held = [];
    for (const { operator, own, bytes } of held) {
      if (Buffer.compare(encodePlain(own), bytes) === 0) continue;
      throw new AssertionError({
        message: `${operator} changed in place what its copy shares`,
        actual: own,
        expected: decodePlain(bytes),
        operator: "deepStrictEqual",
      });
    }
  }
}
