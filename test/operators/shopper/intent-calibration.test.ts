import { expect, test } from "vitest";
import { happens, intentTask } from "../../../bench/intent-queries.ts";
import { probabilitiesOf } from "../../../operators/shopper/evidence-filter.ts";
import type { IntentState } from "../../../operators/shopper/intent.ts";
import type { IntentFile } from "../../../src/config/intents.ts";
import { type EventTime, hours } from "../../../src/time/event-time.ts";
import { openShipped } from "../../support/job.ts";
import { at, type Behaviour, behaviours, openShop } from "../simulated-shop/support.ts";

const { config } = await openShipped();

/** How often what was given a probability was so, in tenths. */
interface Tenth {
  count: number;
  said: number;
  was: number;
}

const eventOf = (behaviour: Behaviour, person: string, n: number) => ({
  id: `${n}`.padStart(32, "0"),
  type: behaviour.type,
  at: behaviour.ts as EventTime,
  recv: behaviour.ts as EventTime,
  person,
  touchpoint: behaviour.touchpoint,
  session: undefined,
  props: behaviour.props as never,
  clientId: behaviour.id,
});

/** Every probability that a session carries after every event of an hour, beside what was so. */
async function reliability(intents: IntentFile): Promise<Tenth[]> {
  // No seed that anything was shaped by.
  const shop = openShop({ seed: 20_261_127, people: 2500 });
  const task = intentTask({ intents, lexicon: config.lexicon });
  const tenths = Array.from({ length: 10 }, (): Tenth => ({ count: 0, said: 0, was: 0 }));
  for (const [n, behaviour] of behaviours(shop.advance(at(hours(1.5)))).entries()) {
    const truth = shop.truth(behaviour.id);
    if (truth === undefined) continue;
    const person = `p_${truth.person.toString(16).padStart(16, "0")}`;
    await happens(task, eventOf(behaviour, person, n), n);
    const state = task.stateOf("intent", person) as IntentState | undefined;
    if (state === undefined || state.session === "") continue;
    for (const [i, probability] of probabilitiesOf(state.evidence, intents).entries()) {
      const tenth = tenths[Math.min(9, Math.floor(probability * 10))];
      if (tenth === undefined) continue;
      tenth.count += 1;
      tenth.said += probability;
      tenth.was += Number(truth.intent === intents.names[i]);
    }
  }
  return tenths;
}

/** The mean distance between what was said and what was so. */
function error(tenths: readonly Tenth[]): number {
  const total = tenths.reduce((sum, { count }) => sum + count, 0);
  return tenths.reduce((sum, { said, was }) => sum + Math.abs(said - was), 0) / total;
}

test("a probability is how often it is so, by what the people of a made-up shop are after", async () => {
  const tenths = await reliability(config.intents);
  expect(tenths.reduce((sum, { count }) => sum + count, 0)).toBeGreaterThan(40_000);
  for (const { count, said, was } of tenths) {
    if (count >= 300) expect(Math.abs(said - was) / count).toBeLessThan(0.13);
  }
  expect(error(tenths)).toBeLessThan(0.03);
});

test("probabilities twice as careful, or twice as bold, would not be", async () => {
  expect(error(await reliability({ ...config.intents, temperature: 2 }))).toBeGreaterThan(0.04);
  expect(error(await reliability({ ...config.intents, temperature: 0.4 }))).toBeGreaterThan(0.04);
});
