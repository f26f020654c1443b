import { openShipped } from "../test/support/job.ts";
import { type BenchOptions, type Figure, median, type Report } from "./harness.ts";
import {
  auc,
  chanceBy,
  halves,
  learnt,
  type PurchaseLoad,
  readMoments,
  reliability,
} from "./intent-purchase.ts";
import { confusion, judged, macroF1, readQueries } from "./intent-queries.ts";

/** How well the shop guesses what people are after, and whether they are about to buy. */
export async function intent({ short }: BenchOptions): Promise<Report> {
  const { config } = await openShipped();
  const lines = await judged(readQueries(), config);
  const scored = lines.filter(({ half }) => half === "score");
  const figures: Figure[] = [
    figure("macro-F1, half that is only scored", macroF1(scored), "", 0.8),
    figure("macro-F1, all 220 lines", macroF1(lines), "", 0.8),
    figure("macro-F1, colloquial", macroF1(lines.filter((l) => l.manner === "colloquial")), ""),
    figure("macro-F1, misleading", macroF1(lines.filter((l) => l.manner === "misleading")), ""),
  ];
  const tables = [{ title: "Queries and chat lines, all halves", rows: confusion(lines) }];
  const load = await readMoments(config, short ? 30_000 : Number.POSITIVE_INFINITY);
  if (load !== undefined) {
    figures.push(...ofPurchases(load));
    const { second } = halves(load);
    tables.push({
      title: "Cart or payment within 30 minutes: what was said, what came, in fifths",
      rows: reliability(second, ({ probability }) => probability).map(
        ({ said, came, count }) => `${percent(said)} said, ${percent(came)} came, of ${count}`,
      ),
    });
  }
  return { comparisons: [], figures, tables };
}

function ofPurchases(load: PurchaseLoad): Figure[] {
  const { first, second } = halves(load);
  const model = learnt(first);
  const count = either(auc(second, ({ events }) => events));
  const since = either(auc(second, ({ sinceLast }) => sinceLast));
  const shipped = auc(second, ({ probability }) => probability);
  const best = Math.max(count, since);
  return [
    figure("moments learnt from", first.length, ""),
    figure("moments scored", second.length, ""),
    figure("purchases among them", second.filter(({ bought }) => bought).length, ""),
    figure("AUC, count of events", count, ""),
    figure("AUC, time since the last event", since, ""),
    figure("AUC, learnt from the first half", auc(second, chanceBy(model)), "", best + 0.02),
    figure("AUC, as shipped", shipped, "", best + 0.02),
    ...model.map((weight, i) => figure(i === 0 ? "learnt bias" : `learnt weight ${i}`, weight, "")),
    {
      name: "intent state a person, median",
      value: median(load.bytes),
      unit: "bytes",
      bound: { kind: "most", value: 1024 },
    },
    figure("intent state a person, most", Math.max(...load.bytes), "bytes"),
  ];
}

/** A baseline is taken the way round that does it more credit. */
const either = (value: number): number => Math.max(value, 1 - value);
const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;

const figure = (name: string, value: number, unit: string, least?: number): Figure => ({
  name,
  value,
  unit,
  ...(least === undefined ? {} : { bound: { kind: "least", value: least } }),
});
