import type { OperatorSpec } from "../src/flow/spec.ts";
import { heatSpec } from "./demand/heat.ts";
import { trendSpec } from "./demand/trend.ts";
import { intentSpec } from "./shopper/intent.ts";
import { partialsSpec } from "./shopper/partials.ts";
import { segmentSpec } from "./shopper/segment.ts";
import { sessionSpec } from "./shopper/session.ts";

/** Every operator that `config/freshet.yaml` may name. */
export const specs: readonly OperatorSpec[] = [
  sessionSpec,
  intentSpec,
  segmentSpec,
  partialsSpec,
  heatSpec,
  trendSpec,
];
