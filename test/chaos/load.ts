import { setTimeout as sleep } from "node:timers/promises";
import { connect, headers, type NatsConnection } from "nats";
import type { Heard } from "../../operators/simulated-shop/message.ts";
import { noteAcknowledged } from "./ledger.ts";
import { type Parcel, Traffic } from "./traffic.ts";

/** Parcels under way at the most: a tracker that gets no answer waits. */
const UNDER_WAY = 200;
const STEP_MS = 50;
const ASK_MS = 250;
const PREFIX = "freshet";

/** Publishes what the shop says, each parcel until it is acknowledged, and notes what was. */
class Load {
  readonly #nc: NatsConnection;
  readonly #traffic: Traffic;
  readonly #ledger: string;
  readonly #underWay = new Set<Promise<void>>();
  #stopped = false;

  constructor(nc: NatsConnection, traffic: Traffic, ledger: string) {
    this.#nc = nc;
    this.#traffic = traffic;
    this.#ledger = ledger;
  }

  /** Runs until it is stopped, and on until all that was said is acknowledged. */
  async run(): Promise<void> {
    for (const subject of ["recommendation.>", "restock.>"]) this.#listen(subject);
    const asking = this.#ask();
    await this.#send(this.#traffic.opening());
    while (!this.#stopped) {
      await this.#send(this.#traffic.until(Date.now()));
      await sleep(STEP_MS);
    }
    await Promise.all([...this.#underWay, asking]);
  }
  stop(): void {
    this.#stopped = true;
  }

  async #send(parcels: readonly Parcel[]): Promise<void> {
    for (const parcel of parcels) {
      while (this.#underWay.size >= UNDER_WAY) await Promise.race(this.#underWay);
      const sending: Promise<void> = this.#publish(parcel).finally(() => {
        this.#underWay.delete(sending);
      });
      this.#underWay.add(sending);
    }
  }

  async #publish({ id, subject, data, contentType, events }: Parcel): Promise<void> {
    const js = this.#nc.jetstream({ timeout: 1000 });
    const about = headers();
    about.set("Content-Type", contentType);
    for (;;) {
      try {
        const { seq } = await js.publish(`${PREFIX}.${subject}`, data, {
          msgID: id,
          headers: about,
        });
        noteAcknowledged(this.#ledger, { id, seq, events });
        return;
      } catch {
        await sleep(50);
      }
    }
  }

  /** The shop's people and suppliers hear what is published, and answer. */
  #listen(subject: string): void {
    this.#nc.subscribe(`${PREFIX}.${subject}`, {
      callback: (error, message) => {
        if (error !== null) return;
        const heard = message.subject.slice(PREFIX.length + 1);
        this.#traffic.hear({ subject: heard, data: message.json<Heard["data"]>() });
      },
    });
  }

  /** Pages ask what to show; an engine that is not there does not answer. */
  async #ask(): Promise<void> {
    while (!this.#stopped) {
      const request = { slot: "mp.home.first", ids: this.#traffic.somebody, n: 3 };
      await this.#nc
        .request(`${PREFIX}.ask.recommend`, JSON.stringify(request), { timeout: 1000 })
        .catch(() => undefined);
      await sleep(ASK_MS);
    }
  }
}

const [url = "", seed = "0", ledger = ""] = process.argv.slice(2);
const nc = await connect({
  servers: url,
  // The broker may be dead just now.
  waitOnFirstConnect: true,
  maxReconnectAttempts: -1,
  reconnectTimeWait: 50,
});
const load = new Load(nc, new Traffic(Number(seed), Date.now()), ledger);
process.once("SIGTERM", () => load.stop());
await load.run();
await nc.close();
