import { KeyedStream } from "./keyed-stream.ts";

/** Nothing where the stream leaves the event out; two values where both of two merged streams take it. */
type Read<In, Value> = (event: In) => readonly Value[];

/**
 * A stream of its own name, of events of a flow or of what other operators tell:
 * `stream<ShopEvent>("views").filter(…).keyBy(…).window(sliding(minutes(5), seconds(10))).aggregate(count())`
 */
export function stream<In>(name: string): Stream<In, In> {
  return new Stream<In, In>(name, ["events"], (event) => [event]);
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
    return new Stream<In, Next>(this.#name, this.#from, (event) =>
      read(event)
        .map(to)
        .filter((next) => next !== undefined),
    );
  }

  /** The values of both; where both take one event, those of this stream come first. */
  merge(other: Stream<In, Value>): Stream<In, Value> {
    const [here, there] = [this.#read, other.#read];
    const from = [...new Set([...this.#from, ...other.#from])];
    return new Stream<In, Value>(this.#name, from, (event) => [...here(event), ...there(event)]);
  }

  /** Undefined leaves the value out. All values of one event have one key. */
  keyBy(keyOf: (value: Value) => string | undefined): KeyedStream<In, Value> {
    const name = this.#name;
    const read = this.#read;
    return new KeyedStream<In, Value>({
      name,
      from: this.#from,
      key(event) {
        const keys = new Set(read(event).flatMap((value) => keyOf(value) ?? []));
        if (keys.size > 1) throw new Error(`${name}: one event has values of several keys`);
        const [key] = keys;
        return key;
      },
      read: (event) => read(event).filter((value) => keyOf(value) !== undefined),
    });
  }
}
