import type { Trigger } from "./condition-ast.ts";
import { didYouMean } from "./did-you-mean.ts";
import type { MatcherReader } from "./matcher-reader.ts";
import {
  type Action,
  type Choice,
  type Content,
  CRM_WHATS,
  type Crm,
  type CrmWhat,
  type RecKind,
  type Recommend,
  type Ref,
  type RuleChannel,
} from "./rule-ast.ts";
import { bindingsOf, SAID } from "./rule-binding.ts";
import type { ActionSource, ChoiceSource, RecommendSource, RuleSource } from "./rule-schema.ts";
import { durationOf } from "./texts.ts";
import type { TrackingPlan } from "./tracking-plan.ts";
import type { Path } from "./yaml-file.ts";

/** The rule that an action belongs to. */
interface Of {
  readonly rule: RuleSource;
  readonly when: Trigger;
}

const USUAL_SCORE = 0.5;
const MARKETING_CHANNELS: readonly RuleChannel[] = ["wecom"];
/** A notice of the mini program costs the person nothing; WeCom where there is no credit left. */
const SERVICE_CHANNELS: readonly RuleChannel[] = ["notice", "wecom"];

/** Reads what a rule does; problems go to the matcher reader of the file. */
export class ActionReader {
  readonly #matchers: MatcherReader;
  readonly #plan: TrackingPlan;

  constructor(matchers: MatcherReader, plan: TrackingPlan) {
    this.#matchers = matchers;
    this.#plan = plan;
  }

  choice(source: ChoiceSource, at: Path, of: Of): Choice {
    const { any_of, first_of } = source;
    const read = (all: readonly ActionSource[], key: string) =>
      all.map((action, i) => this.#action(action, [...at, key, i], of));
    if (any_of !== undefined) return { take: "best", of: read(any_of, "any_of") };
    if (first_of !== undefined) return { take: "first", of: read(first_of, "first_of") };
    return { take: "first", of: [this.#action(source, at, of)] };
  }

  #action(source: ActionSource, at: Path, of: Of): Action {
    const { recommend, place, reply, book, tag, crm } = source;
    if (recommend !== undefined) return this.#recommend(recommend, [...at, "recommend"], of);
    if (place !== undefined) {
      const ttl = place.ttl === undefined || place.ttl === "session" ? null : durationOf(place.ttl);
      return {
        op: "place",
        slot: place.slot,
        sku: this.#ref(place.sku, [...at, "place", "sku"], of),
        ttl,
        value: place.value ?? of.rule.value,
        score: place.score ?? USUAL_SCORE,
      };
    }
    if (reply !== undefined) {
      const content = { id: this.#ref(reply.content, [...at, "reply", "content"], of) };
      return { ...NOTHING, op: "reply", kind: "info", channels: [reply.channel], content };
    }
    if (book !== undefined) {
      const sku = book.sku === undefined ? undefined : this.#ref(book.sku, [...at, "book"], of);
      return {
        ...NOTHING,
        op: "book",
        kind: "service",
        channels: channelsOf(book.channel, SERVICE_CHANNELS),
        service: book.service,
        sku,
      };
    }
    if (tag !== undefined) {
      const { tag: name, channel, off = false } = typeof tag === "string" ? { tag } : tag;
      return { op: "tag", tag: name, on: !off, channel };
    }
    return this.#crm(crm ?? {}, [...at, "crm"], of);
  }

  #crm(source: Readonly<Partial<Record<CrmWhat, string | number>>>, at: Path, of: Of): Crm {
    const what = CRM_WHATS.find((name) => source[name] !== undefined) ?? "benefit";
    const amount = this.#ref(String(source[what] ?? ""), [...at, what], of);
    if (what !== "benefit" && "text" in amount && !Number.isFinite(Number(amount.text))) {
      this.#matchers.complain([...at, what], {
        code: "TYPE_WRONG",
        message: `${amount.text} is no number of ${what}`,
        remedy: "Write a number, or `$points` or `$score` of a rule whose `when` is a `score`.",
      });
    }
    return { op: "crm", what, amount };
  }

  #recommend(source: RecommendSource, at: Path, of: Of): Recommend {
    const value = source.value ?? of.rule.value;
    const isService = of.rule.class === "service";
    if (value === undefined && !isService) {
      this.#matchers.complain(at, {
        code: "KEY_MISSING",
        message: "no `value` says what this gives the person",
        remedy: "Add `value:` to it or to the rule, in words; what gives nothing is not sent.",
        atKey: true,
      });
    }
    const { sku, from, valid } = source;
    return {
      op: "recommend",
      kind: source.kind ?? kindOf(source),
      channels: channelsOf(source.channel, isService ? SERVICE_CHANNELS : MARKETING_CHANNELS),
      offer: source.offer,
      service: source.service,
      sku: sku === undefined ? undefined : this.#ref(sku, [...at, "sku"], of),
      content: this.#content(source.content, [...at, "content"], of),
      compatibleWith:
        from === undefined
          ? undefined
          : this.#ref(from.slice("compatible(".length, -1), [...at, "from"], of),
      inStock: source.in_stock ?? true,
      stockOver: source.stock_over,
      maxMinor: source.max_minor,
      valid: valid === undefined ? undefined : durationOf(valid),
      value,
      score: source.score ?? USUAL_SCORE,
    };
  }

  #content(source: RecommendSource["content"], at: Path, of: Of): Content | undefined {
    if (source === undefined) return undefined;
    if (typeof source === "string") return { id: this.#ref(source, at, of) };
    return { type: source.type, about: this.#ref(source.about, [...at, "about"], of) };
  }

  /** `$name.property`, `$property` for one of the trigger; anything else is a text. */
  #ref(text: string, at: Path, { when }: Of): Ref {
    if (!text.startsWith("$")) return { text };
    const [first = "", second] = text.slice(1).split(".");
    const ref =
      second === undefined
        ? { event: "trigger", property: first }
        : { event: first, property: second };
    this.checkRef(ref, when, at);
    return ref;
  }

  /** Complains where the trigger has no such event, or the event no such property. */
  checkRef(
    { event, property }: { readonly event: string; readonly property: string },
    when: Trigger,
    at: Path,
  ): void {
    const bindings = bindingsOf(when);
    if (!bindings.has(event)) {
      this.#matchers.complain(at, {
        code: "NAME_UNKNOWN",
        message: `nothing in \`when\` is called \`${event}\``,
        remedy: didYouMean(event, [...bindings.keys()]),
      });
      return;
    }
    const events = bindings.get(event);
    const known = events?.flatMap((type) => this.#plan.properties(type)) ?? SAID[event];
    const inLines = property === "sku" && known?.includes("lines") === true;
    if (known === undefined || known.includes(property) || inLines) return;
    this.#matchers.complain(at, {
      code: "PROPERTY_UNKNOWN",
      message: `\`$${event}\` has no property \`${property}\``,
      remedy: didYouMean(property, [...new Set(known)]),
    });
  }
}

const NOTHING = {
  offer: undefined,
  service: undefined,
  sku: undefined,
  content: undefined,
  compatibleWith: undefined,
  inStock: false,
  stockOver: undefined,
  maxMinor: undefined,
  valid: undefined,
  value: undefined,
  score: USUAL_SCORE,
} as const;

function channelsOf(
  source: RecommendSource["channel"],
  usual: readonly RuleChannel[],
): readonly RuleChannel[] {
  if (source === undefined) return usual;
  return typeof source === "string" ? [source] : source;
}

function kindOf({ offer, service, content }: RecommendSource): RecKind {
  if (offer !== undefined) return "activity";
  if (service !== undefined) return "service";
  return content === undefined ? "product" : "info";
}
