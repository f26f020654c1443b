// Notices who looks at five items or more within five minutes; judged anew every ten seconds.
import { stream as events } from "../dist/src/stream/stream.js";
import { distinct } from "../dist/src/time/distinct.js";
import { isoTime, minutes, seconds } from "../dist/src/time/event-time.js";
import { sliding } from "../dist/src/time/window-kind.js";

const ENOUGH = 5;

export const stream = events("browsing-much")
  .from("events")
  .filter((event) => event.type === "product.viewed" && typeof event.props.sku === "string")
  .keyBy((event) => event.person)
  .window(sliding(minutes(5), seconds(10)))
  .allowedLateness(minutes(1))
  .aggregate(distinct(), (event) => event.props.sku)
  .select(({ end, value }, person) => (value < ENOUGH ? undefined : { person, end, items: value }))
  .publish(({ person, end, items }) => ({
    subject: "browsing.much",
    data: { person, at: isoTime(end), items },
  }));
