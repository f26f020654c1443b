import { connect, headers, type NatsConnection } from "nats";
import type { ShopMessage } from "../operators/simulated-shop/message.ts";
import { SimulatedShop } from "../operators/simulated-shop/simulated-shop.ts";
import { eventTime, plus, seconds } from "../src/time/event-time.ts";
import { OpenLoop, type Pace, type Paced } from "./open-loop.ts";
import { AFTER, smallEvents, smallMessage } from "./small-job.ts";

/** What the process that publishes is asked to do, and what it answers. */
export type Order =
  | {
      readonly do: "make";
      /** Events of the simulated shop, or those of the small job. */
      readonly what: "shop" | "small";
      readonly events: number;
      readonly url: string;
    }
  | { readonly do: "facts"; readonly prefix: string }
  | { readonly do: "events"; readonly prefix: string; readonly batch: number }
  | ({ readonly do: "pace"; readonly prefix: string } & Pace);
export interface Done {
  readonly messages: number;
}
export type AnswerTo<O extends Order> = O extends { readonly do: "pace" } ? Paced : Done;

const START = eventTime(Date.parse("2026-09-12T13:00:00+08:00"));
/** So that a busy afternoon gives enough events soon. */
const PEOPLE = 12_000;
/** Event time runs at a thousand events a second. */
const EVENT_MS = 1;
/** Behind the last event: every window of it has been told by then. */
const AFTER_MS = 20_000;

/** What is published, made before anything is measured. */
interface Made {
  readonly facts: readonly ShopMessage[];
  readonly events: readonly Pick<ShopMessage, "subject" | "body">[];
  /** Log time behind the last event by which every window of it has been told. */
  readonly afterMs: number;
}

function ofShop(count: number): Made {
  const shop = new SimulatedShop({ seed: 3, start: START, people: PEOPLE });
  const facts = shop.facts();
  const events: ShopMessage[] = [];
  for (let at = START; events.length < count; at = plus(at, seconds(10))) {
    for (const message of shop.advance(at)) {
      if (!message.subject.startsWith("in.event.") || events.length === count) continue;
      events.push(message);
    }
  }
  return { facts, events, afterMs: AFTER_MS };
}

function ofSmallJob(count: number): Made {
  const events = smallEvents(count).map((event, i) => {
    const [subject, body] = smallMessage(event, i);
    return { subject, body: JSON.parse(body) };
  });
  return { facts: [], events, afterMs: AFTER };
}

class Load {
  readonly #nc: NatsConnection;
  readonly #pages: NatsConnection;
  readonly #made: Made;
  /** By prefix. */
  readonly #openLoops = new Map<string, OpenLoop>();

  constructor(nc: NatsConnection, pages: NatsConnection, made: Made) {
    this.#nc = nc;
    this.#pages = pages;
    this.#made = made;
  }

  facts(prefix: string): Promise<Done> {
    const told = this.#made.facts.map(
      ({ subject, body }) => [subject, JSON.stringify(body)] as const,
    );
    return this.#publish(prefix, [...told, tick(0)]);
  }

  events(prefix: string, batch: number): Promise<Done> {
    const events = this.#made.events.map(({ subject, body }, i) => {
      const ts = START + i * EVENT_MS;
      return [subject, JSON.stringify({ ...body, ts, recv: ts })] as const;
    });
    const messages: (readonly [string, string])[] = [];
    if (batch === 1) messages.push(...events);
    else {
      for (let i = 0; i < events.length; i += batch) {
        const bodies = events.slice(i, i + batch).map(([, body]) => body);
        messages.push(["in.event.bench.batch", `[${bodies.join(",")}]`]);
      }
    }
    return this.#publish(prefix, [
      ...messages,
      tick(events.length * EVENT_MS + this.#made.afterMs),
    ]);
  }

  /** The events in open loop; each order goes on where the one before of that prefix ended. */
  pace(prefix: string, pace: Pace): Promise<Paced> {
    let loop = this.#openLoops.get(prefix);
    if (loop === undefined) {
      const at = { trackers: this.#nc, pages: this.#pages };
      loop = new OpenLoop(at, prefix, this.#made.events, START);
      this.#openLoops.set(prefix, loop);
    }
    return loop.run(pace);
  }

  /** As fast as the broker takes it: who reads, counts, so nothing waits for acknowledgements. */
  async #publish(prefix: string, messages: readonly (readonly [string, string])[]): Promise<Done> {
    const json = headers();
    json.set("Content-Type", "application/json");
    let unflushed = 0;
    for (const [subject, body] of messages) {
      this.#nc.publish(`${prefix}.${subject}`, body, { headers: json });
      unflushed += body.length;
      if (unflushed < FLUSH_BYTES) continue;
      unflushed = 0;
      await this.#nc.flush();
    }
    await this.#nc.flush();
    return { messages: messages.length };
  }
}
const FLUSH_BYTES = 256 * 1024;

const tick = (after: number) => ["in.tick", JSON.stringify({ recv: START + after })] as const;

/** The process that publishes: does what its parent orders, until that lets go of it. */
export async function serveLoad(): Promise<number> {
  let load: Load | undefined;
  const open: NatsConnection[] = [];
  const obey = async (order: Order): Promise<Done | Paced> => {
    if (order.do === "make") {
      const [nc, pages] = [
        await connect({ servers: order.url }),
        await connect({ servers: order.url }),
      ];
      open.push(nc, pages);
      load = new Load(nc, pages, (order.what === "shop" ? ofShop : ofSmallJob)(order.events));
      return { messages: 0 };
    }
    if (load === undefined) throw new Error("nothing was made to be published");
    if (order.do === "pace") return load.pace(order.prefix, order);
    return order.do === "facts" ? load.facts(order.prefix) : load.events(order.prefix, order.batch);
  };
  process.on("message", (order: Order) => {
    obey(order)
      .then((done) => process.send?.(done))
      .catch((error: unknown) => {
        process.stderr.write(`load: ${error instanceof Error ? error.stack : String(error)}\n`);
        process.exit(1);
      });
  });
  await new Promise((resolve) => process.once("disconnect", resolve));
  for (const nc of open) await nc.close();
  return 0;
}
