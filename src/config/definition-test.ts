import Type, { type Static } from "typebox";
import type { EventTime, Millis } from "../time/event-time.ts";
import { LocalTime } from "../time/local-time.ts";
import { didYouMean } from "./did-you-mean.ts";
import type { Problem, Reading } from "./problem.ts";
import { localTimeText, momentOf, momentText } from "./texts.ts";
import type { TrackingPlan } from "./tracking-plan.ts";
import type { Path, YamlFile } from "./yaml-file.ts";

/** The person of a test that names none. */
const SOMEBODY = "somebody";
/** A Monday morning, outside quiet hours: what a test's times count from when it says nothing. */
const BEGIN = "2026-03-02 10:00";
const MAX_EVENTS = 1000;

const closed = { additionalProperties: false } as const;
const Props = Type.Record(Type.String(), Type.Unknown(), { description: "Its properties." });
const Person = Type.Optional(
  Type.String({ minLength: 1, maxLength: 64, description: "Who, when there are several." }),
);

const TestEvent = Type.Object(
  {
    at: momentText({ description: "How long after the beginning: `0s`, `30d - 1ms`." }),
    event: Type.String({ maxLength: 128, description: "A type of the tracking plan." }),
    with: Type.Optional(Props),
    person: Person,
    touchpoint: Type.Optional(Type.String({ maxLength: 64 })),
    times: Type.Optional(
      Type.Integer({ minimum: 1, maximum: MAX_EVENTS, default: 1, description: "So often …" }),
    ),
    every: Type.Optional(momentText({ description: "… one so long after the other." })),
  },
  closed,
);

const Expected = Type.Object(
  {
    at: momentText({ description: "When it came true: `data.at`, counted from the beginning." }),
    out: Type.String({
      pattern: "^[a-z][a-z0-9_.-]*$",
      patternErrorMessage:
        "the end of a subject such as `entered` or `recommendation.wecom.activity`",
      description: "Of a segment `entered` or `exited`; of a rule the subject without the prefix.",
    }),
    sent: Type.Optional(momentText({ description: "When the message went, where that differs." })),
    with: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), { description: "What its payload holds, too." }),
    ),
    person: Person,
  },
  closed,
);

const DefinitionTest = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 128, description: "What it shows." }),
    begin: Type.Optional(localTimeText({ default: BEGIN, description: "Local time of `0s`." })),
    facts: Type.Optional(
      Type.Record(
        Type.String({ pattern: "^[a-z]+\\..+$" }),
        Type.Record(Type.String(), Type.Unknown()),
        { description: "What is known from the beginning: `catalog.s1: { line: premium }`." },
      ),
    ),
    events: Type.Array(TestEvent, { maxItems: MAX_EVENTS, description: "What happens." }),
    until: Type.Optional(
      momentText({ description: "How far the clock goes; the last time named, when left out." }),
    ),
    expect: Type.Array(Expected, {
      maxItems: MAX_EVENTS,
      description: "All that comes out of this definition, in order of `at`; nothing else may.",
    }),
  },
  closed,
);

/** The key `tests` of a segment or rule. */
export const testsKey = {
  tests: Type.Optional(
    Type.Array(DefinitionTest, {
      maxItems: 100,
      description: "What must come out when something happens; `freshet test-rules` runs them.",
    }),
  ),
};

type TestSource = Static<typeof DefinitionTest>;

/** Something that happens in a test. */
export interface Happening {
  readonly at: EventTime;
  readonly event: string;
  readonly props: Readonly<Record<string, unknown>>;
  readonly person: string;
  readonly touchpoint: string | undefined;
}

/** What must come out, at the moment it came true. */
export interface Expectation {
  readonly at: EventTime;
  /** The whole subject without the prefix. */
  readonly subject: string;
  readonly sent: EventTime | undefined;
  readonly data: Readonly<Record<string, unknown>>;
  readonly person: string;
}

/** A test that stands beside the definition it is about. */
export interface DefinitionTest {
  readonly of: "segment" | "rule";
  readonly id: string;
  readonly name: string;
  readonly file: string;
  readonly line: number;
  readonly begin: EventTime;
  readonly facts: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** In order of time. */
  readonly events: readonly Happening[];
  readonly until: EventTime;
  readonly expect: readonly Expectation[];
}

interface Tested {
  readonly id: string;
  readonly tests?: readonly TestSource[] | undefined;
}

/** Reads the tests of a file whose shape has been checked; their events must be of the plan. */
export function readDefinitionTests(
  of: "segment" | "rule",
  file: YamlFile,
  plan: TrackingPlan,
  timeZone: string,
): Reading<readonly DefinitionTest[]> {
  const reader = new TestReader(file, plan, timeZone);
  const definitions = (file.value as Readonly<Record<string, readonly Tested[]>>)[`${of}s`] ?? [];
  const value = definitions.flatMap(({ id, tests = [] }, i) =>
    tests.map((test, k) => reader.test(of, id, test, [`${of}s`, i, "tests", k])),
  );
  const { problems } = reader;
  return problems.length > 0 ? { value: undefined, problems } : { value, problems };
}

/** Contents of a file without the tests in it: they change no decision. */
export function withoutTests(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (key, part) => (key === "tests" ? undefined : part)));
}

class TestReader {
  readonly #file: YamlFile;
  readonly #plan: TrackingPlan;
  readonly #local: LocalTime;
  readonly problems: Problem[] = [];

  constructor(file: YamlFile, plan: TrackingPlan, timeZone: string) {
    this.#file = file;
    this.#plan = plan;
    this.#local = new LocalTime(timeZone);
  }

  test(of: "segment" | "rule", id: string, source: TestSource, at: Path): DefinitionTest {
    const begin = this.#local.moment(source.begin ?? BEGIN);
    const from = (text: string): EventTime => (begin + momentOf(text)) as EventTime;
    const events = source.events
      .flatMap((event, i) => this.#happenings(event, begin, [...at, "events", i]))
      .sort((a, b) => a.at - b.at);
    const expect = source.expect.map(({ at: when, out, sent, with: data = {}, person }) => ({
      at: from(when),
      subject: of === "segment" ? `segment.${id}.${out}` : out,
      sent: sent === undefined ? undefined : from(sent),
      data,
      person: person ?? SOMEBODY,
    }));
    const named = [
      ...events.map((event) => event.at),
      ...expect.map((one) => one.sent ?? one.at),
      ...(source.until === undefined ? [] : [from(source.until)]),
    ];
    return {
      of,
      id,
      name: source.name,
      file: this.#file.name,
      line: this.#file.problem(at, NOTHING).line,
      begin,
      facts: source.facts ?? {},
      events,
      until: Math.max(begin, ...named) as EventTime,
      expect,
    };
  }

  #happenings(source: TestSource["events"][number], begin: EventTime, at: Path): Happening[] {
    const { event, with: props = {}, person, touchpoint, times = 1, every } = source;
    this.#check(event, props, touchpoint, at);
    const step: Millis = momentOf(every ?? "1s");
    return Array.from({ length: times }, (_, i) => ({
      at: (begin + momentOf(source.at) + i * step) as EventTime,
      event,
      props,
      person: person ?? SOMEBODY,
      touchpoint,
    }));
  }

  #check(
    event: string,
    props: Readonly<Record<string, unknown>>,
    touchpoint: string | undefined,
    at: Path,
  ): void {
    const valid = this.#plan.validate(event, props, touchpoint);
    if (valid.ok && valid.stripped === 0) return;
    const unknown = Object.keys(props).find(
      (name) => this.#plan.property(event, name) === undefined,
    );
    if (!this.#plan.types.includes(event)) {
      this.#complain([...at, "event"], "EVENT_UNKNOWN", `no event is of the type \`${event}\``, {
        remedy: didYouMean(event, this.#plan.types),
      });
    } else if (unknown !== undefined) {
      const known = this.#plan.properties(event);
      const message = `events of type \`${event}\` carry no \`${unknown}\``;
      this.#complain([...at, "with", unknown], "PROPERTY_UNKNOWN", message, {
        remedy: didYouMean(unknown, known),
      });
    } else if (!valid.ok) {
      const message = `the tracking plan refuses \`${valid.field}\`: ${valid.reason}`;
      this.#complain([...at, "with", valid.field], "VALUE_INVALID", message, valid);
    }
  }

  #complain(
    at: Path,
    code: Problem["code"],
    message: string,
    { remedy }: { readonly remedy: string },
  ): void {
    this.problems.push(this.#file.problem(at, { code, message, remedy }));
  }
}

/** Only its place is asked for. */
const NOTHING = { code: "VALUE_INVALID", message: "", remedy: "" } as const;
