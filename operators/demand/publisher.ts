import Type, { type Static } from "typebox";
import { fnv1a32 } from "../../src/codec/hash.ts";
import { FORGET, type Message, type Operator } from "../../src/flow/operator.ts";
import type { OperatorSpec } from "../../src/flow/spec.ts";
import { type EventTime, latest, plus } from "../../src/time/event-time.ts";
import type { Knowledge } from "./knowledge.ts";
import { duration, readOptions } from "./options.ts";

/** A batch of facts of one kind, on its way back to `IN`. */
interface Batch {
  readonly of: string;
  readonly shard: string;
  readonly version: EventTime;
  readonly entries: readonly (readonly [key: string, value: unknown])[];
}
export interface PublisherState {
  /** By kind and key joined with NUL; the last value wins. */
  pending: Record<string, unknown>;
  size: number;
}

const FLUSH = "flush";
const NUL = "\u0000";
/** What does not fit is told when it changes next. */
const MAX_PENDING = 50_000;

const Options = Type.Object(
  {
    shards: Type.Integer({
      minimum: 1,
      default: 16,
      description:
        "Must be a multiple of the demand flow's key groups, or two would share a shard.",
    }),
    linger: Type.String({ default: "1s", description: "How long entries wait for company." }),
    max_entries: Type.Integer({ minimum: 1, maximum: 500, default: 250 }),
  },
  { additionalProperties: false },
);

/** Gathers what the keys of a shard learned into few messages: the shopper flow gets them as facts. */
function publisherOperator(
  options: Static<typeof Options>,
): Operator<Knowledge | { readonly kind: string }, Batch, PublisherState> {
  const linger = duration(options.linger);
  return {
    name: "publisher",
    version: 1,
    order: "event-time",
    atomic: true,
    key: (input) =>
      isKnowledge(input) ? `shard:${fnv1a32(input.from) % options.shards}` : undefined,
    init: () => ({ pending: {}, size: 0 }),
    onEvent(input, state, ctx) {
      if (!isKnowledge(input)) return state;
      // In the future even for what came late: a timer's own cause keeps its messages apart.
      if (state.size === 0) ctx.setTimer(FLUSH, plus(latest(ctx.now, ctx.watermark), linger));
      const key = `${input.of}${NUL}${input.key}`;
      const known = Object.hasOwn(state.pending, key);
      if (!known && state.size >= MAX_PENDING) return state;
      if (!known) state.size += 1;
      state.pending[key] = input.value;
      return state;
    },
    onTimer(_timer, state, ctx) {
      const shard = ctx.key.slice(ctx.key.indexOf(":") + 1);
      const byKind = new Map<string, [string, unknown][]>();
      for (const joined of Object.keys(state.pending).sort()) {
        const [of = "", key = ""] = joined.split(NUL);
        const entries = byKind.get(of) ?? [];
        entries.push([key, state.pending[joined]]);
        byKind.set(of, entries);
      }
      for (const [of, entries] of byKind) {
        for (let i = 0; i < entries.length; i += options.max_entries) {
          const some = entries.slice(i, i + options.max_entries);
          ctx.emit({ of, shard, version: ctx.now, entries: some });
        }
      }
      return FORGET;
    },
    publish: messageOf,
  };
}

const isKnowledge = (input: { readonly kind: string }): input is Knowledge =>
  input.kind === "knowledge";

const messageOf = ({ of, shard, version, entries }: Batch): Message => ({
  subject: `in.knowledge.${of}.${shard}`,
  data: { kind: of, version, entries: Object.fromEntries(entries) },
});

export const publisherSpec: OperatorSpec = {
  name: "publisher",
  flow: "demand",
  summary: "Publishes what the demand flow learned back to the log, in batches.",
  from: [
    "popularity",
    "covisit",
    "trend",
    "learning",
    "breaker",
    "leaders",
    "spending",
    "clusters",
  ],
  options: Options,
  make: (options) => publisherOperator(readOptions(Options, options)),
};
