import { days } from "../time/event-time.ts";
import { didYouMean } from "./did-you-mean.ts";
import type { MatcherReader } from "./matcher-reader.ts";
import {
  type Cap,
  CLASSES,
  type ContactPolicy,
  type Period,
  type Rule,
  type Way,
} from "./rule-ast.ts";
import type { ContactSource, PeriodSource, WaySource } from "./rule-schema.ts";
import { durationOf, minuteOfDay, shareOf } from "./texts.ts";
import type { Path } from "./yaml-file.ts";

const LONGEST_PERIOD = days(31);

type Source<K extends keyof ContactSource> = NonNullable<ContactSource[K]>;

/** Reads the `contact` policy; problems go to the matcher reader of the file. */
export class ContactReader {
  readonly #matchers: MatcherReader;

  constructor(matchers: MatcherReader) {
    this.#matchers = matchers;
  }

  read(source: ContactSource, rules: readonly Rule[]): ContactPolicy {
    const { backoff, breaker, cool_down: coolDown, quotas = {} } = source;
    return {
      currency: source.currency ?? "CNY",
      pages: source.pages ?? ["mp", "channels"],
      minScore: source.min_score ?? 0,
      staleAfter: durationOf(source.stale_after ?? "24h"),
      holdOut: shareOf(source.hold_out ?? "0%"),
      quiet: (source.quiet ?? []).map(({ from, to, channels, classes, do: does }) => ({
        from: minuteOfDay(from),
        to: minuteOfDay(to),
        channels,
        classes: classes ?? CLASSES,
        does: does ?? "hold",
      })),
      caps: (source.caps ?? []).map((cap, i) => this.#cap(cap, rules, ["contact", "caps", i])),
      backoff: backoff && {
        ignored: backoff.ignored,
        after: durationOf(backoff.after ?? "24h"),
        interval: durationOf(backoff.interval ?? "1d"),
        factor: backoff.factor,
        most: durationOf(backoff.most ?? "30d"),
      },
      coolDown: {
        closed: durationOf(coolDown?.closed ?? "7d"),
        blocked: durationOf(coolDown?.blocked ?? "30d"),
      },
      breaker: breaker && {
        share: shareOf(breaker.blocks),
        least: breaker.least,
        halfLife: durationOf(breaker.half_life ?? "7d"),
      },
      quotas: Object.fromEntries(
        Object.entries(quotas).map(([channel, ways]) => [
          channel,
          (ways ?? []).map((way, i) => this.#way(way, ["contact", "quotas", channel, i])),
        ]),
      ),
    };
  }

  #cap(source: Source<"caps">[number], rules: readonly Rule[], at: Path): Cap {
    const { per = [], max, every, channels } = source;
    const words = typeof per === "string" ? [per] : per;
    source.rules?.forEach((id, i) => {
      if (rules.some((rule) => rule.id === id)) return;
      this.#matchers.complain([...at, "rules", i], {
        code: "NAME_UNKNOWN",
        message: `no rule is called \`${id}\``,
        remedy: didYouMean(
          id,
          rules.map((rule) => rule.id),
        ),
      });
    });
    return {
      per: words.filter((word) => word !== "pid"),
      max,
      every: this.#period(every, [...at, "every"]),
      channels,
      rules: source.rules,
    };
  }

  #way({ id, classes, limits = [], grants = [] }: WaySource, at: Path): Way {
    return {
      id,
      classes: classes ?? CLASSES,
      limits: limits.map(({ max, every }, i) => ({
        max,
        every: this.#period(every, [...at, "limits", i, "every"]),
      })),
      grants: grants.map(({ of, max = 1, within, adds = false, revokes = false }, i) => ({
        of: this.#matchers.matcher(of, [...at, "grants", i, "of"]),
        max,
        within: within === undefined ? undefined : durationOf(within),
        adds,
        revokes,
      })),
    };
  }

  #period(source: PeriodSource, path: Path): Period {
    if (source === "day" || source === "week" || source === "month") return source;
    const length = durationOf(source);
    if (length > LONGEST_PERIOD || length === 0) {
      this.#matchers.complain(path, {
        code: "VALUE_RANGE",
        message: `a period of ${source} is ${length === 0 ? "empty" : "too long"}`,
        remedy: "Choose day, week, month, or a length above nothing and up to 31d.",
      });
    }
    return length;
  }
}
