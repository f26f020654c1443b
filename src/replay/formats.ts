import { type EventTime, eventTime } from "../time/event-time.ts";

/** A line of a file as a message of `IN`. */
export interface FileMessage {
  readonly subject: string;
  readonly body: string | Uint8Array;
  /** What stands for broker time; undefined when the line names none that can be read. */
  readonly time: EventTime | undefined;
  /** As the broker stored it; a message that never was in a log has none of the three. */
  readonly stored?: {
    readonly seq: number;
    readonly contentType: string | undefined;
    readonly msgId: string | undefined;
    /** The engine wrote it itself: what demand learned. */
    readonly learned: boolean;
  };
  /** The identifiers as they stand in the file, for `--reveal`. */
  readonly ids: unknown;
}
export interface BadLine {
  readonly bad: string;
}
/** Reads one record of a source; `number` counts from 1. Undefined for what is no message. */
export type RecordReader<Line> = (line: Line, number: number) => FileMessage | BadLine | undefined;
export type LineReader = RecordReader<string>;

const TAOBAO_TYPES: Readonly<Record<string, string>> = {
  pv: "product.viewed",
  cart: "cart.added",
  fav: "product.favorited",
  buy: "order.paid",
};

/** `user,item,category,behaviour,timestamp in seconds`, no header (Tianchi data set 649). */
export const taobaoLine: LineReader = (line, number) => {
  if (line === "") return undefined;
  const [user, item, category, behaviour, stamp, ...rest] = line.split(",");
  if (stamp === undefined || category === undefined || rest.length > 0)
    return { bad: "not five columns" };
  const type = Object.hasOwn(TAOBAO_TYPES, behaviour ?? "")
    ? TAOBAO_TYPES[behaviour ?? ""]
    : undefined;
  if (type === undefined) return { bad: `unknown behaviour ${behaviour}` };
  if (!/^\d{10}$/.test(stamp)) return { bad: `${stamp} is no time in seconds` };
  const id = `taobao-${number}`;
  const ts = Number(stamp) * 1000;
  const ids = [{ k: "login", v: user }];
  const order = type === "order.paid" ? { order_id: id } : {};
  const body = JSON.stringify({
    id,
    type,
    ts,
    touchpoint: "ec",
    ids,
    props: { sku: item, category, ...order },
  });
  return { subject: "in.event.ec.taobao", body, time: eventTime(ts), ids };
};

/**
 * A canonical event a line; or, for facts and anything else that enters the log, an object
 * `{subject: "in.…", data: {…}}` whose `data` may name `recv`.
 */
export const eventsLine: LineReader = (line) => {
  if (line.trim() === "") return undefined;
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    // Collect refuses it and says why; the accounting stays in one place.
    return { subject: "in.event.replay", body: line, time: undefined, ids: undefined };
  }
  const object =
    typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  const { subject, data } = object;
  if (
    typeof subject === "string" &&
    subject.startsWith("in.") &&
    typeof data === "object" &&
    data !== null
  ) {
    const inner = data as Record<string, unknown>;
    return { subject, body: JSON.stringify(data), time: timeOf(inner), ids: inner["ids"] };
  }
  return { subject: "in.event.replay", body: line, time: timeOf(object), ids: object["ids"] };
};

/** The time that an event names itself: `recv`, else `ts`; undefined where it cannot be read. */
export function ownTimeOf({ body }: Pick<FileMessage, "body">): EventTime | undefined {
  try {
    const text = typeof body === "string" ? body : Buffer.from(body).toString("utf8");
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === "object" && value !== null;
    return isObject ? timeOf(value as Readonly<Record<string, unknown>>) : undefined;
  } catch {
    return undefined;
  }
}

function timeOf(event: Readonly<Record<string, unknown>>): EventTime | undefined {
  return readTime(event["recv"]) ?? readTime(event["ts"]);
}

/** ISO 8601 or integer milliseconds. */
export function readTime(value: unknown): EventTime | undefined {
  const ms = typeof value === "string" ? Date.parse(value) : value;
  return typeof ms === "number" && Number.isSafeInteger(ms) ? (ms as EventTime) : undefined;
}
