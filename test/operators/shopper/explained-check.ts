import type { ExplainedWhen } from "../../../operators/shopper/condition/explained.ts";
import type { Count, Run, When } from "../../../src/config/condition-ast.ts";
import {
  END,
  type Happened,
  inOrder,
  ofLatest,
  runAt,
  scoreAt,
  sizeOf,
  slowly,
  window,
} from "./segment-oracle.ts";
import { T0 } from "./support.ts";

const ms = (time: string | undefined): number | undefined =>
  time === undefined ? undefined : Date.parse(time) - T0;
const idsOf = (events: readonly { readonly id: string }[]): string[] =>
  events.map(({ id }) => id).sort();
const isSame = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/**
 * What is wrong with an explanation of a condition at `t`, by a recount over the whole history.
 * `known`: turns of longer ago need not be told.
 */
export function faultsOf(
  node: ExplainedWhen,
  when: When,
  history: readonly Happened[],
  t: number,
  known: number,
): string[] {
  const slow = slowly(when, history, () => () => false);
  const faults: string[] = [];
  const expect = (right: boolean, what: string) => {
    if (!right) faults.push(`${when.op}: ${what} in ${JSON.stringify(node)}`);
  };
  expect(node.holds === slow(t), "holds");
  let since = t;
  while (since >= known && slow(since) === slow(since - 1)) since -= 1;
  expect(ms(node.since) === (since < known ? undefined : since), "since");
  let until = t + 1;
  while (until <= 2 * END && slow(until) === slow(t)) until += 1;
  expect(ms(node.until) === (until > 2 * END ? undefined : until), "until");
  for (const { id, event, time } of node.evidence ?? []) {
    const happened = history.find((one) => one.id === id);
    expect(happened?.type === event && happened.at === ms(time), `evidence ${id}`);
  }
  if (when.op === "all" || when.op === "any")
    when.of.forEach((part, i) => {
      const of = node.of?.[i];
      if (of === undefined) expect(false, "parts");
      else faults.push(...faultsOf(of, part, history, t, known));
    });
  if (when.op === "not" && node.of?.[0] !== undefined)
    faults.push(...faultsOf(node.of[0], when.of, history, t, known));
  for (const what of figuresOf(node, when, history, t)) expect(false, what);
  return faults;
}

/** Names of the figures of a leaf that a recount finds otherwise. */
function figuresOf(
  node: ExplainedWhen,
  when: When,
  history: readonly Happened[],
  t: number,
): string[] {
  const wrong: string[] = [];
  const expect = (right: boolean, what: string) => {
    if (!right) wrong.push(what);
  };
  const ids = idsOf(node.evidence ?? []);
  switch (when.op) {
    case "count":
      return countFaults(node, when, history, t);
    case "none": {
      const inside = window(history, when.of, t, when.within);
      const have = node.have ?? -1;
      expect(inside.length === 0 ? have === 0 : have >= 1 && have <= inside.length, "have");
      expect(ids.length === have, "evidence");
      return wrong;
    }
    case "sum": {
      const counted =
        when.per === null
          ? window(history, when.of, t, when.within ?? 0)
          : (ofLatest(history, when.of, when.per.latest, t) ?? []);
      const sum = counted.reduce((all, { amount }) => all + amount, 0);
      const { op, value } = when.bound;
      expect(node.have === sum && node.need === value, "have");
      const reached = op === "at_least" ? sum >= value : sum > value;
      const lacking = reached ? undefined : value - sum;
      expect(node.lacking?.amount === lacking, "lacking");
      if (when.per === null) expect(isSame(ids, idsOf(counted)), "evidence");
      return wrong;
    }
    case "run":
      return runFaults(node, when, history, t);
    case "decay": {
      const off = Math.abs((node.have ?? Number.NaN) - scoreAt(when, history, t));
      // What has faded to a millionth may have been forgotten.
      expect(off < 1e-5, "have");
      return wrong;
    }
    default:
      return wrong;
  }
}

function runFaults(
  node: ExplainedWhen,
  when: Run,
  history: readonly Happened[],
  t: number,
): string[] {
  const { labels, last } = runAt(when, history, t);
  const have = Math.min(labels.size, when.atLeast);
  const isEnough = labels.size >= when.atLeast;
  const by = last === undefined || when.maxGap === null ? undefined : last + when.maxGap;
  const lacking = isEnough ? undefined : when.atLeast - have;
  return [
    ...(node.have === have && node.need === when.atLeast ? [] : ["have"]),
    ...(node.evidence?.length === have || have === 0 ? [] : ["evidence"]),
    ...(node.lacking?.amount === lacking ? [] : ["lacking"]),
    ...(ms(node.lacking?.by) === (isEnough ? undefined : by) ? [] : ["by"]),
  ];
}

/** Exact as long as there is not enough; more than enough need not all be remembered. */
function countFaults(
  node: ExplainedWhen,
  when: Count,
  history: readonly Happened[],
  t: number,
): string[] {
  const wrong: string[] = [];
  const expect = (right: boolean, what: string) => {
    if (!right) wrong.push(what);
  };
  const { of, within, distinct, same, atLeast } = when;
  const inside = inOrder(window(history, of, t, within)).filter(
    (one) => distinct !== "thing" || one.thing !== undefined,
  );
  const groups =
    same === null
      ? [inside]
      : [...new Set(inside.map(({ sku }) => sku))].map((sku) =>
          inside.filter((one) => one.sku === sku),
        );
  const most = Math.max(0, ...groups.map((group) => sizeOf(group, distinct)));
  const have = node.have ?? -1;
  const ids = idsOf(node.evidence ?? []);
  expect(node.need === atLeast, "need");
  if (most >= atLeast) {
    expect(have >= atLeast && have <= most, "have");
    expect(
      ids.every((id) => inside.some((one) => one.id === id)),
      "evidence",
    );
    expect(node.lacking === undefined, "lacking");
    return wrong;
  }
  expect(have === most, "have");
  expect(isSame(ids, idsOf(inside)), "evidence");
  expect(node.lacking?.amount === atLeast - most, "lacking");
  const group = same === null ? inside : inside.filter(({ sku }) => sku === node.group);
  expect(sizeOf(group, distinct) === most, "group");
  const counted = (one: Happened) =>
    distinct === "event" ? one.id : distinct === "sku" ? one.sku : one.thing;
  const last = [...new Map(group.map((one) => [counted(one), one.at])).values()];
  const by = most === 0 ? undefined : Math.min(...last) + within;
  expect(ms(node.lacking?.by) === by, "by");
  return wrong;
}
