import { DateTime } from "luxon";
import type { Ensemble } from "../../threads/ensemble.ts";
import type { EventTime } from "../../time/event-time.ts";
import type { Received, TallyReport } from "./tally.ts";

/** What the view shows at one moment. */
export interface Moment {
  readonly tally: TallyReport;
  readonly engine: Ensemble;
  /** The simulated moment. */
  readonly now: EventTime;
}

const REDRAW_MS = 400;
const RECENT = 6;
const CLEAR = "\x1b[H\x1b[2J";
const HIDE_CURSOR = "\x1b[?25l";
const SHOW_CURSOR = "\x1b[?25h";
const bold = (text: string) => `\x1b[1m${text}\x1b[0m`;
const dim = (text: string) => `\x1b[2m${text}\x1b[0m`;

/** The live view of `npm start`: drawn anew a few times a second, from what a subscriber hears. */
export class TerminalView {
  readonly #about: { readonly broker: string; readonly http: string; readonly timeZone: string };
  readonly #intents = new Map<string, number>();
  readonly #segments = new Map<string, number>();
  readonly #trending = new Map<string, string>();
  #recommendations: string[] = [];
  #restocks: string[] = [];
  #timer: NodeJS.Timeout | undefined;
  #events = 0;
  #drawnAt = 0;

  constructor(about: { broker: string; http: string; timeZone: string }) {
    this.#about = about;
  }

  start(moment: () => Moment): void {
    process.stdout.write(HIDE_CURSOR);
    this.#drawnAt = performance.now();
    this.#timer = setInterval(() => this.#draw(moment()), REDRAW_MS);
  }
  stop(): void {
    clearInterval(this.#timer);
    process.stdout.write(`${CLEAR}${SHOW_CURSOR}`);
  }

  /** Takes in one output, as any subscriber would. */
  heard({ subject, data }: Received): void {
    const [token, second, third] = subject.split(".");
    if (token === "intent") count(this.#intents, String(second), 1);
    else if (token === "segment")
      count(this.#segments, String(second), third === "entered" ? 1 : -1);
    else if (token === "trend") this.#trend(second, data);
    else if (token === "recommendation")
      this.#recommendations = [recommendation(subject, data), ...this.#recommendations].slice(
        0,
        RECENT,
      );
    else if (token === "restock")
      this.#restocks = [restock(data), ...this.#restocks].slice(0, RECENT);
  }

  #trend(signal: string | undefined, data: Readonly<Record<string, unknown>>): void {
    const key = `${data["scope"]} ${data["key"] ?? data["sku"]}`;
    if (signal === "end") this.#trending.delete(key);
    else this.#trending.set(key, `${key}  ×${ratio(data)}  z ${rounded(data["z"])}`);
    if (this.#trending.size > 50) this.#trending.delete([...this.#trending.keys()][0] ?? "");
  }

  #draw({ tally, engine, now }: Moment): void {
    const at = performance.now();
    const rate = Math.round(((tally.events - this.#events) * 1000) / (at - this.#drawnAt));
    this.#events = tally.events;
    this.#drawnAt = at;
    const { groups } = engine.report();
    const lag = Math.min(...groups.map(({ watermark }) => watermark));
    const behind = lag > 0 ? `${((now - lag) / 1000).toFixed(1)} s` : "–";
    const clock = DateTime.fromMillis(now, { zone: this.#about.timeZone }).toFormat("HH:mm:ss");
    const lines = [
      `${bold("Freshet")}  a simulated afternoon, ${clock} in the shop     ${dim(`metrics ${this.#about.http}/metrics   broker ${this.#about.broker}   Ctrl-C ends`)}`,
      "",
      `${bold(String(rate).padStart(7))} events/s   ${tally.events} in all   watermark ${behind} behind (shop time)   latency p50 ${tally.latencyMs.p50} ms, p99 ${tally.latencyMs.p99} ms   dead letters ${tally.deadLetters}`,
      "",
      `${bold("intents")}      ${pairs(this.#intents)}`,
      `${bold("segments")}     ${pairs(this.#segments)}`,
      "",
      bold(`trending (${tally.trends} signals)`),
      ...padded([...this.#trending.values()].slice(-RECENT)),
      bold(
        `recommendations (${tally.recommendations}${tally.served > 0 ? `, ${tally.served} shown to pages that asked` : ""})`,
      ),
      ...padded(this.#recommendations),
      bold(`restock signals (${tally.restocks})`),
      ...padded(this.#restocks),
    ];
    const width = process.stdout.columns ?? 120;
    process.stdout.write(CLEAR + lines.map((line) => clipped(line, width)).join("\n"));
  }
}

function recommendation(subject: string, data: Readonly<Record<string, unknown>>): string {
  const items = Array.isArray(data["items"]) ? data["items"] : [];
  const what = items
    .map((item: Record<string, unknown>) => item["sku"] ?? item["content_id"] ?? item["offer"])
    .join(" ");
  const reason = data["reason"] as { zh?: string; code?: string } | undefined;
  const [, channel, kind] = subject.split(".");
  return `${String(data["person"]).slice(0, 10)}  ${channel}/${kind}  ${what}  ${dim(`${reason?.zh ?? reason?.code ?? ""}  score ${rounded(data["score"])}`)}`;
}

function restock(data: Readonly<Record<string, unknown>>): string {
  return `${data["sku"]}  ${data["region"]}  +${data["qty"]}  ${dim(`on hand ${data["on_hand"]}, forecast ${rounded(data["forecast"])}, cover ${rounded(data["cover_days"])} d, lead ${data["lead_days"]} d`)}`;
}

function count(counts: Map<string, number>, key: string, by: number): void {
  counts.set(key, (counts.get(key) ?? 0) + by);
}
const pairs = (counts: ReadonlyMap<string, number>): string =>
  [...counts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, n]) => `${name} ${n}`)
    .join("   ") || dim("none yet");
const padded = (lines: readonly string[]): string[] => [
  ...lines.map((line) => `  ${line}`),
  ...new Array<string>(Math.max(0, RECENT - lines.length)).fill(""),
];
const rounded = (value: unknown): string =>
  typeof value === "number" ? String(Math.round(value * 100) / 100) : "–";
function ratio(data: Readonly<Record<string, unknown>>): string {
  const { count: seen, expected } = data;
  if (typeof seen !== "number" || typeof expected !== "number" || expected <= 0) return "–";
  return (seen / expected).toFixed(1);
}

/** Cuts a line to the width of the screen; Chinese characters are two columns wide. */
function clipped(line: string, width: number): string {
  let columns = 0;
  let out = "";
  for (let i = 0; i < line.length; i += 1) {
    if (line[i] === "\x1b") {
      const end = line.indexOf("m", i);
      out += line.slice(i, end + 1);
      i = end;
      continue;
    }
    columns += (line.codePointAt(i) ?? 0) >= 0x1100 ? 2 : 1;
    if (columns > width) return `${out}\x1b[0m`;
    out += line[i];
  }
  return out;
}
