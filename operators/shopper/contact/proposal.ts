import type { MessageClass } from "../../../src/config/rule-ast.ts";
import type { EventTime, Millis } from "../../../src/time/event-time.ts";
import type { Fields } from "../catalog.ts";
import type { EventEvidence } from "../signals.ts";

/** What the recommender proposes goes under this name where a rule's would. */
export const RECOMMENDER = "recommend";

/** Something that a rule or the recommender wants to happen. Plain data: it may be held for hours. */
export interface Proposal {
  readonly kind: "proposed";
  readonly person: string;
  /** Id of the rule, or `RECOMMENDER`. */
  readonly rule: string;
  readonly version: string | null;
  readonly variant: string | null;
  readonly class: MessageClass;
  /** When it came true. */
  readonly at: EventTime;
  /** When that began: a withdrawal of consent since then has stopped it. */
  readonly since: EventTime;
  /** Waits until then, and is given up when the rule fires again; null: it need not wait. */
  readonly notBefore: EventTime | null;
  /** No longer worth doing so long after that; null: as the policy says. */
  readonly within: Millis | null;
  /** Which firing of the rule it is; null when nothing can make it untrue. */
  readonly ref: string | null;
  readonly once: { readonly key: string; readonly every: Millis } | null;
  /** The person is in the rule's hold-out: nothing is done, and that is told. */
  readonly isHeldOut: boolean;
  readonly reason: Reason;
  readonly take: "first" | "best";
  readonly options: readonly Option[];
  /** The recommender remembers what it recommended by this; null: made at the sending. */
  readonly recId: string | null;
  readonly model: string | null;
}

export interface Reason {
  readonly code: string;
  readonly zh: string;
  readonly evidence: readonly EventEvidence[];
}

/** One thing that may be done. Plain data. */
export interface Option {
  readonly op: "recommend" | "reply" | "book" | "place" | "tag" | "crm";
  /** Of the recommendation; the tag; what the CRM is told of. */
  readonly kind: string;
  /** In the order of preference. */
  readonly channels: readonly string[];
  readonly slot: string | null;
  readonly sku: string | null;
  readonly items: readonly Fields[];
  /** Skus whose purchase it may take credit for. */
  readonly skus: readonly string[];
  /** Not when `sku` is sold out. */
  readonly inStock: boolean;
  /** Only while more pieces of `sku` than this are known to be there; null: however many. */
  readonly stockOver: number | null;
  readonly score: number;
  readonly value: string | null;
  /** How long an offer holds, or a placement waits. */
  readonly valid: Millis | null;
  /** Most an offer may be worth, in minor units. */
  readonly maxMinor: number | null;
  /** A tag is taken away. */
  readonly off: boolean;
}

/** Whether it disturbs: only messages do that neither answer at once nor show on an open page. */
export const interrupts = ({ op }: Option, channel: string, pages: readonly string[]): boolean =>
  (op === "recommend" || op === "book") && !pages.includes(channel);

/** Whether it is done at once; what may interrupt waits for others of its moment. */
export const isImmediate = ({ options }: Proposal, pages: readonly string[]): boolean =>
  options.every((option) =>
    option.channels.every((channel) => !interrupts(option, channel, pages)),
  );

/** What the best of its options is worth. */
export const worthOf = ({ options }: Proposal): number =>
  options.reduce((most, { score }) => Math.max(most, score), 0);
