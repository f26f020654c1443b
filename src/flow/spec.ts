import type { TSchema } from "typebox";
import type { Generations } from "../config/generation.ts";
import type { Millis } from "../time/event-time.ts";
import type { AnyOperator } from "./operator.ts";

/** What every operator of a job may know beside its own options. */
export interface JobSettings {
  /** IANA name; local days, quiet hours and scenes are judged in it. */
  readonly timeZone: string;
  /** Of all derived randomness. */
  readonly seed: number;
  /** How far late keyed history is accepted. */
  readonly maxAge: Millis;
  /** Of people who have not said; granted when left out. */
  readonly consent?: "granted" | "denied";
  /** Contents of the other configuration files by name: `segments`, `lexicon`, … already validated. */
  readonly files: Readonly<Record<string, unknown>>;
  /** What of them the log has changed, as of a place of the log; left out, nothing changes. */
  readonly generations?: Generations;
}

/**
 * An operator as configuration sees it: `config/freshet.yaml` names it, gives it options that
 * `options` (a JSON Schema made with typebox, with defaults) describes, and `make` builds it.
 */
export interface OperatorSpec {
  readonly name: string;
  readonly flow: "shopper" | "demand";
  /** One sentence, for `freshet graph` and the reference. */
  readonly summary: string;
  /** Where its input comes from when the configuration says nothing. */
  readonly from: readonly string[];
  /** What feeds it too where that runs and the configuration names no `from`. */
  readonly alsoFrom?: readonly string[];
  readonly options: TSchema;
  /** What it says of where people stand, by the names that conditions ask for it: `life`, `tag`. */
  readonly tells?: readonly string[];
  /** The sections of a profile that the operator says something in. */
  readonly profile?: Readonly<Record<string, TSchema>>;
  /** The sections of an explanation that the operator says something in. */
  readonly explains?: Readonly<Record<string, TSchema>>;
  /** What those sections refer to as `#/$defs/<name>`. */
  readonly explainsBy?: Readonly<Record<string, TSchema>>;
  /** Options that make its emissions complete when somebody traces them. */
  readonly traced?: Readonly<Record<string, unknown>>;
  make(options: unknown, job: JobSettings): AnyOperator;
}
