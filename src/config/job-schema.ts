import Type, { type Static, type TSchema } from "typebox";
import { ModuleBlock } from "./operator-blocks.ts";
import { durationText, nameText } from "./texts.ts";

const section = <P extends Record<string, TSchema>>(description: string, properties: P) =>
  Type.Optional(Type.Object(properties, { additionalProperties: false, description, default: {} }));

const bounded = (description: string, byDefault: number, minimum: number, maximum: number) =>
  Type.Optional(Type.Integer({ description, default: byDefault, minimum, maximum }));

const lasting = (description: string, byDefault: string) =>
  Type.Optional(durationText({ description, default: byDefault }));

const EnvName = (description: string) =>
  Type.Optional(
    Type.String({
      pattern: "^[A-Z_][A-Z0-9_]{0,127}$",
      patternErrorMessage: "the name of an environment variable such as FRESHET_TENANT_KEY",
      description,
    }),
  );

const Time = section("How event time is judged.", {
  disorder: lasting("How far events may be out of order before windows and patterns go on.", "5s"),
  max_age: lasting("Older events are late: counted and published, not applied.", "7d"),
  trust_recv: Type.Optional(
    Type.Boolean({
      default: false,
      description: "Take an event's own `recv` for the broker's time: replay, demo, import.",
    }),
  ),
});

const Broker = section("The NATS broker; NATS_URL of the environment goes before `url`.", {
  url: Type.Optional(
    Type.String({
      pattern: "^(nats|tls|ws|wss)://[^\\s@]+$",
      patternErrorMessage:
        "an address such as nats://broker:4222, without a user or password in it",
      description: "Left out, the engine runs a nats-server of its own on loopback.",
    }),
  ),
  credentials: Type.Optional(
    Type.String({ minLength: 1, description: "Path of a NATS credentials file." }),
  ),
  token_env: EnvName("Name of the environment variable that holds the broker's token."),
  data_dir: Type.Optional(
    Type.String({
      minLength: 1,
      default: "data",
      description: "Folder of the engine's own broker.",
    }),
  ),
  port: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 65_535,
      description:
        "Of the engine's own broker; left out, the one it had last, at first 4222, or any free one where that is taken.",
    }),
  ),
  replicas: bounded("Copies of each stream, on a broker that is a cluster.", 1, 1, 5),
  duplicate_window: lasting("How long the broker recognises a message sent twice.", "2m"),
  keep_in: lasting("How long the input log is kept: what a replay can go back to.", "30d"),
  keep_out: lasting("How long outputs are kept for subscribers that were away.", "7d"),
  max_bytes: Type.Optional(
    Type.Integer({ minimum: 16_777_216, description: "Bound of each stream on disk." }),
  ),
});

const Http = section("Metrics and health.", {
  host: Type.Optional(Type.String({ minLength: 1, default: "127.0.0.1" })),
  port: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 65_535,
      default: 9464,
      description: "0 takes any free one.",
    }),
  ),
});

const Collect = section("What the door lets in.", {
  tenant_key: Type.Optional(
    Type.String({
      minLength: 16,
      maxLength: 512,
      description:
        "Secret under which identifiers become pseudonyms. For a demo only: prefer tenant_key_env.",
    }),
  ),
  tenant_key_env: EnvName("Name of the environment variable that holds the secret."),
  previous_key_env: EnvName(
    "Name of the environment variable that holds the secret before: persons keep their pseudonyms.",
  ),
  keep_raw: lasting(
    "How long a message of IN, with the identifiers in it, is kept once it is read and checkpointed.",
    "24h",
  ),
  consent: Type.Optional(
    Type.Enum(["granted", "denied"], {
      default: "granted",
      description: "What holds for a person who has not said.",
    }),
  ),
  dedupe: section("Recognising events sent twice.", {
    window: lasting("How long an event id is remembered.", "24h"),
    entries: bounded("Ids remembered at most.", 2_000_000, 1000, 100_000_000),
  }),
  identities: bounded(
    "Identifiers whose person is remembered at most.",
    2_000_000,
    1000,
    100_000_000,
  ),
  rights: bounded(
    "People whose consent, and identifiers whose erasure is remembered, at most of each.",
    1_000_000,
    1000,
    100_000_000,
  ),
  person_ids: section("How many identifiers of a kind one person may have.", {
    unionid: bounded("WeChat unionids.", 1, 1, 64),
    external_userid: bounded("WeCom external ids.", 5, 1, 64),
    openid: bounded("WeChat openids, of each app.", 1, 1, 64),
    login: bounded("Login ids.", 1, 1, 64),
    mobile_hash: bounded("Hashed mobile numbers.", 3, 1, 64),
    mp_id: bounded("Mini-program ids.", 16, 1, 1024),
    device: bounded("Devices.", 16, 1, 1024),
    anon: bounded("Anonymous ids of browsers.", 64, 1, 1024),
  }),
  limits: section("Beyond these a message is dead-lettered unread.", {
    max_body: bounded("Bytes of a message.", 1_048_576, 1024, 8_388_608),
    max_batch: bounded("Events in a message.", 4096, 1, 65_536),
    depth: bounded("Levels of nesting.", 16, 4, 64),
    max_fact: bounded("Bytes of a fact.", 65_536, 256, 1_048_576),
  }),
});

const Scoring = section("Where candidates are scored.", {
  workers: Type.Optional(
    Type.Union([Type.Literal("auto"), Type.Integer({ minimum: 0, maximum: 64 })], {
      default: "auto",
      description:
        "Threads; `auto` is none, as asking one takes longer than scoring. Results are the same bits.",
    }),
  ),
});

const Blocks = (flow: string) =>
  Type.Record(nameText(), Type.Union([Type.Null(), Type.Object({})]), {
    additionalProperties: false,
    description: `Operators of the ${flow} flow: name → \`from\` and options.`,
  });

const OPERATORS_ABOUT = "Which operators run, what feeds them, and their options.";
const Operators = Type.Object(
  { shopper: Blocks("shopper"), demand: Blocks("demand") },
  { additionalProperties: false, description: OPERATORS_ABOUT },
);

const jobSchema = <O extends TSchema>(operators: O) =>
  Type.Object(
    {
      version: Type.Literal(1),
      prefix: Type.Optional(
        nameText({ default: "freshet", description: "Of every subject and stream." }),
      ),
      groups: bounded(
        "Key groups of the shopper flow; fixed when the streams are made.",
        16,
        1,
        1024,
      ),
      demand_groups: bounded("Key groups of the demand flow; fixed likewise.", 4, 1, 256),
      threads: Type.Optional(
        Type.Union([Type.Literal("auto"), Type.Integer({ minimum: 1, maximum: 64 })], {
          default: "auto",
          description:
            "Threads that share the key groups; `auto`: one less than processors, for the broker, 8 at the most. It changes no result and may be another at each start.",
        }),
      ),
      seed: Type.Optional(
        Type.Integer({
          minimum: 0,
          maximum: 4_294_967_295,
          default: 1,
          description: "Of all derived randomness.",
        }),
      ),
      time_zone: Type.Optional(
        Type.String({
          default: "Asia/Shanghai",
          description: "IANA name: local days, quiet hours, scenes.",
        }),
      ),
      time: Time,
      broker: Broker,
      http: Http,
      collect: Collect,
      scoring: Scoring,
      state: section("Keyed state in memory.", {
        hot_rows: bounded("Keys kept as objects, a key group.", 800, 1, 10_000_000),
        checkpoint_every: lasting("How often the changed state of a key group is stored.", "10s"),
        checkpoint_records: bounded(
          "It is stored earlier when the group has read so many records meanwhile.",
          500_000,
          1,
          1_000_000_000,
        ),
      }),
      frames: section("Records sent between flows together.", {
        records: bounded("At most so many.", 128, 1, 1024),
      }),
      log: section("The engine's own log, on stderr.", {
        level: Type.Optional(
          Type.Enum(["trace", "debug", "info", "warn", "error", "fatal"], { default: "info" }),
        ),
      }),
      operators,
    },
    {
      additionalProperties: false,
      title: "Freshet",
      description: "The main file: how the engine runs, and which operators.",
    },
  );

/** Operators loosely: their blocks are checked one by one against their own options. */
export const JobSchema = jobSchema(Operators);
export type JobSource = Static<typeof JobSchema>;

const summaryOf = (block: TSchema): { description: string } => ({
  description: String((block as { description?: unknown }).description ?? ""),
});

type FlowBlocks = Readonly<Record<string, TSchema>>;

/** What a flow may name, with the operators of this build; `others` are those it does not know. */
export const publishedFlow = (blocks: FlowBlocks, others: TSchema): TSchema =>
  Type.Object(
    Object.fromEntries(
      Object.entries(blocks).map(([name, block]) => [
        name,
        Type.Optional(Type.Union([Type.Null(), block], summaryOf(block))),
      ]),
    ),
    { additionalProperties: others },
  );

/** The published schema, which knows the operators of this build. */
export function publishedJobSchema(
  blocks: Readonly<Record<"shopper" | "demand", FlowBlocks>>,
): TSchema {
  const flow = (properties: FlowBlocks): TSchema => publishedFlow(properties, ModuleBlock);
  return jobSchema(
    Type.Object(
      { shopper: flow(blocks.shopper), demand: flow(blocks.demand) },
      { additionalProperties: false, description: OPERATORS_ABOUT },
    ),
  );
}
