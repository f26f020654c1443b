import type { EventTime } from "../../src/time/event-time.ts";
import { evidenceOf, type PlacedLeaf } from "./condition/compile-when.ts";
import type { Histories, Seen } from "./condition/leaf.ts";
import type { Definition, Judged } from "./segment-definition.ts";
import type { Telling } from "./segment-told.ts";

export interface Why {
  readonly reason: string;
  /** Oldest first. */
  readonly evidence: readonly Seen[];
}

/**
 * Entered by what came true: `count`, `sum`, `run`, `decay`, `owns`, `intent` … when an event or a
 * telling did it, `window` when the clock did, `seen` when the person was first seen. Left by the
 * object of the event that forbids it (`order` for `order.paid`), else by `window`. `segment`: by
 * way of `in`. `corrected`: it never was.
 */
export function whyOf(definition: Definition, judged: Judged, telling: Telling): Why {
  return telling.member
    ? whyEntered(definition, judged, telling)
    : whyLeft(definition, judged, telling);
}

function whyEntered(definition: Definition, judged: Judged, { at, undoes }: Telling): Why {
  const { histories } = judged;
  const { leaves } = definition.when;
  const evidence = evidenceOf(definition.when, histories, at);
  const speaking = leaves.filter(({ speaksFor }) => speaksFor);
  const made = (leaf: PlacedLeaf) => turned(leaf, histories, at) && isCause(leaf, histories, at);
  const by =
    speaking.find(made) ??
    leaves.find(made) ??
    speaking.find((leaf) => happened(leaf, histories, at).length > 0);
  if (by !== undefined) return { reason: by.name, evidence };
  if (leaves.some((leaf) => turned(leaf, histories, at))) return { reason: "window", evidence };
  if (turnedWithin(definition, judged, at)) return { reason: "segment", evidence };
  if (judged.since === at) return { reason: "seen", evidence };
  return { reason: undoes ? "corrected" : (speaking[0]?.name ?? "window"), evidence };
}

function whyLeft(definition: Definition, judged: Judged, { at, undoes }: Telling): Why {
  const { histories } = judged;
  const { leaves } = definition.when;
  const against = leaves.filter(({ speaksFor }) => !speaksFor);
  const changed = leaves.filter(
    (leaf) => turned(leaf, histories, at) && wasTrue(leaf, histories, at) === leaf.speaksFor,
  );
  const forbids = [...against, ...changed.filter(({ speaksFor }) => speaksFor)]
    .map((leaf) => happened(leaf, histories, at).at(-1))
    .find((seen) => seen !== undefined);
  if (forbids !== undefined) return { reason: objectOf(forbids), evidence: [forbids] };
  const told = changed.find(({ leaf }) => leaf.follows !== null);
  if (told !== undefined) return { reason: told.name, evidence: [] };
  const before = evidenceOf(definition.when, histories, (at - 1) as EventTime);
  if (changed.length > 0) return { reason: "window", evidence: before };
  const late = against
    .flatMap(({ leaf }) => leaf.evidence(histories[leaf.key], at))
    .sort((a, b) => a[0] - b[0])
    .at(-1);
  if (late !== undefined) return { reason: objectOf(late), evidence: [late] };
  if (turnedWithin(definition, judged, at)) return { reason: "segment", evidence: [] };
  return { reason: undoes ? "corrected" : "window", evidence: before };
}

const objectOf = ([, , type]: Seen): string => type.split(".")[0] ?? type;

const happened = ({ leaf }: PlacedLeaf, histories: Histories, at: EventTime) =>
  leaf.happened(histories[leaf.key], at);

/** What follows other parts of the engine turns when they say so. */
const isCause = (placed: PlacedLeaf, histories: Histories, at: EventTime): boolean =>
  placed.leaf.follows !== null || happened(placed, histories, at).length > 0;

const turned = ({ leaf }: PlacedLeaf, histories: Histories, at: EventTime): boolean =>
  leaf.timeline(histories[leaf.key], at).turns[0] === at;

const wasTrue = ({ leaf }: PlacedLeaf, histories: Histories, at: EventTime): boolean =>
  leaf.timeline(histories[leaf.key], at).before;

const turnedWithin = ({ within }: Definition, { told }: Judged, at: EventTime): boolean =>
  within.some((id) => told[id]?.[2].some((turn) => turn[0] === at) === true);
