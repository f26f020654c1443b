import { hash128 } from "../../src/codec/hash.ts";
import type { Count, None, When } from "../../src/config/condition-ast.ts";
import type { Segment, SegmentFile } from "../../src/config/segment-ast.ts";
import type { EventTime } from "../../src/time/event-time.ts";
import { type Condition, isMet, type Match } from "./match-list.ts";

/** One count or none of a definition. Equal ones of different segments share their matches. */
export interface Leaf {
  /** Of its content: state is filed under it. */
  readonly key: string;
  /** Index of its matcher. */
  readonly matcher: number;
  readonly counted: Count["distinct"];
  readonly condition: Condition;
}

/** Matches by leaf. */
export type Matches = Readonly<Record<string, readonly Match[]>>;

export interface Definition {
  readonly segment: Segment;
  readonly leaves: readonly Leaf[];
  /** Matches of these make a member, matches of the others unmake one. */
  readonly positive: readonly Leaf[];
  readonly negative: readonly Leaf[];
  /** Whether the definition is true at a time, windows closed on both sides. */
  isTrue(matches: Matches, at: EventTime): boolean;
  /** What it is without any match. */
  readonly whenEmpty: boolean;
}

export function definitionsOf(file: SegmentFile): Definition[] {
  return file.segments.map((segment) => {
    const leaves: Leaf[] = [];
    const positive: Leaf[] = [];
    const negative: Leaf[] = [];
    const isTrue = compiled(segment.when, true, (leaf, isPositive) => {
      leaves.push(leaf);
      (isPositive ? positive : negative).push(leaf);
    });
    const whenEmpty = isTrue({}, 0 as EventTime);
    return { segment, leaves, positive, negative, isTrue, whenEmpty };
  });
}

type Truth = Definition["isTrue"];

function compiled(
  when: When,
  isPositive: boolean,
  found: (leaf: Leaf, isPositive: boolean) => void,
): Truth {
  switch (when.op) {
    case "all": {
      const parts = when.of.map((part) => compiled(part, isPositive, found));
      return (matches, at) => parts.every((part) => part(matches, at));
    }
    case "any": {
      const parts = when.of.map((part) => compiled(part, isPositive, found));
      return (matches, at) => parts.some((part) => part(matches, at));
    }
    case "not": {
      const part = compiled(when.of, !isPositive, found);
      return (matches, at) => !part(matches, at);
    }
    case "count":
    case "none": {
      const leaf = leafOf(when);
      found(leaf, isPositive === (when.op === "count"));
      const met: Truth = (matches, at) => isMet(matches[leaf.key] ?? [], leaf.condition, at);
      return when.op === "count" ? met : (matches, at) => !met(matches, at);
    }
    default:
      throw new Error(`not judged yet: ${when.op}`);
  }
}

function leafOf(when: Count | None): Leaf {
  const counted = when.op === "count" ? when.distinct : "event";
  const atLeast = when.op === "count" ? when.atLeast : 1;
  const content = [when.of.events, when.of.where, when.within, atLeast, counted];
  return {
    key: hash128(JSON.stringify(content)).slice(0, 12),
    matcher: when.of.index,
    counted,
    condition: { within: when.within, atLeast, distinct: counted !== "event" },
  };
}
