import { expect, test } from "vitest";
import { DAY, HOUR, happens, MIN, saidOf } from "./said.ts";

/** Both are at the same acts: the scene alone tells them apart. */
const RULES = `version: 1
let:
  comes: {event: [article.opened, mp.entered]}
rules:
  - id: short_read
    when: {all: [{of: comes}, {scene: commute_oa}]}
    then: {recommend: {kind: info, offer: clip, channel: mp, value: a minute}}
  - id: long_read
    when: {all: [{of: comes}, {scene: weekend_leisure_mp}]}
    then: {recommend: {kind: info, offer: story, channel: mp, value: an evening}}
contact: {}
`;

test("D16: one person in two scenes gets two different recommendations, in none of them neither", async () => {
  const read = { content_id: "c1" };
  const said = await saidOf(
    [
      // Monday noon: no scene.
      happens(0, "article.opened", read, { touchpoint: "gzh" }),
      // Monday 18:00 in the official account, then in the mini-program: the way home, and no scene.
      happens(6 * HOUR, "article.opened", read, { touchpoint: "gzh" }),
      happens(6 * HOUR + MIN, "mp.entered", {}, { touchpoint: "mp" }),
      // Saturday 14:00.
      happens(5 * DAY + 2 * HOUR, "mp.entered", {}, { touchpoint: "mp" }),
    ],
    6 * DAY,
    /^recommendation\./,
    { files: { "rules.yaml": RULES } },
  );
  const ofRules = said.filter(({ data }) => data["rule"] !== null);
  expect(ofRules.map(({ data, at }) => [data["rule"], at])).toEqual([
    ["short_read", 6 * HOUR],
    ["long_read", 5 * DAY + 2 * HOUR],
  ]);
});
