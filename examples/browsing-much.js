// Notices who looks at five items or more within five minutes; judged anew every ten seconds.

import { distinct } from "freshet/distinct";
import { stream as events } from "freshet/stream";
import { isoTime, minutes, seconds } from "freshet/time";
import { sliding } from "freshet/windows";

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
    subject: "own.browsing.much",
    data: { person, at: isoTime(end), items },
  }));
