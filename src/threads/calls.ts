import { asFailure, type PlainFailure, plainFailure } from "./failure.ts";

/** A call of one thread to another; names and plain data. */
interface Call {
  readonly call: number;
  readonly name: string;
  readonly about: unknown;
}
export type Reply =
  | { readonly reply: number; readonly result: unknown }
  | { readonly reply: number; readonly failure: PlainFailure };

interface Port {
  postMessage(message: unknown): void;
}

/** Functions by name: what each takes, and what it gives. */
type Functions<F> = { readonly [N in keyof F]: (about: never) => unknown };

interface Waiter {
  readonly resolve: (result: never) => void;
  readonly reject: (why: unknown) => void;
}

/** Calls functions on another thread. */
export class Calls<F extends Functions<F>> {
  readonly #port: Port;
  readonly #waiting = new Map<number, Waiter>();
  #last = 0;
  #gone: { readonly why: unknown } | undefined;

  constructor(port: Port) {
    this.#port = port;
  }

  call<N extends keyof F & string>(
    name: N,
    about: Parameters<F[N]>[0],
  ): Promise<Awaited<ReturnType<F[N]>>> {
    if (this.#gone !== undefined) return Promise.reject(this.#gone.why);
    this.#last += 1;
    const call = this.#last;
    return new Promise((resolve, reject) => {
      this.#waiting.set(call, { resolve, reject });
      this.#port.postMessage({ call, name, about } satisfies Call);
    });
  }
  onReply(told: Reply): void {
    const waiter = this.#waiting.get(told.reply);
    this.#waiting.delete(told.reply);
    if ("failure" in told) waiter?.reject(asFailure(told.failure));
    else waiter?.resolve(told.result as never);
  }
  /** The other thread is gone: whoever waits for it, and whoever calls it, is told why. */
  abandon(why: unknown): void {
    this.#gone ??= { why };
    for (const { reject } of this.#waiting.values()) reject(why);
    this.#waiting.clear();
  }
}

/** Lets another thread call these functions. */
export function serveCalls(
  port: Port & { on(event: "message", heard: (message: Call) => void): unknown },
  functions: Functions<Record<string, unknown>>,
): void {
  port.on("message", ({ call, name, about }) => {
    const answer = async () => functions[name]?.(about as never);
    answer().then(
      (result) => port.postMessage({ reply: call, result } satisfies Reply),
      (failure: unknown) =>
        port.postMessage({ reply: call, failure: plainFailure(failure) } satisfies Reply),
    );
  });
}
