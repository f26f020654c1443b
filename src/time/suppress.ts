import { type EventTime, MIN_TIME, type Millis } from "./event-time.ts";
import { requireVersion } from "./snapshot-version.ts";

export interface SuppressOptions {
  /** Keys held back at most; 10 000 until told. */
  readonly maxRecords?: number | undefined;
  /** When one more comes: show the one held longest, or stop. */
  readonly whenFull?: "emit" | "fail";
  /** Shown this long (by stream time) after the key's first update that was held back. */
  readonly untilTimeLimit?: Millis | undefined;
}

/** The latest update of a key. */
export interface Update<Value> {
  readonly key: string;
  readonly value: Value;
  readonly at: EventTime;
}

/** `since` is the time of the key's first update that is held back. */
type Held<Value> = [key: string, since: EventTime, at: EventTime, value: Value];

/**
 * Holds back intermediate updates: of those of one key only the last is shown. The state is the
 * list of updates held, in the order in which they will be shown.
 */
export class Suppress<Value> {
  readonly #options: SuppressOptions;
  readonly #byKey = new Map<string, Held<Value>>();
  /** By the time of the first update held back; of several at one time the one that came first. */
  #inOrder: Held<Value>[] = [];
  #streamTime: EventTime = MIN_TIME;

  constructor(options: SuppressOptions) {
    this.#options = options;
  }

  /** Takes an update; answers what is to be shown now. */
  update({ key, value, at }: Update<Value>): Update<Value>[] {
    if (at > this.#streamTime) this.#streamTime = at;
    const known = this.#byKey.get(key);
    if (known === undefined) this.#hold([key, at, at, value]);
    else {
      known[2] = at;
      known[3] = value;
    }
    const shown: Update<Value>[] = [];
    for (const [heldKey, since, lastAt, latest] of this.#inOrder) {
      if (!this.#overdue(since) && !this.#full()) break;
      this.#byKey.delete(heldKey);
      shown.push({ key: heldKey, value: latest, at: lastAt });
    }
    if (shown.length > 0) this.#inOrder.splice(0, shown.length);
    return shown;
  }

  snapshot(): unknown {
    return { version: 1, streamTime: this.#streamTime, held: structuredClone(this.#inOrder) };
  }

  static restore<Value>(options: SuppressOptions, data: unknown): Suppress<Value> {
    const { version, streamTime, held } = structuredClone(data) as {
      version: number;
      streamTime: EventTime;
      held: Held<Value>[];
    };
    requireVersion("held updates", version, 1);
    const suppress = new Suppress<Value>(options);
    suppress.#streamTime = streamTime;
    for (const entry of held) suppress.#hold(entry);
    return suppress;
  }

  #hold(held: Held<Value>): void {
    this.#byKey.set(held[0], held);
    let place = this.#inOrder.length;
    while (place > 0 && (this.#inOrder[place - 1] as Held<Value>)[1] > held[1]) place--;
    this.#inOrder.splice(place, 0, held);
  }

  #overdue(since: EventTime): boolean {
    const { untilTimeLimit } = this.#options;
    return untilTimeLimit !== undefined && since + untilTimeLimit <= this.#streamTime;
  }

  #full(): boolean {
    const { maxRecords = 10_000, whenFull } = this.#options;
    if (this.#byKey.size <= maxRecords) return false;
    if (whenFull === "fail") throw new Error(`more than ${maxRecords} updates to hold back`);
    return true;
  }
}
