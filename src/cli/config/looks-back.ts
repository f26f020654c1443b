import { LIVE, type LiveName, type LiveTexts } from "../../config/live.ts";
import { parseDuration } from "../../time/event-time.ts";
import { type OpenJob, requireLive } from "../open-job.ts";
import type { Changes } from "./engine-config.ts";

/** A definition that starts anew and asks for more of the past than is known of it then. */
export interface LooksBack {
  readonly file: LiveName;
  readonly id: string;
  /** Its longest window, and how far back the journal reaches, in milliseconds. */
  readonly window: number;
  readonly known: number;
}

/** Which definitions that start anew do not see all that they ask for until their window has passed. */
export function lookingBack(open: OpenJob, changes: Changes, texts: LiveTexts): LooksBack[] {
  const files = requireLive(open.config, texts);
  const definitions: Readonly<Record<LiveName, readonly { readonly id: string }[]>> = {
    segments: files.segments.segments,
    rules: files.rules.rules,
    tags: files.tags.tags,
  };
  const known = journalOf(open);
  return LIVE.flatMap((file) => {
    const anew = new Set([...changes[file].added, ...changes[file].changed]);
    return definitions[file]
      .filter(({ id }) => anew.has(id))
      .map((definition) => ({ file, id: definition.id, window: windowIn(definition), known }))
      .filter(({ window }) => window > known);
  });
}

/** The longest `within` of a definition, however deep: definitions are plain data. */
function windowIn(part: unknown): number {
  if (typeof part !== "object" || part === null) return 0;
  const { within } = part as { readonly within?: unknown };
  const own = typeof within === "number" ? within : 0;
  return Math.max(own, ...Object.values(part).map(windowIn));
}

function journalOf({ config }: OpenJob): number {
  const journal = config.job.operators.shopper.find(({ name }) => name === "journal");
  if (journal === undefined) return 0;
  return parseDuration((journal.options as { readonly keep: string }).keep) ?? 0;
}

const HOUR = 3_600_000;

export const toldLooksBack = (all: readonly LooksBack[]): string[] =>
  all.map(({ file, id, window, known }) => {
    const reaches = known === 0 ? "nothing from before" : `the last ${hours(known)} from before`;
    const rest = hours(window - known);
    return `! ${file}  ${id}  looks back ${hours(window)} and knows ${reaches}: whole after ${rest}`;
  });

const hours = (ms: number): string => `${Math.ceil(ms / HOUR)}h`;
