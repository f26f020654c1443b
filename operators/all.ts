import type { OperatorSpec } from "../src/flow/spec.ts";
import { breakerSpec } from "./demand/breaker.ts";
import { clustersSpec } from "./demand/clusters.ts";
import { covisitSpec } from "./demand/covisit.ts";
import { engagementKpiSpec } from "./demand/engagement-kpi.ts";
import { heatSpec } from "./demand/heat.ts";
import { leadersSpec } from "./demand/leaders.ts";
import { learningSpec } from "./demand/learning.ts";
import { popularitySpec } from "./demand/popularity.ts";
import { publisherSpec } from "./demand/publisher.ts";
import { restockSpec } from "./demand/restock.ts";
import { ruleKpiSpec } from "./demand/rule-kpi.ts";
import { segmentKpiSpec } from "./demand/segment-kpi.ts";
import { spendingSpec } from "./demand/spending.ts";
import { trendSpec } from "./demand/trend.ts";
import { engagementSpec } from "./shopper/engagement.ts";
import { feedbackSpec } from "./shopper/feedback.ts";
import { historySpec } from "./shopper/history.ts";
import { intentSpec } from "./shopper/intent.ts";
import { journalSpec } from "./shopper/journal.ts";
import { journeySpec } from "./shopper/journey.ts";
import { lifecycleSpec } from "./shopper/lifecycle.ts";
import { partialsSpec } from "./shopper/partials.ts";
import { personSpec } from "./shopper/person.ts";
import { preferenceSpec } from "./shopper/preference.ts";
import { rankStandingSpec } from "./shopper/rank-standing.ts";
import { recommendSpec } from "./shopper/recommend.ts";
import { ruleSpec } from "./shopper/rule.ts";
import { sceneSpec } from "./shopper/scene.ts";
import { segmentSpec } from "./shopper/segment.ts";
import { segmentGoalSpec } from "./shopper/segment-goal.ts";
import { sessionSpec } from "./shopper/session.ts";
import { spendingTierSpec } from "./shopper/spending-tier.ts";
import { tagsSpec } from "./shopper/tags.ts";

/** Every operator that `config/freshet.yaml` may name. */
export const specs: readonly OperatorSpec[] = [
  personSpec,
  sessionSpec,
  journalSpec,
  intentSpec,
  journeySpec,
  rankStandingSpec,
  lifecycleSpec,
  sceneSpec,
  tagsSpec,
  spendingTierSpec,
  preferenceSpec,
  segmentSpec,
  segmentGoalSpec,
  recommendSpec,
  ruleSpec,
  historySpec,
  feedbackSpec,
  partialsSpec,
  engagementSpec,
  heatSpec,
  trendSpec,
  popularitySpec,
  covisitSpec,
  learningSpec,
  breakerSpec,
  ruleKpiSpec,
  restockSpec,
  segmentKpiSpec,
  leadersSpec,
  spendingSpec,
  clustersSpec,
  engagementKpiSpec,
  publisherSpec,
];
