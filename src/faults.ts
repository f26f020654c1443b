/**
 * Every failure this process can name, and what its operator is to do about it. A code is forever:
 * dashboards and runbooks key on it.
 */
const FAULTS = {
  CONFIG_INVALID:
    "Correct the places listed; `freshet lint` shows them again, config/schemas lets an editor check as you type.",
  CONFIG_TOO_DEEP:
    "Flatten the nested brackets or blocks; no configuration file needs so many levels.",
  CONFIG_TOO_LARGE: "Take out definitions that nobody needs, or tests and comments.",
  CONFIG_FIXED:
    "Put that back as the engine has it and apply again; or stop the engine in order, and start it with the folder.",
  CONFIG_OVERTAKEN: "Look at what came first with `freshet config history`, and apply again.",
  GENERATION_UNKNOWN:
    "List the generations that the log still holds with `freshet config history`.",
  CHANGE_PENDING:
    "Look with `freshet config history` whether it is in force by now, and with `freshet deadletter list` whether it was refused.",
  BROKER_MISSING:
    "Install nats-server (`apt-get install nats-server`), put it on PATH, or set NATS_URL to a broker that runs.",
  BROKER_UNREACHABLE:
    "Check that the broker runs and that NATS_URL and its credentials are right; the engine may then be started again.",
  BROKER_UNFIT: "Upgrade the broker or enable what it lacks (JetStream on file).",
  SUBJECT_UNKNOWN:
    "Let the operator publish under `own.…`, or under one of the subjects that README.md lists.",
  STORE_LOCKED:
    "Stop the engine that owns this data folder, or give this one a folder of its own with broker.data_dir.",
  LOG_TRUNCATED:
    "The log no longer reaches back to where this engine must resume: run `freshet recover` and choose.",
  LOG_REWRITTEN:
    "The broker holds another log than the one this engine read: restore the right store, or run `freshet recover` and choose.",
  LOG_LOST_TAIL:
    "The broker lost records it had acknowledged: restore its store, or run `freshet recover` and choose.",
  ENGINE_RUNS: "Stop the engine first: what it knows must not change under it.",
  ENGINE_SILENT:
    "Start an engine (`freshet start`), or check that NATS_URL and the prefix are those it has.",
  LOG_MISSING:
    "Check that NATS_URL, the data folder and the prefix in config/freshet.yaml are those of the engine.",
  LOG_INCOMPLETE:
    "Name dumps that together reach back to the log's beginning; `freshet dump` makes them, broker.keep_in says how long IN reaches back.",
  DUMP_INVALID: "Make the dump again with `freshet dump`; one that was cut off is of no use.",
  LETTER_UNKNOWN:
    "List the dead letters with `freshet deadletter list`; they go when OUT forgets them (broker.keep_out).",
  HOP_MISMATCH:
    "A frame does not follow the one before it: check that one build and one configuration write this stream, then run `freshet recover`.",
  FRAME_FOREIGN:
    "Something else than this engine wrote there, or its store is damaged: let nobody else publish there, run `freshet recover --rebuild`, and start again.",
  KEY_UNKNOWN:
    "Give the tenant key the log was written under, as the key or as the previous one (collect.previous_key_env).",
  MOVE_MISSING:
    "The broker lost what one person's link had stored: restore its store, or run `freshet recover` and choose.",
  VERSION_MISMATCH:
    "The state was written by another build: start that one and stop it cleanly, or run `freshet recover` and choose.",
  STATE_INVALID:
    "The stored state cannot be read by this build: start the build that wrote it, or restore from the log.",
  FILE_UNREADABLE: "Check the path and its permissions.",
  FILE_UNWRITABLE: "Check the path, its permissions and the space left on the disk.",
  USAGE: "Run the command with --help to see its arguments and examples.",
  OPERATOR_UNKNOWN:
    "Use one of the operators `freshet graph` lists, or add yours to operators/all.ts.",
  OPERATOR_BROKEN:
    "Mend the operator: one that declares `atomic` must check before it changes anything.",
  GRAPH_CYCLE: "Remove one of the listed edges (`from`) in config/freshet.yaml.",
  SCORER_FAILED:
    "See the cause in the log; a scorer is a pure function of its request, so the same request shows it again.",
  PORT_TAKEN: "Give http.port another number, or 0 for any free one.",
} as const satisfies Readonly<Record<string, string>>;

export type FaultCode = keyof typeof FAULTS;

/** A failure with a code for machines, a fact in its message, and a remedy for people. */
export class Fault extends Error {
  override readonly name = "Fault";
  readonly code: FaultCode;
  readonly remedy: string;
  readonly details: Readonly<Record<string, unknown>>;

  /** `message` is a lower-case fact; `details` hold no identifier of a person. */
  constructor(
    code: FaultCode,
    message: string,
    details: Readonly<Record<string, unknown>> = {},
    cause?: unknown,
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.remedy = FAULTS[code];
    this.details = details;
  }
}

export function isFault(error: unknown, code?: FaultCode): error is Fault {
  return error instanceof Fault && (code === undefined || error.code === code);
}
