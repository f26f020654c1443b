import Type, { type Static } from "typebox";
import { didYouMean } from "./did-you-mean.ts";
import type { Problem, Reading } from "./problem.ts";
import { schemaReader } from "./schema-check.ts";
import { type Hours, HoursText, hoursOf, nameText } from "./texts.ts";
import type { TrackingPlan } from "./tracking-plan.ts";
import type { Complaint, Path, YamlFile } from "./yaml-file.ts";

export const DAY_KINDS = ["workday", "restday"] as const;
export type DayKind = (typeof DAY_KINDS)[number];

/** `config/calendar.yaml` after reading. */
export interface Calendar {
  readonly version: 1;
  /** By day, `2026-01-04`: those that are not what their weekday says. */
  readonly days: Readonly<Record<string, DayKind>>;
  readonly scenes: readonly Scene[];
}

export interface Scene {
  readonly id: string;
  readonly title: string | undefined;
  readonly touchpoint: string | undefined;
  readonly day: DayKind | undefined;
  /** Minutes of the local day, `[from, to)`; `to` before `from` goes past midnight. Any hour if empty. */
  readonly hours: readonly Hours[];
}

const DAY_MS = 86_400_000;
const LONGEST_REST = 31;

const date = (description: string) =>
  Type.String({
    description,
    pattern: "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$",
    patternErrorMessage: "a day such as 2026-10-01",
  });

export const CalendarSchema = Type.Object(
  {
    version: Type.Literal(1),
    rest: Type.Optional(
      Type.Array(
        Type.Object(
          {
            from: date("The first day off."),
            to: date("The last day off."),
            name: Type.Optional(Type.String({ maxLength: 64 })),
          },
          { additionalProperties: false },
        ),
        { maxItems: 1000, description: "Days off: holidays, those of a weekend too." },
      ),
    ),
    work: Type.Optional(
      Type.Array(date("A day of a weekend that is worked."), {
        maxItems: 1000,
        description: "Days of a weekend that are worked (调休).",
      }),
    ),
    scenes: Type.Optional(
      Type.Array(
        Type.Object(
          {
            id: nameText({
              description: "Part of the subjects `scene.<id>.entered` and `.exited`.",
            }),
            title: Type.Optional(
              Type.String({ maxLength: 128, description: "What people call it." }),
            ),
            touchpoint: Type.Optional(
              Type.String({ description: "Where the act is; anywhere when left out." }),
            ),
            day: Type.Optional(
              Type.Enum([...DAY_KINDS], { description: "On what kind of day; any when left out." }),
            ),
            hours: Type.Optional(
              Type.Array(HoursText, {
                minItems: 1,
                maxItems: 8,
                description: "Local hours, the end not included; all day when left out.",
              }),
            ),
          },
          { additionalProperties: false },
        ),
        { maxItems: 100, description: "Of several that fit, the first counts." },
      ),
    ),
  },
  {
    additionalProperties: false,
    title: "Freshet calendar",
    description: "Which days are worked, and the scenes that follow from day, hour and touchpoint.",
  },
);

type CalendarSource = Static<typeof CalendarSchema>;

const read = schemaReader(CalendarSchema);

/** Reads `calendar.yaml`. */
export function readCalendar(file: YamlFile, plan: TrackingPlan): Reading<Calendar> {
  const { value, problems } = read(file);
  if (value === undefined) return { value: undefined, problems };
  const found: Problem[] = [];
  const complain = (path: Path, complaint: Complaint) => found.push(file.problem(path, complaint));
  const days = daysOf(value, complain);
  checkScenes(value, plan, complain);
  if (found.length > 0) return { value: undefined, problems: found };
  const scenes = (value.scenes ?? []).map(({ id, title, touchpoint, day, hours = [] }) => ({
    id,
    title,
    touchpoint,
    day,
    hours: hours.map(hoursOf),
  }));
  return { value: { version: 1, days, scenes }, problems: [] };
}

/** Whoever has to enter a year's days has so long before it begins. */
const AHEAD_DAYS = 31;

/**
 * Years that are on, or about to begin, of which a calendar that lists others lists nothing, or of which it
 * lists no day that is worked although it does of others: a warning each. `now` in milliseconds.
 */
export function calendarDoubts(file: YamlFile, now: number): readonly Problem[] {
  const { rest = [], work = [] } = read(file).value ?? {};
  const yearOf = (day: string) => day.slice(0, 4);
  const off = new Set(rest.flatMap(({ from, to }) => [yearOf(from), yearOf(to)]));
  const worked = new Set(work.map(yearOf));
  const today = Math.floor(now / DAY_MS);
  const years = new Set([today, today + AHEAD_DAYS].map((day) => yearOf(dayText(day))));
  return [...years].flatMap((year): Problem[] => {
    const isListed = off.has(year) || worked.has(year);
    const lacks = isListed ? worked.size > 0 && !worked.has(year) : off.size + worked.size > 0;
    if (!lacks) return [];
    return [
      file.problem([isListed ? "work" : "rest"], {
        severity: "warning",
        code: "CALENDAR_ENDS",
        message: isListed
          ? `days off of ${year} are listed, but none of a weekend that is worked, as of other years`
          : `no day of ${year} is listed: Monday to Friday are worked, whatever holiday there is`,
        remedy: `Enter the days of ${year} as they were announced, or tell them with in.fact.calendar.<day>.`,
        atKey: true,
      }),
    ];
  });
}

type Complain = (path: Path, complaint: Complaint) => void;

function daysOf(
  { rest = [], work = [] }: CalendarSource,
  complain: Complain,
): Record<string, DayKind> {
  const days: Record<string, DayKind> = {};
  rest.forEach(({ from, to }, i) => {
    const last = dayNumber(to);
    const length = last - dayNumber(from) + 1;
    if (!(length >= 1 && length <= LONGEST_REST)) {
      complain(["rest", i, "to"], {
        code: "VALUE_RANGE",
        message: `from ${from} to ${to} is not a stretch of 1 to ${LONGEST_REST} days`,
        remedy: "Write the first and the last day off, both days of the calendar.",
      });
      return;
    }
    for (let day = last - length + 1; day <= last; day += 1) days[dayText(day)] = "restday";
  });
  work.forEach((day, i) => {
    if (days[day] === "restday" || Number.isNaN(dayNumber(day))) {
      complain(["work", i], {
        code: "VALUE_INVALID",
        message: days[day] === undefined ? `there is no ${day}` : `${day} is a day off above`,
        remedy: "A day is worked or it is not: delete one of the two.",
      });
    }
    days[day] = "workday";
  });
  return days;
}

function checkScenes(
  { scenes = [] }: CalendarSource,
  plan: TrackingPlan,
  complain: Complain,
): void {
  const seen = new Set<string>();
  scenes.forEach(({ id, touchpoint }, i) => {
    if (seen.has(id)) {
      complain(["scenes", i, "id"], {
        code: "NAME_DUPLICATE",
        message: `another scene is called \`${id}\` already`,
        remedy: "Give it a name of its own.",
      });
    }
    seen.add(id);
    if (touchpoint !== undefined && !plan.touchpoints.includes(touchpoint)) {
      complain(["scenes", i, "touchpoint"], {
        code: "NAME_UNKNOWN",
        message: `no touchpoint is called \`${touchpoint}\``,
        remedy: didYouMean(touchpoint, plan.touchpoints),
      });
    }
  });
}

/** Days since 1970-01-01; NaN for what is no day of the calendar. */
function dayNumber(text: string): number {
  const day = Date.parse(`${text}T00:00:00Z`) / DAY_MS;
  return dayText(day) === text ? day : Number.NaN;
}

/** The day that is so many after 1970-01-01, `2026-01-04`. */
export const dayText = (day: number): string =>
  Number.isNaN(day) ? "" : new Date(day * DAY_MS).toISOString().slice(0, 10);
