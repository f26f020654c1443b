import type { NatsConnection } from "nats";
import type { ShopMessage } from "../../../operators/simulated-shop/message.ts";
import type { Received } from "./tally.ts";

/** The slot that the shop's home page has. */
export const HOME_SLOT = "mp.home.first";
const SHOWN = 3;
/** A page that waits longer shows what it always shows. */
const PATIENCE_MS = 2000;
/** Beyond these the page does not ask: an engine that is behind is not pressed. */
const MOST_WAITING = 64;

/** The home page of the shop's mini-program: asks what to show whoever comes in, as any page would. */
export class HomePage {
  readonly #nc: NatsConnection;
  readonly #subject: string;
  readonly #onShown: (shown: Received) => void;
  #waiting = 0;

  constructor(nc: NatsConnection, prefix: string, onShown: (shown: Received) => void) {
    this.#nc = nc;
    this.#subject = `${prefix}.ask.recommend`;
    this.#onShown = onShown;
  }

  /** Takes in what the shop publishes. */
  hear({ body }: ShopMessage): void {
    if (body["type"] !== "mp.entered" || this.#waiting >= MOST_WAITING) return;
    this.#waiting += 1;
    void this.#ask(body).finally(() => {
      this.#waiting -= 1;
    });
  }

  async #ask({ ids, id }: ShopMessage["body"]): Promise<void> {
    const asked = JSON.stringify({ slot: HOME_SLOT, ids, n: SHOWN });
    const reply = await this.#nc
      .request(this.#subject, asked, { timeout: PATIENCE_MS })
      .catch(() => undefined);
    const answer = reply?.json<Record<string, unknown>>();
    if (typeof answer?.["rec_id"] !== "string") return;
    const data = { ...answer, channel: "mp", evidence: [id] };
    this.#onShown({ subject: "recommendation.mp.product", data });
  }
}
