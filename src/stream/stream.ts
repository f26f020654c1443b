import { KeyedStream } from "./keyed-stream.ts";

/** Undefined where the stream leaves the event out. */
type Read<In, Value> = (event: In) => Value | undefined;

/**
 * A stream of its own name, of events of a flow or of what other operators tell:
 * `stream<ShopEvent>("views").filter(…).keyBy(…).window(sliding(minutes(5), seconds(10))).aggregate(count())`
 */
export function stream<In>(name: string): Stream<In, In> {
  return new Stream<In, In>(name, ["events"], (event) => event);
}

/** Events on their way to a key. Functions given here are pure; every call makes a new stream. */
export class Stream<In, Value> {
  readonly #name: string;
  readonly #from: readonly string[];
  readonly #read: Read<In, Value>;

  constructor(name: string, from: readonly string[], read: Read<In, Value>) {
    this.#name = name;
    this.#from = from;
    this.#read = read;
  }

  /** What feeds it where the configuration says nothing: operators of the flow; `events` until told. */
  from(...names: readonly [string, ...string[]]): Stream<In, Value> {
    return new Stream(this.#name, names, this.#read);
  }

  /** A type guard narrows what comes after. */
  filter<Narrow extends Value>(keep: (value: Value) => value is Narrow): Stream<In, Narrow>;
  filter(keep: (value: Value) => boolean): Stream<In, Value>;
  filter(keep: (value: Value) => boolean): Stream<In, Value> {
    return this.map((value) => (keep(value) ? value : undefined));
  }

  /** Undefined leaves the value out. What windows, joins and patterns keep of it must be plain data. */
  map<Next>(to: (value: Value) => Next | undefined): Stream<In, Next> {
    const read = this.#read;
    return new Stream<In, Next>(this.#name, this.#from, (event) => {
      const value = read(event);
      return value === undefined ? undefined : to(value);
    });
  }

  /** Undefined leaves the value out. */
  keyBy(keyOf: (value: Value) => string | undefined): KeyedStream<In, Value> {
    const read = this.#read;
    return new KeyedStream<In, Value>({
      name: this.#name,
      from: this.#from,
      key(event) {
        const value = read(event);
        return value === undefined ? undefined : keyOf(value);
      },
      read(event) {
        const value = read(event);
        return value === undefined || keyOf(value) === undefined ? [] : [value];
      },
    });
  }
}
