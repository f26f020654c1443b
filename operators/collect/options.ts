import { WIRE_LIMITS, type WireLimits } from "../../src/codec/wire.ts";
import type { RegisteredTouchpoint, Scene } from "../../src/config/tracking-plan.ts";
import { days, type Millis } from "../../src/time/event-time.ts";
import type { PropValue } from "../event.ts";
import type { ConfigurationOptions } from "./configuration.ts";
import { KIND_LIMITS, type KindLimits } from "./identifiers.ts";

export type Props = Readonly<Record<string, PropValue>>;

/** What the tracking plan says of an event: its declared properties, or why it is refused. */
export type Validated =
  | {
      readonly ok: true;
      readonly props: Props;
      /** How many undeclared properties were left out. */
      readonly stripped: number;
    }
  | {
      readonly ok: false;
      /** `type`, `touchpoint`, or the name of a property. */
      readonly field: string;
      /** A subject token. */
      readonly reason: string;
      readonly remedy: string;
    };

/** A tenant key: what it is called, and its hash, 32 hex digits, of an identifier of a kind. */
export interface TenantKey {
  readonly keyId: string;
  identify(kind: string, value: string): string;
}

export interface CollectOptions {
  readonly key: TenantKey;
  /** The key before: in force until the log says that the other one is, and looked up under after. */
  readonly previousKey?: TenantKey | undefined;
  readonly validate: (
    type: string,
    props: Readonly<Record<string, unknown>>,
    touchpoint: string,
  ) => Validated;
  /** Takes an event's own `recv`, else its `ts`, for broker time: replay, demo, import. */
  readonly trustRecv?: boolean;
  /** Older events are late. */
  readonly maxAge?: Millis;
  /** How long, in broker time, an event id is remembered at least, unless the bound comes first. */
  readonly dedupeWindow?: Millis;
  /** Ids of events and facts remembered at most. */
  readonly dedupeEntries?: number;
  /** Identifiers whose person is remembered at most. */
  readonly identities?: number;
  readonly kindLimits?: KindLimits;
  /** People whose consent, and identifiers whose erasure is remembered, at most of each. */
  readonly rights?: number;
  /** Consent to being observed of those who have not said. */
  readonly consent?: "granted" | "denied";
  readonly limits?: WireLimits;
  readonly maxFactBytes?: number;
  /** Kinds of `in.fact.<kind>`. */
  readonly factKinds?: readonly string[];
  /** Kinds of `in.knowledge.<kind>`. */
  readonly knowledgeKinds?: readonly string[];
  /**
   * Property names of the tracking plan, and other words that tell nothing of a person: dead
   * letters may show them and the values of such properties.
   */
  readonly words?: Iterable<string>;
  readonly touchpoints?: readonly RegisteredTouchpoint[];
  /** By code, four digits. */
  readonly scenes?: ReadonlyMap<string, Scene>;
  /** The type of event that a click on an element of a page stands for. */
  readonly elements?: ReadonlyMap<string, string>;
  /** IANA name, of the local days that imported figures are about. */
  readonly timeZone?: string;
  /** What may be changed by records of the log; left out, nothing may. */
  readonly configuration?: ConfigurationOptions | undefined;
}

export const COLLECT_DEFAULTS = {
  trustRecv: false,
  maxAge: days(7),
  dedupeWindow: days(1),
  dedupeEntries: 2_000_000,
  identities: 2_000_000,
  kindLimits: KIND_LIMITS,
  rights: 1_000_000,
  consent: "granted" as "granted" | "denied",
  limits: WIRE_LIMITS,
  maxFactBytes: 65_536,
  factKinds: [
    "catalog",
    "content",
    "live",
    "bom",
    "inventory",
    "supply",
    "site",
    "calendar",
    "aggregate",
  ] as readonly string[],
  knowledgeKinds: [
    "covisit",
    "popular",
    "trending",
    "kinds",
    "breaker",
    "leaders",
    "spending",
    "clusters",
  ] as readonly string[],
  touchpoints: [] as readonly RegisteredTouchpoint[],
  scenes: new Map() as ReadonlyMap<string, Scene>,
  elements: new Map() as ReadonlyMap<string, string>,
  timeZone: "Asia/Shanghai",
} as const;
