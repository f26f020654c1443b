import { createInbox, type Msg, type MsgHdrs, type NatsConnection, type Subscription } from "nats";
import type { StreamTail } from "../state/marker.ts";
import type { Log } from "../watch/log.ts";

/**
 * Asked before every sending: `hold` waits and asks again, `stands` means that the message turned
 * out to be there already.
 */
export type BeforeSend = () => "send" | "hold" | "stands";

interface Sent {
  readonly subject: string;
  readonly payload: Uint8Array;
  readonly headers: MsgHdrs;
  readonly onAck: (seq: number) => void;
  /** Wall time before which it is not sent again. */
  retryAt: number;
  readonly beforeSend: BeforeSend | undefined;
}

const RESEND_MS = 2000;
const REFUSED_MS = 200;
const HOLD_MS = 50;
const SWEEP_MS = 100;

/**
 * Acknowledged publishing over one reply inbox, in the order of sending. A message whose outcome is unknown is sent again
 * unchanged, for ever: its message id lets the broker recognise it.
 */
export class AckInbox {
  readonly #nc: NatsConnection;
  readonly #log: Log;
  readonly #inbox = createInbox();
  readonly #sent = new Map<string, Sent>();
  readonly #subscription: Subscription;
  readonly #sweep: NodeJS.Timeout;
  #next = 0;
  #refusals = 0;
  #resent = 0;
  readonly #tails = new Map<string, StreamTail>();
  /** What is done at the end of this turn, and what leaves then. */
  #atEnd: (() => void)[] = [];
  #leaving: string[] = [];
  #ending = false;

  constructor(nc: NatsConnection, log: Log) {
    this.#nc = nc;
    this.#log = log;
    this.#subscription = nc.subscribe(`${this.#inbox}.*`, {
      callback: (error, message) => {
        if (error === null) this.#onReply(message);
      },
    });
    this.#sweep = setInterval(() => this.#resend(), SWEEP_MS);
  }
  get size(): number {
    return this.#sent.size;
  }
  get resent(): number {
    return this.#resent;
  }
  /** The last message of each stream that was acknowledged: it must stand there ever after. */
  get tails(): readonly StreamTail[] {
    return [...this.#tails.values()];
  }

  send(message: {
    subject: string;
    payload: Uint8Array;
    headers: MsgHdrs;
    onAck: (seq: number) => void;
    beforeSend?: BeforeSend;
  }): void {
    this.#next += 1;
    const token = this.#next.toString(36);
    const { subject, payload, headers, onAck, beforeSend } = message;
    const retryAt = Date.now() + RESEND_MS;
    this.#sent.set(token, { subject, payload, headers, onAck, beforeSend, retryAt });
    this.#leaving.push(token);
    this.#endTurn();
  }

  /** Behind everything that came in with the same read of the socket; what it sends leaves at once. */
  atEndOfTurn(task: () => void): void {
    this.#atEnd.push(task);
    this.#endTurn();
  }

  close(): void {
    clearInterval(this.#sweep);
    this.#subscription.unsubscribe();
    this.#sent.clear();
  }

  /**
   * What a turn of the thread says leaves together: the client writes to the socket at the next
   * microtask, so messages sent between two steps of the flows would cost a system call each.
   */
  #endTurn(): void {
    if (this.#ending) return;
    this.#ending = true;
    setImmediate(() => {
      this.#ending = false;
      const tasks = this.#atEnd;
      this.#atEnd = [];
      for (const task of tasks) task();
      const leaving = this.#leaving;
      this.#leaving = [];
      for (const token of leaving) {
        const sent = this.#sent.get(token);
        if (sent !== undefined) this.#publish(token, sent);
      }
    });
  }

  #publish(token: string, sent: Sent): void {
    const verdict = sent.beforeSend?.() ?? "send";
    if (verdict === "stands") {
      this.#sent.delete(token);
      sent.onAck(0);
      return;
    }
    if (verdict === "hold") sent.retryAt = Date.now() + HOLD_MS;
    if (verdict === "hold" || this.#nc.isClosed()) return;
    try {
      this.#nc.publish(sent.subject, sent.payload, {
        headers: sent.headers,
        reply: `${this.#inbox}.${token}`,
      });
    } catch (error) {
      this.#log.debug({ error: String(error) }, "publish waits for the connection");
    }
  }

  #onReply(message: Msg): void {
    const token = message.subject.slice(this.#inbox.length + 1);
    const sent = this.#sent.get(token);
    if (sent === undefined) return;
    const reply = parseAck(message);
    if (reply.seq !== undefined) {
      this.#sent.delete(token);
      const id = sent.headers.get("Nats-Msg-Id");
      if (id !== "") this.remember([{ stream: reply.stream, seq: reply.seq, id }]);
      sent.onAck(reply.seq);
      return;
    }
    this.#refusals += 1;
    if (this.#refusals % 50 === 1) {
      this.#log.warn(
        { subject: sent.subject, why: reply.why },
        "the broker refuses a message; it is sent again",
      );
    }
    sent.retryAt = Date.now() + REFUSED_MS;
  }

  /** What an earlier run knew to be acknowledged. */
  remember(tails: readonly StreamTail[]): void {
    for (const tail of tails) {
      if (tail.seq >= (this.#tails.get(tail.stream)?.seq ?? 0)) this.#tails.set(tail.stream, tail);
    }
  }

  #resend(): void {
    const now = Date.now();
    for (const [token, sent] of this.#sent) {
      if (sent.retryAt > now) continue;
      sent.retryAt = now + RESEND_MS;
      this.#resent += 1;
      this.#publish(token, sent);
    }
  }
}

type Reply =
  | { readonly seq: number; readonly stream: string }
  | { readonly seq: undefined; readonly why: string };

function parseAck(message: Msg): Reply {
  const refused = (why: string): Reply => ({ seq: undefined, why });
  if (message.data.length === 0) return refused(`status ${message.headers?.code ?? "unknown"}`);
  try {
    const ack = message.json<{ seq?: number; stream?: string; error?: { description?: string } }>();
    if (typeof ack.seq === "number" && ack.error === undefined) {
      return { seq: ack.seq, stream: ack.stream ?? "" };
    }
    return refused(ack.error?.description ?? "no sequence in the reply");
  } catch {
    return refused("the reply is not JSON");
  }
}
