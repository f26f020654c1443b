import { setTimeout as sleep } from "node:timers/promises";
import type { Random } from "../../operators/simulated-shop/random.ts";
import { samples, textOf } from "../support/engine.ts";
import { Cli, type Finished } from "../support/engine-process.ts";

export interface Member {
  readonly name: string;
  readonly cli: Cli;
  asleep: boolean;
  /** Something is being done to it that must not be cut short. */
  spared: boolean;
  /** What was done to end it; undefined while nothing was. */
  ending: "killed" | "asked" | undefined;
}

/** An engine that ended though nobody killed it, or that was asked to and did not do so properly. */
interface Fall {
  readonly name: string;
  readonly code: number | null;
  readonly stderr: string;
}

/** How long a clean stop may take. */
const STOP_MS = 10_000;
const AGAIN_MS = 200;
const POLL_MS = 100;

const RUNS = /"freshet runs"/;
const isUp = ({ cli }: Member): boolean => RUNS.test(cli.stderr);

/** Engine processes as a user and a supervisor run them: when one ends another is started. */
export class Fleet {
  readonly #words: readonly string[];
  readonly #url: string;
  readonly #random: Random;
  readonly #say: (what: string) => void;
  readonly #members = new Set<Member>();
  readonly #ends: Promise<void>[] = [];
  readonly #falls: Fall[] = [];
  readonly stderr = new Map<string, string>();
  #started = 0;
  #disbanding = false;

  constructor(options: {
    config: string;
    url: string;
    random: Random;
    say: (what: string) => void;
  }) {
    this.#words = ["start", "--config", options.config, "--http-port", "0"];
    this.#url = options.url;
    this.#random = options.random;
    this.#say = options.say;
  }
  /** An engine may give up while there is no broker to be reached; nothing else is an excuse. */
  get complaints(): string[] {
    return this.#falls
      .filter(({ code, stderr }) => code !== 1 || !stderr.includes("BROKER_UNREACHABLE"))
      .map(({ name, code, stderr }) => `${name} ended with ${code}: ${stderr.slice(-600)}`);
  }

  /** One engine more; it may still be on its way up when this returns. */
  start(): Member {
    this.#started += 1;
    const cli = new Cli(this.#words, { env: { NATS_URL: this.#url } });
    const name = `engine-${this.#started}`;
    const member: Member = { name, cli, asleep: false, spared: false, ending: undefined };
    this.#members.add(member);
    this.#ends.push(cli.finished.then((how) => this.#ended(member, how)));
    return member;
  }

  /** kill -9 of one, whatever it is doing. */
  async killAny(): Promise<Member> {
    const member = await this.#pick(() => true);
    this.#kill(member);
    return member;
  }
  /** Kills all that nothing else is done to; none may be left. */
  killOthers(): readonly Member[] {
    const others = this.#free();
    for (const member of others) this.#kill(member);
    return others;
  }

  /** As a rolling update does it: another one is started while one stops. */
  async replaceAny(): Promise<Member> {
    const member = await this.#pick(isUp);
    this.start();
    await this.stop(member);
    return member;
  }

  /** SIGTERM: the process must end with code 0 in time. */
  async stop(member: Member): Promise<void> {
    member.ending ??= "asked";
    member.cli.child.kill("SIGTERM");
    const late = sleep(STOP_MS, "late" as const, { ref: false });
    if ((await Promise.race([member.cli.finished, late])) !== "late") return;
    this.#fell(member, null, `had not stopped ${STOP_MS} ms after SIGTERM`);
    this.#kill(member);
    await member.cli.finished;
  }

  /** Puts one to sleep in the middle of its work, and another in its place; spared until told. */
  async sleepAny(): Promise<Member> {
    const member = await this.#pick(isUp);
    member.spared = true;
    member.asleep = true;
    member.cli.child.kill("SIGSTOP");
    this.start();
    return member;
  }
  /** It goes on as if no time had passed. */
  wake(member: Member): void {
    member.asleep = false;
    member.cli.child.kill("SIGCONT");
  }

  /** Lets those that work now be for a while; the first is waited for. Returns the end of it. */
  async spareAll(): Promise<() => void> {
    await this.#pick(isUp);
    const spared = [...this.#members].filter((member) => !member.spared);
    for (const member of spared) member.spared = true;
    return () => {
      for (const member of spared) member.spared = false;
    };
  }

  /** Only one goes on, awake and up; the others are stopped cleanly. */
  async settle(): Promise<Member> {
    this.#disbanding = true;
    for (const member of this.#members) if (member.asleep) this.wake(member);
    const [last = this.start(), ...others] = this.#members;
    await Promise.all(others.map((member) => this.stop(member)));
    await last.cli.said(RUNS);
    return last;
  }
  /** Ends whoever is left, however; resolves when all are gone. */
  async disband(): Promise<void> {
    this.#disbanding = true;
    for (const member of this.#members) this.#kill(member);
    await Promise.all(this.#ends);
  }

  #kill(member: Member): void {
    member.ending = "killed";
    member.cli.child.kill("SIGKILL");
  }

  #free(): Member[] {
    return [...this.#members].filter(
      ({ spared, asleep, ending }) => !spared && !asleep && ending === undefined,
    );
  }

  /** One that nothing else is done to; waits until there is one. */
  async #pick(wanted: (member: Member) => boolean): Promise<Member> {
    for (;;) {
      if (this.#disbanding) throw new Error("the engines are being stopped");
      if (this.complaints.length > 0) throw new Error("an engine gave up without an excuse");
      const found = this.#free().filter(wanted);
      if (found.length > 0) return this.#random.pick(found);
      await sleep(POLL_MS);
    }
  }

  async #ended(member: Member, { code, signal, stderr }: Finished): Promise<void> {
    this.#members.delete(member);
    this.stderr.set(member.name, stderr);
    // Before it listens to signals it has not begun either.
    const unborn = member.ending === "asked" && signal === "SIGTERM";
    if (member.ending !== "killed" && code !== 0 && !unborn) this.#fell(member, code, stderr);
    if (member.ending === undefined) await sleep(AGAIN_MS);
    const awake = [...this.#members].some(({ asleep }) => !asleep);
    if (!this.#disbanding && !awake) this.start();
  }
  #fell({ name }: Member, code: number | null, stderr: string): void {
    this.#falls.push({ name, code, stderr });
    this.#say(`${name} gave up: ${/^[A-Z_]+: .*/m.exec(stderr)?.[0] ?? stderr.slice(-200)}`);
  }
}

/** What an engine tells about how far it is. */
export interface Progress {
  /** Sequence each log has been read to: `in`, `events`, `demand`. */
  readonly read: (log: string) => number;
  /** Records that wait to be sent to other groups. */
  readonly hops: number;
  readonly resent: number;
  /** All its metrics. */
  readonly text: string;
}

export async function progressOf({ cli }: Member): Promise<Progress> {
  const line = await cli.said(RUNS);
  const { metrics } = JSON.parse(line) as { metrics: string };
  const text = await textOf(metrics);
  const read = samples(text, "freshet_reader_sequence");
  return {
    read: (log) => read.get(`log="${log}"`) ?? 0,
    hops: samples(text, "freshet_queue_records").get('queue="hops"') ?? 0,
    resent: samples(text, "freshet_messages_resent_total").get("") ?? 0,
    text,
  };
}
