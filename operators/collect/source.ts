import { withFields } from "../../src/flow/with-fields.ts";
import { isRecord } from "./plain.ts";

type Raw = Readonly<Record<string, unknown>>;

/** As long as a label of the tracking plan may be. */
const MAX_LABEL = 64;

/**
 * The properties of an event with what its `src` says of the way the person came: `scene`, and as
 * `utm` the campaign. What the properties say themselves stands.
 */
export function withSource(props: Raw, src: unknown): Raw {
  if (!isRecord(src)) return props;
  const scene = props.scene === undefined ? labelOf(src.scene) : undefined;
  const utm = props.utm === undefined ? campaignOf(src.utm) : undefined;
  if (scene === undefined && utm === undefined) return props;
  const way = scene === undefined ? { utm } : utm === undefined ? { scene } : { scene, utm };
  return withFields(props, way);
}

/** A campaign is its name, or else where it came from: `source/medium`. */
function campaignOf(utm: unknown): string | undefined {
  if (!isRecord(utm)) return labelOf(utm);
  const named = labelOf(utm.campaign ?? utm.utm_campaign);
  if (named !== undefined) return named;
  const from = [utm.source ?? utm.utm_source, utm.medium ?? utm.utm_medium].map(labelOf);
  const known = from.filter((part) => part !== undefined);
  return known.length === 0 ? undefined : labelOf(known.join("/"));
}

function labelOf(value: unknown): string | undefined {
  const text = Number.isSafeInteger(value) ? String(value) : value;
  if (typeof text !== "string" || text.trim() === "") return undefined;
  return text.trim().slice(0, MAX_LABEL);
}
