import { type AnyAggregate, count, last, list, max, mean, min, sum } from "./aggregate.ts";
import { distinct } from "./distinct.ts";
import type { Millis } from "./event-time.ts";
import * as triggers from "./trigger.ts";
import {
  type GridWindows,
  global,
  session,
  sliding,
  tumbling,
  type WindowKind,
} from "./window-kind.ts";

/*
 * Windows, triggers and aggregates as data, for configuration files.
 */

export type GridSpec =
  | { readonly type: "tumbling"; readonly size: Millis; readonly offset?: Millis }
  | {
      readonly type: "sliding";
      readonly size: Millis;
      readonly slide: Millis;
      readonly offset?: Millis;
    }
  | { readonly type: "global" };
export type WindowSpec =
  | GridSpec
  | { readonly type: "session"; readonly gap: Millis; readonly mergeTouching?: boolean };

export function windowsFrom(spec: GridSpec): GridWindows;
export function windowsFrom<Event>(spec: WindowSpec): WindowKind<Event>;
export function windowsFrom<Event>(spec: WindowSpec): WindowKind<Event> {
  switch (spec.type) {
    case "tumbling":
      return tumbling(spec.size, spec.offset);
    case "sliding":
      return sliding(spec.size, spec.slide, spec.offset);
    case "global":
      return global();
    case "session":
      return session(spec.gap, { touching: spec.mergeTouching ?? true });
    default:
      throw new Error(`no windows of type ${(spec as { type: string }).type}`);
  }
}

/** `processingTime` is `eventTime` on the host's clock: which time it is, the host decides. */
export type TriggerSpec =
  | { readonly type: "eventTime" | "processingTime" | "atClose" }
  | { readonly type: "count"; readonly count: number }
  | { readonly type: "continuousEventTime" | "delay"; readonly interval: Millis }
  | { readonly firstOf: readonly TriggerSpec[] }
  | { readonly repeat: TriggerSpec; readonly orFinally?: TriggerSpec }
  | { readonly once: TriggerSpec };

export function triggerFrom(spec: TriggerSpec): triggers.Trigger {
  if ("once" in spec) return triggers.once(triggerFrom(spec.once));
  if ("firstOf" in spec) return triggers.anyOf(...spec.firstOf.map(triggerFrom));
  if ("repeat" in spec) {
    const repeated = triggerFrom(spec.repeat);
    const { orFinally } = spec;
    return orFinally === undefined
      ? repeated
      : triggers.orFinally(repeated, triggerFrom(orFinally));
  }
  switch (spec.type) {
    case "eventTime":
    case "processingTime":
      return triggers.atWatermark();
    case "atClose":
      return triggers.atClose();
    case "count":
      return triggers.everyCount(spec.count);
    case "continuousEventTime":
      return triggers.continuously(spec.interval);
    case "delay":
      return triggers.everyDelay(spec.interval);
    default:
      throw new Error(`no trigger of type ${(spec as { type: string }).type}`);
  }
}

const AGGREGATES: Readonly<Record<string, () => AnyAggregate>> = {
  count,
  sum,
  mean,
  min,
  max,
  last,
  list,
  distinct,
};

export function aggregateNamed(name: string): AnyAggregate {
  const make = Object.hasOwn(AGGREGATES, name) ? AGGREGATES[name] : undefined;
  if (make === undefined) throw new Error(`no aggregate ${name}`);
  return make();
}
