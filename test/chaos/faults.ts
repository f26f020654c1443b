import { setTimeout as sleep } from "node:timers/promises";
import { type PlannedFault, planFaults } from "./plan.ts";
import type { Say, Stage } from "./stage.ts";

/** How long a zombie and the engine in its place go on side by side before one is killed. */
const TWINS_MS = 3000;
/** After so long what was sent into the silence has been sent again. */
const RESENT_MS = 3000;
const SIGHT_MS = 1500;

/** Does to the processes what the plan says, and counts it. */
export class Faults {
  readonly #stage: Stage;
  readonly #say: Say;
  /** One thing at a time is done to the broker. */
  #broker: Promise<void> = Promise.resolve();
  engineKills = 0;
  brokerKills = 0;
  zombies = 0;

  constructor(stage: Stage, say: Say) {
    this.#stage = stage;
    this.#say = say;
  }

  /** Resolves when all is over and everything that was stopped runs again. */
  async all(seed: number, forMs: number): Promise<void> {
    const began = performance.now();
    const struck: Promise<void>[] = [];
    for (const fault of planFaults(seed, forMs)) {
      await sleep(Math.max(0, began + fault.at - performance.now()));
      struck.push(this.#strike(fault));
    }
    await sleep(Math.max(0, began + forMs - performance.now()));
    await Promise.all(struck);
  }

  async #strike(fault: PlannedFault): Promise<void> {
    const { lasts } = fault;
    switch (fault.kind) {
      case "kill-engine":
        return this.#kill();
      case "stop-engine":
        return this.#replace();
      case "zombie":
        return this.#zombie(lasts);
      case "silence":
        return this.#silence(lasts);
      case "kill-broker":
      case "restart-broker":
        return this.#alone(() => this.#restart(fault.kind === "kill-broker", lasts));
      case "full-disk":
        return this.#alone(() => this.#fullDisk(lasts));
    }
  }

  async #kill(): Promise<void> {
    const { fleet } = this.#stage;
    const { name } = await fleet.killAny();
    this.#killed(name);
  }
  #killed(name: string): void {
    this.engineKills += 1;
    this.#say(`killed ${name}`);
  }

  async #replace(): Promise<void> {
    const { fleet } = this.#stage;
    const { name } = await fleet.replaceAny();
    this.#say(`replaced ${name}`);
  }

  /** It sleeps, another works in its place, it goes on beside it, and that other one dies. */
  async #zombie(lasts: number): Promise<void> {
    const { fleet } = this.#stage;
    const zombie = await fleet.sleepAny();
    this.zombies += 1;
    this.#say(`${zombie.name} sleeps for ${lasts} ms`);
    await sleep(lasts);
    fleet.wake(zombie);
    this.#say(`${zombie.name} wakes`);
    await sleep(TWINS_MS);
    for (const { name } of fleet.killOthers()) this.#killed(name);
    zombie.spared = false;
  }

  async #silence(lasts: number): Promise<void> {
    const { fleet, proxy } = this.#stage;
    const goOn = await fleet.spareAll();
    this.#say(`no reply reaches an engine for ${lasts} ms`);
    const breakOff = proxy.swallowReplies();
    await sleep(lasts);
    breakOff();
    await sleep(RESENT_MS);
    goOn();
  }

  async #restart(kill: boolean, lasts: number): Promise<void> {
    const { broker } = this.#stage;
    this.#say(`${kill ? "killed" : "stopped"} the broker for ${lasts} ms`);
    if (kill) this.brokerKills += 1;
    await (kill ? broker.kill() : broker.down());
    await sleep(lasts);
    await broker.up();
  }

  /** The broker meets a full disk; with room again it is started anew, as its documentation asks. */
  async #fullDisk(lasts: number): Promise<void> {
    const { disk, broker } = this.#stage;
    if (disk === undefined) return;
    this.#say(`the disk is full for ${lasts} ms`);
    const makeRoom = disk.fill();
    await sleep(lasts);
    makeRoom();
    await broker.down();
    await broker.up();
    await sleep(SIGHT_MS);
  }

  #alone(act: () => Promise<void>): Promise<void> {
    this.#broker = this.#broker.then(act);
    return this.#broker;
  }
}
