import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { KeyedTask, type TaskSnapshot } from "../../src/flow/keyed-task.ts";
import type { Context, Node, Operator, Timer } from "../../src/flow/operator.ts";
import { FORGET } from "../../src/flow/operator.ts";
import type { Output } from "../../src/flow/output.ts";
import { InlineScoring } from "../../src/score/inline.ts";
import type { Part, Piece } from "../../src/state/part.ts";
import { decodePlain, encodePlain } from "../../src/state/plain.ts";
import type { EventTime } from "../../src/time/event-time.ts";

interface Hit {
  readonly key: string;
  readonly n: number;
}
interface Sum {
  total: number;
  hits: number;
}

/** Adds up, forgets a key that was quiet for 50 ms, passes every hit on. */
const sums: Operator<Hit, Hit, Sum> = {
  name: "sums",
  version: 1,
  order: "arrival",
  key: (hit) => hit.key,
  init: () => ({ total: 0, hits: 0 }),
  onEvent(hit, state, ctx) {
    state.total += hit.n;
    state.hits += 1;
    ctx.setTimer("quiet", (ctx.now + 50) as EventTime);
    ctx.setTimer(`echo-${state.hits % 3}`, (ctx.now + hit.n) as EventTime);
    if (hit.n === 7) throw new Error("seven");
    ctx.emit(hit);
    return state;
  },
  onTimer(timer: Timer, state, ctx: Context<Hit>) {
    ctx.emit({ key: `${ctx.key}-${timer.name}`, n: state.total });
    return timer.name === "quiet" ? FORGET : state;
  },
  publish: (hit) => ({ subject: "sum.said", data: { ...hit } }),
};
/** In event-time order, under another key. */
const inOrder: Operator<Hit, Hit, { last: number }> = {
  name: "in-order",
  version: 1,
  order: "event-time",
  key: (hit) => `by-${hit.n % 2}`,
  init: () => ({ last: 0 }),
  onEvent(hit, state, ctx) {
    ctx.emit({ key: hit.key, n: ctx.now - state.last });
    return { last: ctx.now };
  },
  publish: (hit) => ({ subject: "order.said", data: { ...hit } }),
};
const nodes: readonly Node[] = [
  { operator: sums, from: ["events"] },
  { operator: inOrder, from: ["sums"] },
];

type Step =
  | { readonly kind: "hit"; readonly key: string; readonly n: number; readonly ago: number }
  | { readonly kind: "time"; readonly by: number }
  | { readonly kind: "fact"; readonly key: string; readonly value: number | null };

const steps = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: hitArbitrary() },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant("time" as const), by: fc.nat(60) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant("fact" as const),
        key: fc.constantFrom("x", "y"),
        value: fc.option(fc.nat(9)),
      }),
    },
  ),
  { minLength: 1, maxLength: 100 },
);
function hitArbitrary() {
  return fc.record({
    kind: fc.constant("hit" as const),
    // More keys than are encoded in one go.
    key: fc.oneof(fc.constantFrom("a", "b", "c"), fc.nat(60).map(String)),
    n: fc.nat(9),
    ago: fc.nat(4),
  });
}

class Play {
  readonly outputs: Output[] = [];
  readonly task: KeyedTask;
  now = 1000;

  constructor(hotRows: number) {
    this.task = new KeyedTask(
      { name: "play", nodes, decode: (record) => record[6] },
      { group: 0, scoring: new InlineScoring({}), hotRows, ordered: false },
      { output: (output) => this.outputs.push(output), hop: () => undefined },
    );
  }
  async steps(script: readonly Step[], from: number): Promise<void> {
    for (const [i, step] of script.slice(from).entries()) await this.step(step, from + i);
  }
  async step(step: Step, line: number): Promise<void> {
    const position = [line, 0] as const;
    if (step.kind === "fact") await this.task.tell("kind", [[step.key, step.value]]);
    else if (step.kind === "time") {
      this.now += step.by;
      await this.task.advance((this.now - 20) as EventTime, position);
    } else {
      const { key, n, ago } = step;
      const now = (this.now - ago) as EventTime;
      await this.task.event({ key, n }, { key, now, cause: `e${line}`, position });
    }
    await this.task.settle();
  }
}

/** Cuts of one task, each drawn little by little while the task goes on. */
class Cuts {
  readonly #play: Play;
  readonly #parts: readonly Part[];
  /** By cut, then by part. */
  readonly #stored: Uint8Array[][][] = [];
  #drawing: Iterator<Piece | undefined>[] = [];
  /** At the last cut: the rest of what the task remembers, and what it had said. */
  #rest: Uint8Array = new Uint8Array();
  #now = 0;
  said = 0;

  constructor(play: Play) {
    this.#play = play;
    this.#parts = play.task.parts();
  }
  cutAt(places: readonly number[], line: number): void {
    for (const place of places) if (place === line) this.#cut();
  }
  #cut(): void {
    this.finish();
    const whole = this.#stored.length === 0;
    this.#drawing = this.#parts.map((part) => part.cut(whole).pieces()[Symbol.iterator]());
    this.#stored.push(this.#parts.map(() => []));
    this.#rest = encodePlain(this.#play.task.snapshot());
    this.#now = this.#play.now;
    this.said = this.#play.outputs.length;
  }
  /** Some entries of each part; false when all have been drawn. */
  draw(): boolean {
    const drawn = this.#drawing.map((pieces, part) => {
      const { done, value } = pieces.next();
      if (value !== undefined) this.#stored.at(-1)?.[part]?.push(value.bytes);
      return done !== true;
    });
    return drawn.includes(true);
  }
  finish(): void {
    while (this.draw());
  }
  restoreInto(play: Play): void {
    const parts = play.task.parts();
    for (const cut of this.#stored) {
      cut.forEach((bytes, i) => {
        parts[i]?.restore(Buffer.concat(bytes), 0);
      });
    }
    play.task.restore(decodePlain(this.#rest) as TaskSnapshot);
    play.now = this.#now;
  }
}

const factsOf = ({ task }: Play) => [...task.facts.entries()].sort();

describe("a cut", () => {
  test("restored is the task as it was at the cut, whatever happened while it was drawn", async () => {
    const places = fc.tuple(fc.nat(100), fc.nat(100)).map((at) => at.sort((a, b) => a - b));
    const ways = fc.record({ slow: fc.boolean(), hotRows: fc.constantFrom(0, 2, 100) });
    await fc.assert(
      fc.asyncProperty(steps, places, ways, async (told, at, { slow, hotRows }) => {
        const script: readonly Step[] = [...told, { kind: "time", by: 200 }];
        const ends = at.map((place) => Math.min(place, script.length));
        const straight = new Play(hotRows);
        const cuts = new Cuts(straight);
        for (const [line, step] of script.entries()) {
          cuts.cutAt(ends, line);
          await straight.step(step, line);
          if (!slow) cuts.draw();
        }
        cuts.cutAt(ends, script.length);
        cuts.finish();
        const again = new Play(hotRows);
        cuts.restoreInto(again);
        await again.steps(script, ends[1] ?? 0);
        expect(again.outputs).toEqual(straight.outputs.slice(cuts.said));
        expect(factsOf(again)).toEqual(factsOf(straight));
      }),
      { numRuns: 400 },
    );
  });
});
