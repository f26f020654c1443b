import type { OutputLine } from "../../../src/replay/replay.ts";
import type { EventTime } from "../../../src/time/event-time.ts";
import { run } from "../../replay/run.ts";
import type { Settings } from "../../support/job.ts";

/** Noon in Shanghai on a Monday. */
export const NOON = Date.UTC(2026, 10, 2, 4);

export type Line = object;

let ids = 0;

/** A canonical event of a person, `ms` after noon. */
export function happens(
  ms: number,
  type: string,
  props: object = {},
  { person = "a", touchpoint = "mp" }: { person?: string; touchpoint?: string } = {},
): Line {
  ids += 1;
  const ts = NOON + ms;
  return { id: `e${ids}`, type, ts, touchpoint, ids: [{ k: "unionid", v: person }], props };
}

/** A fact that enters before everything else. */
export const fact = (kind: string, key: string, value: object): Line => ({
  subject: `in.fact.${kind}.${key}`,
  data: { ...value, recv: NOON - 1000 },
});

/** What an output says, with its times as milliseconds after noon. */
export interface Said {
  readonly subject: string;
  readonly at: number;
  readonly time: number;
  readonly data: Readonly<Record<string, unknown>>;
}

/**
 * What the configuration, the shipped one but for `settings` and `files`, says about rules when
 * these things happen, in order, until `until`.
 */
export async function saidBy(
  lines: readonly Line[],
  until: number,
  but: {
    readonly settings?: Settings;
    readonly files?: Readonly<Record<string, string>>;
    readonly onLine?: (line: OutputLine) => void;
  } = {},
): Promise<Said[]> {
  const { settings, files, onLine } = but;
  const said: Said[] = [];
  await run({
    lines: lines.map((line) => JSON.stringify(line)),
    format: "events",
    until: (NOON + until) as EventTime,
    settings,
    files,
    onLine: (line) => {
      onLine?.(line);
      if (/^(recommendation|suppressed|tag|crm)\./.test(line.subject)) said.push(saidIn(line));
    },
  });
  return said;
}

function saidIn({ subject, time, data }: OutputLine): Said {
  const said = data as Readonly<Record<string, unknown>>;
  return {
    subject,
    at: Date.parse(String(said["at"])) - NOON,
    time: Date.parse(time) - NOON,
    data: said,
  };
}

/** Those of one rule. */
export const ofRule = (said: readonly Said[], rule: string): Said[] =>
  said.filter(({ data }) => data["rule"] === rule);
