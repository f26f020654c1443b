import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import { pino } from "pino";
import { type RunningEngine, startEngine } from "../../src/cli/running-engine.ts";
import { openShipped, type Settings } from "./job.ts";

export interface TestEngineOptions {
  readonly url: string;
  readonly settings?: Settings;
  readonly pack?: string;
  /** Time comes from the events, and nothing happens unless something is published. */
  readonly trustRecv?: boolean;
}

/** The whole engine of this process on somebody's broker, as `freshet start` runs it. */
export interface TestEngine extends RunningEngine {
  /** Everything it logged, one line each, at the level `debug`. */
  readonly logged: readonly string[];
  metrics(): Promise<string>;
}

export async function startTestEngine(options: TestEngineOptions): Promise<TestEngine> {
  const { url, settings, pack, trustRecv = false } = options;
  const logged: string[] = [];
  const write = (line: string) => void logged.push(line);
  const running = await startEngine({
    open: await openShipped({ trustRecv, settings, pack }),
    env: { NATS_URL: url },
    log: pino({ level: "debug", base: null }, { write }),
    dataDir: "",
    httpPort: 0,
    threads: 1,
  });
  return { ...running, logged, metrics: () => textOf(`${running.http.url}/metrics`) };
}

/** What a URL answers, over a connection of its own: a kept one may be closed under the request. */
export async function textOf(url: string): Promise<string> {
  const request = get(url, { agent: false });
  const [response] = (await once(request, "response")) as [IncomingMessage];
  return text(response);
}

/** The samples of one metric: labels as they stand in the text, and the value. */
export function samples(exposition: string, metric: string): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const line of exposition.split("\n")) {
    const match = /^([a-z_]+)(?:\{(.*)\})? (\S+)$/.exec(line);
    if (match?.[1] === metric)
      found.set(match[2] ?? "", Number(match[3]?.replace("Inf", "Infinity")));
  }
  return found;
}
