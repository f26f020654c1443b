import { setTimeout as sleep } from "node:timers/promises";
import { headers, type NatsConnection } from "nats";
import type { ShopMessage } from "../../operators/simulated-shop/message.ts";

export interface PublishOptions {
  /** Number of the first message: message ids are made of it, and the broker knows one again. */
  readonly first?: number;
  /** Messages a second, at the most. */
  readonly pace?: number;
  /** Told how many are stored by now. */
  readonly onStored?: (count: number) => void;
}

const UNDER_WAY = 100;

/**
 * Publishes like any careful tracker: acknowledged, again under the same message id until it is,
 * one batch behind the other so that the order holds.
 */
export async function publishAll(
  nc: NatsConnection,
  messages: readonly ShopMessage[],
  { first = 0, pace = Number.POSITIVE_INFINITY, onStored }: PublishOptions = {},
): Promise<void> {
  const js = nc.jetstream({ timeout: 1000 });
  const began = performance.now();
  const publish = async ({ subject, body }: ShopMessage, place: number): Promise<void> => {
    const data = JSON.stringify(body);
    const type = headers();
    type.set("Content-Type", "application/json");
    for (;;) {
      try {
        await js.publish(`freshet.${subject}`, data, {
          msgID: `test-${first + place}`,
          headers: type,
        });
        return;
      } catch {
        await sleep(50);
      }
    }
  };
  for (let i = 0; i < messages.length; i += UNDER_WAY) {
    const batch = messages.slice(i, i + UNDER_WAY);
    await Promise.all(batch.map((message, n) => publish(message, i + n)));
    onStored?.(i + batch.length);
    const early = ((i + batch.length) / pace) * 1000 - (performance.now() - began);
    if (early > 0) await sleep(early);
  }
}
