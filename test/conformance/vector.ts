import type { Contiguity, Skip } from "freshet/pattern-spec";
import type { EventTime, Millis } from "freshet/time";
import type { GridSpec, TriggerSpec, WindowSpec } from "freshet/window-specs";

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
export interface Window {
  readonly start: EventTime;
  readonly end: EventTime;
}

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

export type CepEvent = {
  readonly ref: string;
  readonly ts: number;
  readonly [field: string]: unknown;
};
export type CepTest = { readonly field?: string; readonly op: string; readonly value?: unknown };
export const CEP_FLAGS = ["optional", "greedy", "consecutive", "allowCombinations"] as const;
export type CepStage = { readonly [Flag in (typeof CEP_FLAGS)[number]]?: boolean } & {
  readonly name: string;
  readonly contiguity: Contiguity;
  readonly where?: readonly CepTest[];
  readonly subtype?: "hasVolume";
  readonly times?: { readonly min: number; readonly max: number | null };
  readonly until?: CepTest;
};
export interface CepPattern {
  readonly stages: readonly CepStage[];
  readonly withinMs?: number;
  readonly withinType?: "firstAndLast" | "previousAndCurrent";
  readonly afterMatchSkip?: Partial<Skip>;
}

/** A case of `operator: "cep"`. */
export interface CepVector {
  readonly id: string;
  readonly operator: string;
  readonly config: { readonly pattern: CepPattern; readonly timeDomain?: string };
  readonly steps: readonly {
    readonly event?: CepEvent;
    readonly watermark?: number;
    readonly snapshotRestore?: true;
  }[];
  readonly expectedMatches?: readonly (readonly string[])[];
  readonly expectedMatchCount?: number;
  readonly expectedTimeouts?: readonly { readonly timeoutTs: number; readonly partial: object }[];
  readonly lateOutputs?: readonly unknown[];
}
