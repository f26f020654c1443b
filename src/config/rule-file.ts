import { hash128 } from "../codec/hash.ts";
import type { Trigger } from "./condition-ast.ts";
import { ConditionReader } from "./condition-reader.ts";
import { MatcherReader } from "./matcher-reader.ts";
import type { Reading } from "./problem.ts";
import { ActionReader } from "./rule-action.ts";
import type { Choice, Once, Rule, RuleFile, Variant } from "./rule-ast.ts";
import { ContactReader } from "./rule-contact.ts";
import { type RuleSource, RulesSchema, type RulesSource, type ThenSource } from "./rule-schema.ts";
import { schemaReader } from "./schema-check.ts";
import { asMeaning } from "./segments.ts";
import { durationOf, shareOf } from "./texts.ts";
import { timeZoneProblem } from "./time-zone.ts";
import type { TrackingPlan } from "./tracking-plan.ts";
import { TriggerReader } from "./trigger-reader.ts";
import type { Path, YamlFile } from "./yaml-file.ts";

const read = schemaReader(RulesSchema);

/** Reads `rules.yaml`; `segments` are the ids that `in` may name, `timeZone` holds where the file names none. */
export function readRules(
  file: YamlFile,
  plan: TrackingPlan,
  segments: readonly string[],
  timeZone: string,
  intents?: readonly string[],
): Reading<RuleFile> {
  const { value: source, problems } = read(file);
  if (source === undefined) return { value: undefined, problems };
  const matchers = new MatcherReader(file, plan, source);
  const reader = new RulesReader(matchers, plan, segments, intents);
  const rules = reader.rules(source.rules);
  const contact = new ContactReader(matchers).read(source.contact ?? {}, rules);
  matchers.checkUnused();
  const zone = source.tz ?? timeZone;
  const found = [...matchers.problems, ...timeZoneProblem(file, ["tz"], zone)];
  if (found.length > 0) return { value: undefined, problems: found };
  const value = {
    version: 1,
    timeZone: zone,
    matchers: matchers.matchers,
    rules,
    contact,
  } as const;
  return { value, problems: [] };
}

class RulesReader {
  readonly #matchers: MatcherReader;
  readonly #triggers: TriggerReader;
  readonly #actions: ActionReader;

  constructor(
    matchers: MatcherReader,
    plan: TrackingPlan,
    segments: readonly string[],
    intents: readonly string[] | undefined,
  ) {
    this.#matchers = matchers;
    const conditions = new ConditionReader(matchers, segments, intents);
    this.#triggers = new TriggerReader(matchers, conditions, plan);
    this.#actions = new ActionReader(matchers, plan);
  }

  rules(sources: RulesSource["rules"]): Rule[] {
    const seen = new Set<string>();
    const rules: Rule[] = [];
    sources.forEach((source, i) => {
      if (seen.has(source.id)) {
        this.#matchers.complain(["rules", i, "id"], {
          code: "NAME_DUPLICATE",
          message: `another rule is called \`${source.id}\` already`,
          remedy: "Give it a name of its own.",
        });
      }
      seen.add(source.id);
      const rule = this.#rule(source, ["rules", i]);
      if (source.enabled !== false) rules.push(rule);
    });
    return rules;
  }

  #rule(source: RuleSource, at: Path): Rule {
    const when = this.#triggers.trigger(source.when, [...at, "when"]);
    const of = source.class ?? "marketing";
    const content = {
      when,
      class: of,
      recheck: source.recheck !== "never",
      once: source.once === undefined ? undefined : this.#once(source.once, when, at),
      within: source.within === undefined ? undefined : durationOf(source.within),
      grace: source.grace === undefined ? undefined : durationOf(source.grace),
      rollout: source.rollout === undefined ? 1 : shareOf(source.rollout),
      holdOut: source.hold_out === undefined ? 0 : shareOf(source.hold_out),
      variants: this.#variants(source, when, at),
    };
    const hash = hash128(JSON.stringify(content, asMeaning)).slice(0, 16);
    return { id: source.id, title: source.title, ...content, hash };
  }

  #variants(source: RuleSource, when: Trigger, at: Path): Variant[] {
    const { then, variants } = source;
    if ((then === undefined) === (variants === undefined)) {
      this.#matchers.complain(then === undefined ? at : [...at, "variants"], {
        code: then === undefined ? "KEY_MISSING" : "KEY_UNKNOWN",
        message:
          then === undefined
            ? `rule \`${source.id}\` says nothing to do`
            : "`then` and `variants` both say what to do",
        remedy: "Write `then: {recommend: {…}}`, or `variants` with a `then` each.",
        atKey: true,
      });
      return [];
    }
    if (then !== undefined)
      return [{ id: null, share: 1, does: this.#then(then, source, when, [...at, "then"]) }];
    const of = variants ?? [];
    const read = of.map(({ id, share, then: own }, i) => ({
      id,
      share: shareOf(share),
      does: this.#then(own, source, when, [...at, "variants", i, "then"]),
    }));
    const sum = read.reduce((total, { share }) => total + share, 0);
    if (Math.abs(sum - 1) > 1e-9) {
      this.#matchers.complain([...at, "variants"], {
        code: "VALUE_RANGE",
        message: `the shares add up to ${Math.round(sum * 1e8) / 1e6}%`,
        remedy: "Let them add up to 100%.",
        atKey: true,
      });
    }
    return read;
  }

  #then(source: ThenSource, rule: RuleSource, when: Trigger, at: Path): Choice[] {
    const choice = (one: Exclude<ThenSource, readonly unknown[]>, path: Path) =>
      this.#actions.choice(one, path, { rule, when });
    if (!Array.isArray(source)) {
      return [choice(source as Exclude<ThenSource, readonly unknown[]>, at)];
    }
    return source.map((one, i) => choice(one, [...at, i]));
  }

  #once({ per = "pid", every }: NonNullable<RuleSource["once"]>, when: Trigger, at: Path): Once {
    const names = (typeof per === "string" ? [per] : per).filter((name) => name !== "pid");
    for (const name of names) {
      this.#actions.checkRef({ event: "trigger", property: name }, when, [...at, "once", "per"]);
    }
    return { per: names, every: durationOf(every) };
  }
}
