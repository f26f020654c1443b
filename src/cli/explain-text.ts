import { DateTime } from "luxon";

type Fields = Readonly<Record<string, unknown>>;

const listOf = (value: unknown): readonly Fields[] =>
  Array.isArray(value) ? (value as readonly Fields[]) : [];
const textOr = (value: unknown, other = ""): string =>
  value === undefined || value === null ? other : String(value);

const UNITS = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1000],
  ["ms", 1],
] as const;

/** A length of time as the configuration writes it, in the largest unit that it is whole in. */
function lengthText(ms: number): string {
  const [unit, size] = UNITS.find(([, one]) => ms % one === 0 && ms > 0) ?? (["ms", 1] as const);
  return `${ms / size}${unit}`;
}

/** Whether anything of a definition rests on what the person did. */
function saysMore(of: unknown): boolean {
  if (Array.isArray(of)) return of.some(saysMore);
  if (typeof of !== "object" || of === null) return false;
  const { evidence, waiting, fired, topic, holds } = of as Fields;
  if ([evidence, waiting, fired].some((list) => listOf(list).length > 0)) return true;
  if (topic !== undefined && holds === true) return true;
  return Object.values(of).some(saysMore);
}

const nothingFor = (names: readonly unknown[]): string[] =>
  names.length === 0 ? [] : [`  nothing speaks yet for: ${names.join(", ")}`];

/** An explanation in short lines for people, with times in one time zone. */
export class ExplainText {
  readonly #zone: string;

  constructor(zone: string) {
    this.#zone = zone;
  }

  of(document: Fields): string[] {
    const { person, at } = document;
    if (person === null) return ["nobody, or no such decision, is known by that"];
    return [
      `${textOr(person)}  as of ${at === null ? "the beginning" : this.#time(at)} (${this.#zone})`,
      ...this.#definitions("segments", listOf(document["segments"])),
      ...this.#definitions("tags", listOf(document["tags"])),
      ...this.#rules(listOf(document["rules"])),
      ...this.#contact(document["contact"] as Fields | undefined),
      ...this.#recommender(document["recommender"] as Fields | undefined),
      ...this.#decisions(listOf(document["decisions"])),
      ...this.#retold(listOf(document["retold"])),
    ];
  }

  #time(value: unknown): string {
    const time = DateTime.fromISO(String(value), { zone: this.#zone });
    return time.toFormat(
      time.millisecond === 0 ? "yyyy-MM-dd HH:mm:ss" : "yyyy-MM-dd HH:mm:ss.SSS",
    );
  }

  #definitions(section: string, all: readonly Fields[]): string[] {
    if (all.length === 0) return [];
    const told =
      all.length === 1 ? all : all.filter((one) => one["member"] === true || saysMore(one));
    return [
      "",
      section,
      ...told.flatMap((one) => {
        const { member, since, until, leave } = one;
        const names = [textOr(one["segment"]), textOr(one["title"])].filter((name) => name !== "");
        const when = [
          ...(since === undefined ? [] : [`since ${this.#time(since)}`]),
          ...(until === undefined
            ? []
            : [`${member === true ? "until" : "in at"} ${this.#time(until)} if nothing comes`]),
        ];
        const head = [`${member === true ? "in " : "out"} ${names.join(" ")}`, ...when].join(", ");
        return [
          `  ${head}  [${textOr(one["version"])}]`,
          ...this.#when(one["when"] as Fields, "    "),
          ...(leave === undefined ? [] : this.#when(leave as Fields, "    ", "stays in by")),
        ];
      }),
      ...nothingFor(all.filter((one) => !told.includes(one)).map((one) => one["segment"])),
    ];
  }

  /** A condition, its parts below it, the events that count below them. */
  #when(when: Fields, indent: string, prefix = ""): string[] {
    const { holds, since, until } = when;
    const turned = since === undefined ? "" : `, since ${this.#time(since)}`;
    const turns = until === undefined ? "" : `, turns ${this.#time(until)} if nothing comes`;
    const words = [prefix, this.#figures(when)].filter((word) => word !== "").join(" ");
    return [
      `${indent}${holds === true ? "✓" : "✗"} ${words}${turned}${turns}`,
      ...listOf(when["of"]).flatMap((part) => this.#when(part, `${indent}  `)),
      ...this.#evidence(when["evidence"], `${indent}    `),
    ];
  }

  /** What a condition counts, and how far it is. */
  #figures(reading: Fields): string {
    const { op, what, within_ms: within, have, need, topic, value } = reading;
    const inWindow = typeof within === "number" ? ` within ${lengthText(within)}` : "";
    switch (op) {
      case "all":
        return "all of";
      case "any":
        return "any of";
      case "not":
        return "not";
      case "none":
        return `no ${textOr(what)}${inWindow}${have === 0 ? "" : `: there are ${textOr(have)}`}`;
      case "owns":
        return `${textOr(what)} more than ${typeof within === "number" ? lengthText(within) : ""} ago`;
      default:
    }
    if (topic !== undefined) return `${textOr(topic)} is ${textOr(value)}`;
    const least = `${reading["more_than"] === true ? "more than " : ""}${textOr(need, "?")}`;
    const field = reading["field"] === undefined ? "" : `${textOr(reading["field"])} of `;
    const amount = have === undefined ? "" : `${textOr(have)} of ${least} ${field}`;
    return [
      `${textOr(op)}: ${amount}${textOr(what)}${inWindow}`,
      ...this.#apart(reading),
      ...this.#lacking(reading),
    ].join("; ");
  }

  #apart(reading: Fields): string[] {
    const { distinct, same, group, thing, values, sources, sources_needed: needed } = reading;
    const met = Array.isArray(values) && values.length > 0 ? ` (${values.join(", ")})` : "";
    return [
      ...(distinct === undefined ? [] : [`different ${textOr(distinct)}${met}`]),
      ...(same === undefined
        ? []
        : [`of one ${textOr(same)}${group === undefined ? "" : `: ${group}`}`]),
      ...(thing === undefined ? [] : [`of ${textOr(thing)}`]),
      ...(needed === undefined
        ? []
        : [`from ${Array.isArray(sources) ? sources.length : 0} of ${textOr(needed)} touchpoints`]),
    ];
  }

  #lacking({ lacking }: Fields): string[] {
    if (lacking === undefined) return [];
    const { amount, by } = lacking as Fields;
    const until = by === undefined ? "" : ` by ${this.#time(by)}`;
    return [`${textOr(amount)} more${until} makes it true`];
  }

  #evidence(evidence: unknown, indent: string): string[] {
    return listOf(evidence).map(
      ({ time, event, id }) => `${indent}${this.#time(time)}  ${textOr(event)}  ${textOr(id)}`,
    );
  }

  #rules(all: readonly Fields[]): string[] {
    if (all.length === 0) return [];
    const told = all.length === 1 ? all : all.filter(saysMore);
    const quiet = all.filter((rule) => !told.includes(rule)).map((rule) => rule["rule"]);
    return ["", "rules", ...told.flatMap((rule) => this.#rule(rule)), ...nothingFor(quiet)];
  }

  #rule(rule: Fields): string[] {
    const names = [textOr(rule["rule"]), textOr(rule["title"])].filter((name) => name !== "");
    const { in_force: inForce, held_out: heldOut, variant, when, fired } = rule;
    const about = [
      textOr(rule["class"]),
      ...(inForce === false ? ["not in force for this person"] : []),
      ...(heldOut === true ? ["in its hold-out: nothing is done"] : []),
      ...(variant === null ? [] : [`variant ${textOr(variant)}`]),
    ];
    return [
      `  ${names.join(" ")} (${about.join(", ")})  [${textOr(rule["version"])}]`,
      ...(when === undefined ? [] : this.#trigger(when as Fields, "    ")),
      ...listOf(fired).map(({ at, of }) => `    fired ${this.#time(at)}  ${textOr(of)}`.trimEnd()),
    ];
  }

  #trigger(trigger: Fields, indent: string): string[] {
    const { op, next, when } = trigger;
    const due = next === undefined ? "" : `, fires ${this.#time(next)} if nothing comes`;
    const head = op === "becomes" ? "when this comes true" : this.#figures(trigger);
    return [
      `${indent}${head}${due}`,
      ...listOf(trigger["of"]).flatMap((part) => this.#trigger(part, `${indent}  `)),
      ...(when === undefined
        ? []
        : this.#when(when as Fields, `${indent}  `, op === "guard" ? "while" : "")),
      ...this.#evidence(trigger["evidence"], `${indent}  `),
      ...listOf(trigger["waiting"]).flatMap((one) => this.#waiting(one, `${indent}  `)),
      ...listOf(trigger["cancelled_by"]).map(
        ({ id, time }) => `${indent}  ended by ${textOr(id)} at ${this.#time(time)}`,
      ),
    ];
  }

  #waiting(waiting: Fields, indent: string): string[] {
    const { partition, due, step, next_by: nextBy, tier, have, need } = waiting;
    const words = [
      ...(partition === "" ? [] : [textOr(partition)]),
      ...(tier === undefined ? [] : [`tier ${textOr(tier)}`]),
      ...(have === undefined ? [] : [`${textOr(have)}${need === undefined ? "" : ` of ${need}`}`]),
      ...(step === undefined ? [] : [`has come to ${textOr(step)}`]),
      ...(nextBy === undefined ? [] : [`the next must come by ${this.#time(nextBy)}`]),
      ...(due === undefined ? [] : [`due ${this.#time(due)}`]),
      ...this.#lacking(waiting),
    ];
    return [
      `${indent}under way: ${words.join(", ")}`,
      ...this.#evidence(waiting["evidence"], `${indent}  `),
    ];
  }

  #contact(contact: Fields | undefined): string[] {
    if (contact === undefined) return [];
    const said = [
      ...(contact["marketing"] === false ? ["does not agree to marketing"] : []),
      ...(contact["minor"] === true ? ["is a minor: no marketing"] : []),
      ...(contact["held_out"] === true ? ["is in the hold-out: no marketing"] : []),
      ...(contact["backed_off"] === true ? ["has ignored messages: marketing pauses"] : []),
      ...listOf(contact["caps"]).map(
        ({ used, max, every, rule, channel }) =>
          `cap ${[rule, channel].filter((name) => name !== undefined).join(" ")}`.trimEnd() +
          `: ${textOr(used)} of ${textOr(max)} a ${textOr(every)}`,
      ),
      ...listOf(contact["channels"]).flatMap((one) => this.#channel(one)),
      ...["muted", "once", "waiting"].flatMap((list) =>
        listOf(contact[list]).map(
          ({ name, key, rule, until }) =>
            `${list}: ${textOr(name ?? key ?? rule)} until ${this.#time(until)}`,
        ),
      ),
      ...listOf(contact["placed"]).map(
        ({ slot, sku, rule, until }) =>
          `placed: ${textOr(sku)} in ${textOr(slot)} by ${textOr(rule)} until ${this.#time(until)}`,
      ),
    ];
    return [
      "",
      "messages",
      ...(said.length === 0 ? ["  nothing restrains them"] : said.map((s) => `  ${s}`)),
    ];
  }

  #channel({ channel, left, quiet_until: quiet, open, quota }: Fields): string[] {
    const used = Object.entries((quota ?? {}) as Fields).map(
      ([name, of]) => `${name} ${textOr(of)}`,
    );
    const words = [
      ...(left === true ? ["left by the person"] : []),
      ...(quiet === undefined ? [] : [`quiet until ${this.#time(quiet)}`]),
      ...(open === false ? ["no quota"] : used),
    ];
    return words.length === 0 ? [] : [`${textOr(channel)}: ${words.join(", ")}`];
  }

  #recommender(of: Fields | undefined): string[] {
    if (of === undefined) return [];
    const notBefore = of["not_before"];
    return [
      "",
      `recommender ${textOr(of["model"])}, least score ${textOr(of["min_score"])}` +
        (notBefore === undefined ? "" : `, not before ${this.#time(notBefore)}`),
      ...this.#candidates(of, "  "),
    ];
  }

  #candidates(of: Fields, indent: string): string[] {
    return [
      ...listOf(of["candidates"]).map((one) => {
        const { score, kind, key, reason, because, left_out: leftOut, adds } = one;
        const why = because === null ? textOr(reason) : `${textOr(reason)} ${textOr(because)}`;
        const parts = Object.entries(adds as Fields).map(([name, n]) => `${name} ${textOr(n)}`);
        const out = leftOut === null ? "" : `  left out: ${textOr(leftOut)}`;
        return `${indent}${textOr(score)}  ${textOr(kind)} ${textOr(key)} (${why})${out}  = ${parts.join(" + ")}`;
      }),
      ...listOf(of["kept_back"]).map(
        ({ key, until }) => `${indent}kept back: ${textOr(key)} until ${this.#time(until)}`,
      ),
      ...this.#facts(of["facts"], indent),
    ];
  }

  #facts(facts: unknown, indent: string): string[] {
    const all = listOf(facts).map(
      ({ kind, key, version }) => `${textOr(kind)}/${textOr(key)}@${textOr(version, "unknown")}`,
    );
    return all.length === 0 ? [] : [`${indent}facts: ${all.join(", ")}`];
  }

  #decisions(all: readonly Fields[]): string[] {
    if (all.length === 0) return [];
    return ["", "decided lately", ...all.flatMap((decision) => this.#decision(decision))];
  }

  #decision(decision: Fields): string[] {
    const { at, outcome, suppressed_by: by, rec_id: rec, rule, channel, kind, sku } = decision;
    const { reason, true_at: trueAt, model_version: model, sellable } = decision;
    const { zh, code, evidence } = reason as Fields;
    const what = [kind, channel, sku].filter((word) => word !== null).join(" ");
    const done = by === undefined ? textOr(outcome) : `not done: ${textOr(by)}`;
    return [
      `  ${this.#time(at)}  ${done}  ${textOr(rule)}  ${what}${rec === null ? "" : `  ${textOr(rec)}`}`,
      `    because: ${textOr(zh)} (${textOr(code)}), true at ${this.#time(trueAt)}` +
        (model === null ? "" : `, model ${textOr(model)}`) +
        (sellable === null ? "" : `, ${textOr(sellable)} could be sold`),
      ...this.#evidence(evidence, "      "),
    ];
  }

  #retold(all: readonly Fields[]): string[] {
    if (all.length === 0) return [];
    return ["", "made again from the log", ...all.flatMap((one) => this.#made(one))];
  }

  #made({ subject, time, digest, reproduced, differences, cause, made_of: of }: Fields): string[] {
    const same =
      reproduced === null
        ? "not compared"
        : reproduced === true
          ? "the very bytes that were published"
          : "NOT what was published";
    return [
      `  ${this.#time(time)}  ${textOr(subject)}: ${same} (sha256 ${textOr(digest)})`,
      `    caused by ${textOr(cause)}`,
      ...(Array.isArray(differences) ? differences.map((line) => `    differs: ${line}`) : []),
      ...listOf(of).flatMap((note) => this.#note(note)),
    ];
  }

  #note(note: Fields): string[] {
    const { of, when, leave, before, options, evidence } = note;
    switch (of) {
      case "segment":
        return [
          ...this.#when(when as Fields, "    "),
          ...(leave === undefined ? [] : this.#when(leave as Fields, "    ", "stays in by")),
        ];
      case "rule":
        return [
          `    rule ${textOr(note["rule"])}, true at ${this.#time(note["true_at"])}`,
          ...this.#evidence(evidence, "      "),
          ...(before === null
            ? []
            : ["      just before:", ...this.#trigger(before as Fields, "        ")]),
        ];
      case "recommend":
        return [`    candidates of ${textOr(note["model"])}`, ...this.#candidates(note, "      ")];
      default:
        return [
          ...listOf(options).map(
            ({ kind, channel, against }) =>
              `    ${textOr(kind)} by ${textOr(channel)}: ${against === null ? "nothing is against it" : textOr(against)}`,
          ),
          ...this.#facts(note["facts"], "    "),
        ];
    }
  }
}
