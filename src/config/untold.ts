import type { OperatorSpec } from "../flow/spec.ts";
import type { Topic } from "./condition-ast.ts";
import type { JobConfig } from "./job.ts";
import type { Problem } from "./problem.ts";
import type { RuleFile } from "./rule-ast.ts";
import type { SegmentFile } from "./segment-ast.ts";
import { type Asked, asked, askedBy, topicsOf } from "./standings.ts";
import type { TagFile } from "./tags.ts";
import type { YamlFile } from "./yaml-file.ts";

/** Who tells, and those who ask: what they are and how they were written. */
export interface Asking {
  readonly job: JobConfig;
  readonly specs: readonly OperatorSpec[];
  readonly pack: string | undefined;
  readonly segments: SegmentFile;
  readonly segmentsFile: YamlFile;
  readonly rules: RuleFile;
  readonly rulesFile: YamlFile;
  readonly tags: TagFile;
  readonly tagsFile: YamlFile;
}

/**
 * Definitions that ask for what nothing tells the operator that judges them: a condition on `life`
 * where `lifecycle` does not run, or does not feed it. Warnings: another branch may still come true.
 */
export function untold(of: Asking): Problem[] {
  const { segments, rules, tags } = of;
  return [
    ...judged(of, "segment", "segments", of.segmentsFile, segments.segments, ({ when }) =>
      asked(when),
    ),
    ...judged(of, "rule", "rules", of.rulesFile, rules.rules, ({ when }) => askedBy(when)),
    ...judged(of, "tags", "tags", of.tagsFile, tags.tags, ({ when }) => asked(when)),
  ];
}

function judged<T extends { readonly id: string }>(
  { job, specs, pack }: Asking,
  operator: string,
  list: string,
  file: YamlFile,
  definitions: readonly T[],
  asksOf: (definition: T) => readonly Asked[],
): Problem[] {
  const judge = job.operators.shopper.find(({ name }) => name === operator);
  if (judge === undefined) return [];
  const heard = new Set([operator, ...judge.from]);
  const places = placesIn(file, list);
  const within = pack === undefined ? "" : ` in the pack \`${pack}\``;
  return definitions.flatMap((definition) =>
    topicsOf(asksOf(definition)).flatMap((topic) => {
      const names = specs.filter(({ tells }) => tells?.includes(topic)).map(({ name }) => name);
      if (names.length === 0 || names.some((name) => heard.has(name))) return [];
      const { id } = definition;
      return file.problem([list, places.indexOf(id), "when"], {
        severity: "warning",
        code: "NEVER_TRUE",
        message: `\`${id}\` asks for \`${WORD[topic] ?? topic}\`, which nothing that feeds \`${operator}\` tells${within}`,
        remedy: `Let \`${operator}\` be fed by ${names.map((name) => `\`${name}\``).join(" or ")}, or leave \`${id}\` out.`,
        atKey: true,
      });
    }),
  );
}

/** How a condition asks for it, where that is another word. */
const WORD: Partial<Readonly<Record<Topic, string>>> = { segment: "in" };

function placesIn(file: YamlFile, list: string): readonly string[] {
  const value = file.value as Readonly<Record<string, readonly { readonly id: string }[]>>;
  return (value[list] ?? []).map(({ id }) => id);
}
