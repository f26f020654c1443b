import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Engine } from "../src/engine.ts";
import type { EmbeddedServer } from "../src/nats/embedded-server.ts";
import type { AnswerTo, Order } from "./whole-load.ts";

/** The process that publishes; it has made all messages before anything is measured. */
export class Publisher {
  readonly #child: ChildProcess;
  readonly #ended: Promise<never>;

  private constructor() {
    this.#child = fork(process.argv[1] ?? "", ["load"], { execArgv: [] });
    this.#ended = once(this.#child, "exit").then(() => {
      throw new Error("the publishing process has ended");
    });
    this.#ended.catch(() => undefined);
  }
  static async start(
    url: string,
    events: number,
    what: "shop" | "small" = "shop",
  ): Promise<Publisher> {
    const publisher = new Publisher();
    await publisher.order({ do: "make", what, events, url });
    return publisher;
  }
  async order<O extends Order>(order: O): Promise<AnswerTo<O>> {
    const answer = once(this.#child, "message");
    this.#child.send(order);
    const [done] = await Promise.race([answer, this.#ended]);
    return done as AnswerTo<O>;
  }
  stop(): void {
    this.#child.disconnect();
  }
}

const POLL_MS = 2;
const POLLS_STILL = 25;

/** Moment at which a tick, and all that stood before it and followed of it, was done with; undefined when given up. */
export async function settled(
  engine: Pick<Engine, "caughtUp">,
  counts: { readonly ticks: number },
  ticks: number,
  giveUp: () => boolean = () => false,
): Promise<number | undefined> {
  let still = 0;
  let since = 0;
  while (still < POLLS_STILL) {
    if (giveUp()) return undefined;
    await sleep(POLL_MS);
    const idle = counts.ticks >= ticks && engine.caughtUp;
    still = idle ? still + 1 : 0;
    if (still === 1) since = performance.now();
  }
  return since;
}

/** Processors that were busy, on average: 1 is one whole. */
export interface Busy {
  readonly engine: number;
  readonly broker: number;
  /** All of the machine, whoever had them. */
  readonly all: number;
}

/** Counts from now on what this process and the broker use of the processors. */
export function busySince(server: EmbeddedServer): () => Busy {
  const before = processorSeconds(server);
  const begun = performance.now();
  return () => {
    const after = processorSeconds(server);
    const wall = (performance.now() - begun) / 1000;
    return {
      engine: (after.engine - before.engine) / wall,
      broker: (after.broker - before.broker) / wall,
      all: (after.all - before.all) / wall,
    };
  };
}

/** Processor seconds so far; what this system does not tell is no number. */
function processorSeconds(server: EmbeddedServer): Busy {
  const { user, system } = process.cpuUsage();
  const of = (path: string, read: (fields: readonly string[]) => number): number => {
    try {
      const line = readFileSync(path, "utf8").split("\n")[0] ?? "";
      // What stands in parentheses is a name and may hold spaces.
      return (
        read(
          line
            .slice(line.lastIndexOf(")") + 1)
            .trim()
            .split(/ +/),
        ) / TICKS_A_SECOND
      );
    } catch {
      return Number.NaN;
    }
  };
  return {
    engine: (user + system) / 1e6,
    broker: of(`/proc/${server.pid}/stat`, (fields) => Number(fields[11]) + Number(fields[12])),
    // All but idle and waiting for disks.
    all: of("/proc/stat", (fields) =>
      [1, 2, 3, 6, 7, 8].reduce((sum, i) => sum + Number(fields[i]), 0),
    ),
  };
}
const TICKS_A_SECOND = 100;
