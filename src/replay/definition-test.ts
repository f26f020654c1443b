import { isDeepStrictEqual } from "node:util";
import type { DefinitionTest, Expectation } from "../config/definition-test.ts";
import type { JobDefinition } from "../flow/job.ts";
import type { Scoring } from "../score/seam.ts";
import { isoTime } from "../time/event-time.ts";
import { eventsLine } from "./formats.ts";
import { type OutputLine, type Reveal, replay } from "./replay.ts";

/** What a test showed: nothing wrong when both lists are empty. */
export interface TestResult {
  readonly test: DefinitionTest;
  /** Wanted and not there, in words. */
  readonly missing: readonly string[];
  /** There and not wanted. */
  readonly unexpected: readonly string[];
}

export type Tested = JobDefinition & { readonly intake: JobDefinition["intake"] & Reveal };

/**
 * Runs a test through all flows of the configuration, other definitions and the policy of contact
 * included, in virtual time. Everything that the definition tells counts: each expectation takes
 * one output of its person and subject, true at its time, holding at least what it names.
 */
export async function runDefinitionTest(
  test: DefinitionTest,
  job: Tested,
  scoring: Scoring,
): Promise<TestResult> {
  const told: Told[] = [];
  await replay({
    lines: linesOf(test),
    format: eventsLine,
    definition: job,
    scoring,
    until: test.until,
    reveal: job.intake,
    onLine: (line) => {
      if (isOf(test, line)) told.push(toldBy(line));
    },
    onBadLine: () => undefined,
  });
  const missing: string[] = [];
  for (const wanted of test.expect) {
    const at = told.findIndex((one) => matches(wanted, one));
    if (at < 0) missing.push(wantedText(test, wanted));
    else told.splice(at, 1);
  }
  return { test, missing, unexpected: told.map((one) => toldText(test, one)) };
}

interface Told {
  readonly subject: string;
  readonly at: string;
  readonly sent: string;
  readonly person: string;
  readonly data: Readonly<Record<string, unknown>>;
}

function* linesOf(test: DefinitionTest): Generator<string> {
  for (const [key, value] of Object.entries(test.facts)) {
    yield JSON.stringify({ subject: `in.fact.${key}`, data: { ...value, recv: test.begin } });
  }
  for (const [i, { at, event, props, person, touchpoint }] of test.events.entries()) {
    const ids = [{ k: "unionid", v: person }];
    const of = touchpoint === undefined ? {} : { touchpoint };
    yield JSON.stringify({ id: `test-${i}`, type: event, ts: at, ids, props, ...of });
  }
}

function isOf({ of, id }: DefinitionTest, { data }: OutputLine): boolean {
  return (data as Readonly<Record<string, unknown>>)[of] === id && "person" in (data as object);
}

function toldBy({ subject, time, data, ids }: OutputLine): Told {
  const payload = data as Readonly<Record<string, unknown>>;
  const person = (ids as readonly { readonly v: string }[] | undefined)?.[0]?.v ?? "?";
  return { subject, at: String(payload["at"] ?? time), sent: time, person, data: payload };
}

function matches(wanted: Expectation, told: Told): boolean {
  return (
    wanted.subject === told.subject &&
    wanted.person === told.person &&
    isoTime(wanted.at) === told.at &&
    (wanted.sent === undefined || isoTime(wanted.sent) === told.sent) &&
    holds(wanted.data, told.data)
  );
}

/** Objects hold at least what is wanted of them; anything else is equal. */
function holds(wanted: unknown, found: unknown): boolean {
  if (!isObject(wanted) || !isObject(found)) return isDeepStrictEqual(wanted, found);
  return Object.entries(wanted).every(([name, value]) => holds(value, found[name]));
}
const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function wantedText(
  test: DefinitionTest,
  { at, subject, sent, data, person }: Expectation,
): string {
  const sentAt = sent === undefined ? "" : `, sent ${since(test, sent)}`;
  const more = Object.keys(data).length === 0 ? "" : ` ${JSON.stringify(data)}`;
  return `${since(test, at)} ${subject} (${person}${sentAt})${more}`;
}

function toldText(test: DefinitionTest, { at, subject, sent, data, person }: Told): string {
  const { reason } = data;
  const code = isObject(reason) ? reason["code"] : reason;
  const sentAt = sent === at ? "" : `, sent ${since(test, Date.parse(sent))}`;
  const why = code === undefined ? "" : ` because of ${String(code)}`;
  return `${since(test, Date.parse(at))} ${subject} (${person}${sentAt})${why}`;
}

const UNITS = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1000],
  ["ms", 1],
] as const;

/** A moment as the test's own files write it: `1d + 2h`. */
function since({ begin }: DefinitionTest, at: number): string {
  let left = at - begin;
  const parts: string[] = [];
  for (const [unit, size] of UNITS) {
    const n = Math.floor(left / size);
    left -= n * size;
    if (n > 0) parts.push(`${n}${unit}`);
  }
  return parts.length === 0 ? "0s" : parts.join(" + ");
}
