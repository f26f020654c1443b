import { headers, type NatsConnection } from "nats";
import type { Log } from "../watch/log.ts";
import { AckInbox } from "./ack-inbox.ts";
import { namesOf } from "./streams.ts";

/** What is appended to `IN` besides what trackers say. */
export interface InRecord {
  /** Without the prefix; begins with `in.`. */
  readonly subject: string;
  /** Lets the broker recognise a second sending. */
  readonly id: string;
  readonly body: unknown;
}

/** Appends records to `IN`. One whose outcome is unknown is sent again unchanged, for ever. */
export class RecordWriter {
  readonly #inbox: AckInbox;
  readonly #subject: (name: string) => string;

  constructor(nc: NatsConnection, prefix: string, log: Log) {
    this.#inbox = new AckInbox(nc, log);
    this.#subject = namesOf(prefix).subject;
  }

  /** Resolves once the broker has it. */
  write({ subject, id, body }: InRecord): Promise<void> {
    const about = headers();
    about.set("Nats-Msg-Id", id);
    about.set("Content-Type", "application/json");
    return new Promise((resolve) => {
      this.#inbox.send({
        subject: this.#subject(subject),
        payload: Buffer.from(JSON.stringify(body)),
        headers: about,
        onAck: () => resolve(),
      });
    });
  }

  close(): void {
    this.#inbox.close();
  }
}
