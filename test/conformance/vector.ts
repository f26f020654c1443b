import type { EventTime, Millis } from "../../src/time/event-time.ts";
import type { GridSpec, TriggerSpec, WindowSpec } from "../../src/time/window-spec.ts";

export type Fields = Readonly<Record<string, unknown>>;
export type Side = "left" | "right";

export interface Element extends Fields {
  readonly key: string;
  readonly ts: EventTime;
  readonly value: unknown;
  readonly side: Side;
}

/** A step; each operator reads the fields of its own schema. */
export interface Step {
  readonly element?: Element;
  readonly watermark?: EventTime;
  readonly input?: Side | number;
  readonly processingTime?: EventTime;
  readonly snapshotRestore?: true;
  readonly update?: Element;
  readonly eventTs?: EventTime;
  readonly wallMs?: number;
  readonly late?: boolean;
  readonly split?: string;
  readonly registerSplit?: string;
  readonly unregisterSplit?: string;
  readonly status?: "idle" | "active";
  readonly emits?: readonly Fields[];
  readonly combinedWatermark?: EventTime | null;
  readonly advanceClockMs?: number;
  readonly activity?: true;
  readonly check?: true;
  readonly idle?: boolean;
}

interface SpecialWindow {
  readonly type: "sessionDynamic" | "recordSliding";
  readonly gap?: Millis;
  readonly pointValue?: unknown;
  readonly gapRules?: readonly { key?: string; value?: unknown; gap: Millis }[];
  readonly timeDifference?: Millis;
}

export interface Config {
  readonly type?: string;
  readonly kind?: "interval" | "inner" | "left" | "outer";
  readonly timeDomain?: string;
  readonly window?: (GridSpec | WindowSpec | SpecialWindow) & Omit<SpecialWindow, "type">;
  readonly trigger?: TriggerSpec & { readonly purge?: boolean };
  readonly accumulation?: "accumulating" | "discarding";
  readonly finalPane?: "always" | "ifNonEmpty";
  readonly allowedLateness?: Millis;
  readonly aggregate?: string;
  readonly grace?: Millis;
  readonly emit?: "onUpdate" | "onUpdateRetract" | "onClose" | "state";
  readonly mergeTouching?: boolean;
  readonly lower?: Millis;
  readonly upper?: Millis;
  readonly lowerInclusive?: boolean;
  readonly upperInclusive?: boolean;
  readonly before?: Millis;
  readonly after?: Millis;
  readonly maxRecords?: number;
  readonly emitEarlyWhenFull?: boolean;
  readonly untilTimeLimitMs?: Millis;
  readonly maxOutOfOrderness?: Millis;
  readonly inputs?: number;
  readonly timeoutMs?: Millis;
}

export type Pair = readonly [start: EventTime, end: EventTime];

/** Outputs of one step; which list it holds depends on the expectation. */
export interface Listed {
  readonly afterStep?: number;
  readonly byStep?: number;
  readonly outputs?: readonly Fields[];
  readonly elements?: readonly Fields[];
  readonly [field: string]: unknown;
}

/** A transcribed case, as `vectors/README.md` describes it. */
export interface Vector {
  readonly id: string;
  readonly operator: string;
  readonly config: Config;
  readonly steps: readonly Step[];
  readonly cases: readonly { ts: EventTime; windows: readonly Pair[] }[];
  readonly inputTs: readonly EventTime[];
  readonly windowsIn: readonly Pair[];
  readonly addSequence: readonly { add: Pair; resultWindow: Pair; merged: boolean }[];
  readonly checkOnly?: string;
  readonly orderWithinStep?: string;
  readonly expected?: readonly Listed[];
  readonly lateOutputs?: readonly Listed[];
  readonly expectedAll?: readonly Fields[];
  readonly finalState?: readonly Fields[];
  readonly expectedDropCounter?: readonly Listed[];
  readonly expectedState?: readonly Listed[];
  readonly expectedWatermark?: number | "MIN";
  readonly expectedContents?: readonly Fields[];
  readonly expectedMerges?: readonly { from: readonly Pair[]; to: Pair }[];
}
