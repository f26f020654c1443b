import { Contradictions } from "./contradiction.ts";
import type { Problem, ProblemCode } from "./problem.ts";
import type { Action, Choice, Rule, RuleFile } from "./rule-ast.ts";
import type { SegmentFile } from "./segment-ast.ts";
import { asMeaning } from "./segments.ts";
import type { TrackingPlan } from "./tracking-plan.ts";
import type { Path, YamlFile } from "./yaml-file.ts";

/** The two files that are doubted, as read and as text. */
export interface Doubtful {
  readonly plan: TrackingPlan;
  readonly segments: SegmentFile;
  readonly segmentsFile: YamlFile;
  readonly rules: RuleFile;
  readonly rulesFile: YamlFile;
}

/**
 * What is well formed and can hardly be meant: segments nobody can enter, rules that never fire,
 * can never send, or never go before another. Warnings, each at its place.
 */
export function doubts(files: Doubtful): Problem[] {
  const contradictions = new Contradictions(files.plan);
  const segments = new Teller(files.segmentsFile, "segments");
  for (const { id, when } of files.segments.segments) {
    const why = contradictions.ofSegment(id, when);
    if (why === undefined) continue;
    segments.tell(id, "when", "NEVER_TRUE", `nobody can ever enter \`${id}\`: ${why}`, {
      remedy: "Loosen one of the conditions, or delete the segment.",
    });
  }
  const rules = new Teller(files.rulesFile, "rules");
  for (const rule of files.rules.rules) {
    const why = contradictions.ofTrigger(rule.when);
    if (why !== undefined) {
      rules.tell(rule.id, "when", "NEVER_TRUE", `\`${rule.id}\` can never fire: ${why}`, {
        remedy: "Loosen one of the conditions, or delete the rule.",
      });
    }
    for (const blocked of blockedWays(rule, files.rules)) {
      rules.tell(rule.id, undefined, "NEVER_SENT", `\`${rule.id}\` can never send: ${blocked}`, {
        remedy: "Give it another channel or class, or change `contact`.",
      });
    }
  }
  for (const { loser, winner } of exclusions(files.rules.rules)) {
    const message = `\`${loser.id}\` comes true with \`${winner.id}\`, which is worth more and goes instead`;
    rules.tell(loser.id, "when", "RULES_EXCLUDE", message, {
      remedy: "Join them with `any_of`, or let their conditions differ.",
    });
  }
  for (const [one, other] of opposites(files.rules.rules)) {
    const message = `\`${one.id}\` sets a tag at the very moment at which \`${other.id}\` takes it away`;
    rules.tell(one.id, "when", "RULES_EXCLUDE", message, {
      remedy: "Let one of the two ask for something else.",
    });
  }
  return [...segments.problems, ...rules.problems];
}

/** Complaints about definitions of one file, found by their id. */
class Teller {
  readonly #file: YamlFile;
  readonly #list: "segments" | "rules";
  readonly #ids: readonly string[];
  readonly problems: Problem[] = [];

  constructor(file: YamlFile, list: "segments" | "rules") {
    this.#file = file;
    this.#list = list;
    const value = file.value as Readonly<Record<string, readonly { readonly id: string }[]>>;
    this.#ids = (value[list] ?? []).map(({ id }) => id);
  }

  tell(
    id: string,
    key: string | undefined,
    code: ProblemCode,
    message: string,
    { remedy }: { readonly remedy: string },
  ): void {
    const at: Path = [this.#list, this.#ids.indexOf(id), key ?? "id"];
    this.problems.push(
      this.#file.problem(at, { code, message, remedy, severity: "warning", atKey: true }),
    );
  }
}

/** Why none of the channels of a choice lets the rule's messages through. */
function blockedWays(rule: Rule, { contact }: RuleFile): string[] {
  const reasons = new Set<string>();
  for (const { of } of choicesOf(rule)) {
    const why = of.map((action) => blocked(action, rule, contact));
    if (why.every((reason) => reason !== undefined)) for (const one of why) reasons.add(one);
  }
  return [...reasons];
}

function blocked(
  action: Action,
  rule: Rule,
  { quotas, minScore, caps }: RuleFile["contact"],
): string | undefined {
  if (action.op === "tag" || action.op === "crm") return undefined;
  if (rule.class === "marketing" && action.score < minScore) {
    return `its score ${action.score} is below \`contact.min_score\` ${minScore}`;
  }
  if (action.op === "place") return undefined;
  const closed = action.channels.map((channel) => {
    const ways = quotas[channel];
    const open = ways?.some(
      ({ classes, limits }) => classes.includes(rule.class) && limits.every(({ max }) => max > 0),
    );
    if (open === false) return `no quota of \`${channel}\` lets ${rule.class} through`;
    const shut =
      rule.class === "marketing" &&
      caps.some(
        ({ max, channels, rules }) =>
          max === 0 && (channels?.includes(channel) ?? true) && (rules?.includes(rule.id) ?? true),
      );
    return shut ? `a cap of \`${channel}\` lets nothing through` : undefined;
  });
  return closed.every((reason) => reason !== undefined) ? closed[0] : undefined;
}

const choicesOf = (rule: Rule): readonly Choice[] => rule.variants.flatMap(({ does }) => does);

const momentOf = (rule: Rule): string => JSON.stringify(rule.when, asMeaning);

/** Marketing that fires at the same moments and only interrupts: of one moment one message goes. */
function exclusions(rules: readonly Rule[]): { loser: Rule; winner: Rule }[] {
  const found: { loser: Rule; winner: Rule }[] = [];
  for (const [i, one] of rules.entries()) {
    for (const other of rules.slice(i + 1)) {
      if (![one, other].every(contends) || momentOf(one) !== momentOf(other)) continue;
      const [least, most] = [worthOf(one), worthOf(other)];
      if (least.most < most.least) found.push({ loser: one, winner: other });
      if (most.most < least.least) found.push({ loser: other, winner: one });
    }
  }
  return found;
}

/** It takes part in the contest of a moment with all it does, for everybody, as often as it fires. */
const contends = (rule: Rule): boolean =>
  rule.class === "marketing" &&
  rule.once === undefined &&
  rule.rollout === 1 &&
  rule.holdOut === 0 &&
  choicesOf(rule).every(({ of }) => of.every(({ op }) => op === "recommend" || op === "book"));

function worthOf(rule: Rule): { least: number; most: number } {
  const scores = choicesOf(rule).flatMap(({ of }) =>
    of.map((action) => ("score" in action ? action.score : 0)),
  );
  return { least: Math.min(...scores), most: Math.max(...scores) };
}

/** Pairs of rules of which one sets and one takes away the same tag at the same moments. */
function opposites(rules: readonly Rule[]): [Rule, Rule][] {
  const tagsOf = (rule: Rule, on: boolean): string[] =>
    choicesOf(rule)
      .flatMap(({ of }) => of)
      .flatMap((action) => (action.op === "tag" && action.on === on ? [action.tag] : []));
  return rules.flatMap((one) =>
    rules
      .filter((other) => {
        const removed = tagsOf(other, false);
        return (
          momentOf(one) === momentOf(other) &&
          tagsOf(one, true).some((tag) => removed.includes(tag))
        );
      })
      .map((other): [Rule, Rule] => [one, other]),
  );
}
