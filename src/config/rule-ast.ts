import type { Millis } from "../time/event-time.ts";
import type { Matcher, Trigger } from "./condition-ast.ts";

/** `config/rules.yaml` after reading. Plain data, so it may travel to a worker and be hashed. */
export interface RuleFile {
  readonly version: 1;
  readonly timeZone: string;
  /** Every different matcher once, at the place its `index` says. */
  readonly matchers: readonly Matcher[];
  /** In the order of the file. */
  readonly rules: readonly Rule[];
  readonly contact: ContactPolicy;
}

export const CLASSES = ["marketing", "service"] as const;
/** Service is what a contract or a question of the person asks for: exempt from caps, never from law. */
export type MessageClass = (typeof CLASSES)[number];

export interface Rule {
  readonly id: string;
  /** What people call it, told as the reason of its messages. */
  readonly title: string | undefined;
  readonly when: Trigger;
  readonly class: MessageClass;
  /** Judged again when a message that was held is about to go. */
  readonly recheck: boolean;
  readonly once: Once | undefined;
  /** How long after it came true it may still be acted upon. */
  readonly within: Millis | undefined;
  /** How long a step down of a score must last before it counts. */
  readonly grace: Millis | undefined;
  /** Share of all people, by hash of the person, for whom the rule is in force. */
  readonly rollout: number;
  /** Share of those for whom it only says what it would have done. */
  readonly holdOut: number;
  /** At least one; shares add up to 1. */
  readonly variants: readonly Variant[];
  /** 16 hex digits of the rule's content. */
  readonly hash: string;
}

/** At most once for each person (and each value of a property) in a stretch of time. */
export interface Once {
  /** Properties of the trigger beside the person: `sku`. */
  readonly per: readonly string[];
  readonly every: Millis;
}

export interface Variant {
  /** Null when there is only one. */
  readonly id: string | null;
  readonly share: number;
  /** All of them happen. */
  readonly does: readonly Choice[];
}

/** One of `of` happens: the first that may (`first`), or of those that may the one worth most (`best`). */
export interface Choice {
  readonly take: "first" | "best";
  readonly of: readonly Action[];
}

export const KINDS = ["info", "product", "service", "activity", "solution"] as const;
export type RecKind = (typeof KINDS)[number];
export const CHANNELS = ["wecom", "mp", "gzh", "channels", "group", "notice"] as const;
export type RuleChannel = (typeof CHANNELS)[number];

export type Action = Recommend | Place | Tag | Crm;

interface Told {
  /** Worth to the person in words, told with the message. */
  readonly value: string | undefined;
  /** Worth to the person, 0 to 1. */
  readonly score: number;
}

/** A message by the first of the channels that may be used. Replies and bookings are such, too. */
export interface Recommend extends Told {
  readonly op: "recommend" | "reply" | "book";
  readonly kind: RecKind;
  readonly channels: readonly RuleChannel[];
  readonly offer: string | undefined;
  readonly service: string | undefined;
  readonly sku: Ref | undefined;
  readonly content: Content | undefined;
  /** Goods that go with this thing, by its catalog fact's `compatible`. */
  readonly compatibleWith: Ref | undefined;
  /** Never sold-out goods. Unknown stock counts as there. */
  readonly inStock: boolean;
  /** Only while more pieces than this can be sold. */
  readonly stockOver: number | undefined;
  /** Most the offer may be worth, in minor units. */
  readonly maxMinor: number | undefined;
  /** How long what is offered holds from the sending on. */
  readonly valid: Millis | undefined;
}

/** Shown first in a slot of a page, at the next asking, once. */
export interface Place extends Told {
  readonly op: "place";
  readonly slot: string;
  readonly sku: Ref;
  /** Null: while the session lasts. */
  readonly ttl: Millis | null;
}

export interface Tag {
  readonly op: "tag";
  readonly tag: string;
  readonly on: boolean;
  /** Whose tags they are: 公众平台标签管理 for `gzh`. */
  readonly channel: RuleChannel | undefined;
}

export interface Crm {
  readonly op: "crm";
  readonly what: CrmWhat;
  /** The benefit; how many points; the value in minor units. */
  readonly amount: Ref;
}
export const CRM_WHATS = ["benefit", "points", "ltv"] as const;
export type CrmWhat = (typeof CRM_WHATS)[number];

/** A content by id, or one of this type about a thing. */
export type Content = { readonly id: Ref } | { readonly type: string; readonly about: Ref };

/** A property of an event of the trigger: `$trigger.sku`, `$live.sku`; or a text as it stands. */
export type Ref = { readonly event: string; readonly property: string } | { readonly text: string };

/** A stretch of the local calendar, or any stretch of that length. */
export type Period = "day" | "week" | "month" | Millis;

/** One policy over all rules and recommendations. */
export interface ContactPolicy {
  /** Of what offers are worth. */
  readonly currency: string;
  /** Channels that show on a page the person has open: no interruption. */
  readonly pages: readonly string[];
  /** Nothing that is worth less is sent. */
  readonly minScore: number;
  /** What came true so long ago is not sent any more. */
  readonly staleAfter: Millis;
  /** Share of all people who never get marketing. */
  readonly holdOut: number;
  readonly quiet: readonly QuietHours[];
  readonly caps: readonly Cap[];
  readonly backoff: Backoff | undefined;
  readonly coolDown: { readonly closed: Millis; readonly blocked: Millis };
  readonly breaker: Breaker | undefined;
  /** By channel: ways to send, the first that has something left is used. None: no quota. */
  readonly quotas: Readonly<Record<string, readonly Way[]>>;
}

/** In minutes since local midnight; `from` after `to` spans midnight. The end is no longer quiet. */
export interface QuietHours {
  readonly from: number;
  readonly to: number;
  /** None: all but pages. */
  readonly channels: readonly string[] | undefined;
  readonly classes: readonly MessageClass[];
  readonly does: "hold" | "drop";
}

export interface Cap {
  readonly per: readonly ("channel" | "rule")[];
  readonly max: number;
  readonly every: Period;
  /** None: all. */
  readonly channels: readonly string[] | undefined;
  readonly rules: readonly string[] | undefined;
}

/** After every `ignored` messages in a row without an answer, the interval grows by `factor`. */
export interface Backoff {
  readonly ignored: number;
  /** A message that nobody answered for so long was ignored. */
  readonly after: Millis;
  readonly interval: Millis;
  readonly factor: number;
  readonly most: Millis;
}

/** Stops a rule that too many people block. */
export interface Breaker {
  /** Blocks per message sent. */
  readonly share: number;
  /** Not judged on fewer messages. */
  readonly least: number;
  readonly halfLife: Millis;
}

/** A way that a platform allows messages to go. All its limits hold. */
export interface Way {
  readonly id: string;
  /** What may go by it. */
  readonly classes: readonly MessageClass[];
  readonly limits: readonly { readonly max: number; readonly every: Period }[];
  /** Only what was granted may be sent; none: no grant is needed. */
  readonly grants: readonly Grant[];
}

/** An event that lets messages through. Quotas do not add: what is left is set to the larger. */
export interface Grant {
  readonly of: Matcher;
  readonly max: number;
  /** None: no time limit. */
  readonly within: Millis | undefined;
  /** Each event adds `max` instead of setting it. */
  readonly adds: boolean;
  /** Takes back what is left. */
  readonly revokes: boolean;
}
