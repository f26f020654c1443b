import type { EventTime } from "../../src/time/event-time.ts";
import { run } from "../replay/run.ts";
import { Copies } from "../support/copies.ts";
import type { Settings } from "../support/job.ts";

/** Noon in Shanghai, a Monday. */
export const NOON = Date.UTC(2026, 10, 2, 4);
export const MIN = 60_000;
export const HOUR = 60 * MIN;
export const DAY = 24 * HOUR;

export type Props = Readonly<Record<string, unknown>>;
export interface Happening {
  readonly id: string;
  readonly ts: number;
  readonly recv?: number;
}

let ids = 0;
/** An event of a person, `ms` after noon. */
export function happens(
  ms: number,
  type: string,
  props: Props = {},
  over: { readonly person?: string; readonly touchpoint?: string; readonly late?: number } = {},
): Happening {
  ids += 1;
  const { person = "a", touchpoint, late } = over;
  return {
    id: `e${ids}`,
    type,
    ts: NOON + ms,
    ids: [{ k: "unionid", v: person }],
    props,
    ...(touchpoint === undefined ? {} : { touchpoint }),
    // Comes in so long after the events before it.
    ...(late === undefined ? {} : { recv: NOON + ms + late }),
  } as Happening;
}

/** A person asks for one of their rights, `ms` after noon. */
export function asks(ms: number, kind: string, props: Props = {}, person = "a"): object {
  const recv = NOON + ms;
  const data = { id: `ask-${kind}`, ts: recv, recv, ids: [{ k: "unionid", v: person }], ...props };
  return { subject: `in.privacy.request.${kind}`, recv, data };
}

/** The profile of the person as it is `ms` after noon, as an export tells it. */
export async function profileOf(
  lines: readonly object[],
  ms: number,
  more: Parameters<typeof saidOf>[3] & { readonly person?: string } = {},
): Promise<Props> {
  const { person, ...settings } = more;
  const asked = [...lines, asks(ms, "export", {}, person)];
  const [receipt] = await saidOf(asked, ms + MIN, /^privacy\.receipt\.ask-export$/, settings);
  return receipt?.data["contents"] as Props;
}

export interface Said {
  readonly subject: string;
  readonly id: string;
  readonly data: Props;
  /** `at` of the message, in milliseconds after noon. */
  readonly at: number;
}

/** What the shipped configuration publishes on matching subjects, up to `until` after noon. */
export async function saidOf(
  lines: readonly object[],
  until: number,
  subject: RegExp,
  more: {
    readonly settings?: Settings;
    readonly files?: Readonly<Record<string, string>>;
    readonly frames?: number;
  } = {},
): Promise<Said[]> {
  const said: Said[] = [];
  await run({
    lines: lines.map((line) => JSON.stringify(line)),
    format: "events",
    until: (NOON + until) as EventTime,
    ...more,
    copies: new Copies(),
    onLine: (line) => {
      if (!subject.test(line.subject)) return;
      const data = line.data as Props;
      said.push({
        subject: line.subject,
        id: line.id,
        data,
        at: Date.parse(String(data["at"])) - NOON,
      });
    },
  });
  return said;
}
