import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseDocument } from "yaml";
import { configWith, type TestConfig } from "../support/job.ts";

/** What the broker remembers of message ids: far less than any fault lasts. */
const DUPLICATE_WINDOW = "2s";

/** Beside the shipped ones: entered and left within moments, the first three by everybody. */
const SEGMENTS = [
  { id: "looking", when: count("product.viewed", "3s", 1) },
  { id: "present", when: count(["page.viewed", "searched", "mp.entered"], "4s", 1) },
  { id: "keen", when: count("product.viewed", "6s", 3) },
  {
    id: "cart_left",
    when: {
      all: [count("cart.added", "10s", 1), { none: { of: "order_paid", within: "10s" } }],
    },
  },
];

function count(event: string | readonly string[], within: string, least: number) {
  return { count: { of: { event }, within, at_least: least } };
}

/** The shipped job for people who live sixty times as fast. */
export function chaosConfig(): TestConfig {
  const config = configWith({
    "log.level": "debug",
    "time.disorder": "1s",
    "broker.duplicate_window": DUPLICATE_WINDOW,
    "operators.shopper.session.gap": "10s",
    "operators.shopper.intent.half_life": "10s",
    "operators.shopper.recommend.every": "4s",
    "operators.shopper.feedback": {
      ignored_after: "20s",
      unseen_after: "8s",
      attribution: "20s",
    },
    "operators.demand.trend": { short_window: "4s", long_window: "15s", warmup: "15s", hold: "5s" },
    "operators.demand.popularity": { interval: "2s" },
    "operators.demand.covisit": { interval: "2s" },
    "operators.demand.learning": { interval: "2s" },
    "operators.demand.restock": { check: "2s", window: "30s" },
  });
  for (const name of ["segments.yaml", "rules.yaml"]) {
    const path = join(config.folder, name);
    const document = parseDocument(inSeconds(readFileSync(path, "utf8")));
    if (name === "segments.yaml") for (const one of SEGMENTS) document.addIn(["segments"], one);
    writeFileSync(path, document.toString());
  }
  return config;
}

/** A day, an hour and a minute of the shipped definitions are a second each. */
const inSeconds = (yaml: string): string => yaml.replaceAll(/(?<=: )(\d+)[dhm]\b/g, "$1s");

/**
 * The broker gives up a client that does not answer, long before any zombie wakes: what a process
 * that was asleep had still to send dies with its connection.
 */
export const BROKER_CONFIG = 'ping_interval: "1s"\nping_max: 2';
