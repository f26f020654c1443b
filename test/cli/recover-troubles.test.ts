import { describe, expect, test } from "vitest";
import type {
  CheckpointState,
  GroupState,
  LogState,
  Survey,
} from "../../src/cli/recover/survey.ts";
import { type Trouble, troublesOf } from "../../src/cli/recover/troubles.ts";

const HERE = { version: "v", layout: "2+1" };

const log = (stream: string, firstSeq: number, lastSeq: number): LogState => ({
  stream,
  firstSeq,
  lastSeq,
  messages: lastSeq - firstSeq + 1,
  firstTime: firstSeq * 1000,
  lastTime: lastSeq * 1000,
});

/** Ends at `seq`, whose record was stored at `seq` seconds. */
const checkpoint = (
  seq: number,
  { over, ...state }: Partial<CheckpointState> & { over?: object } = {},
): CheckpointState => ({
  marker: {
    group: "g",
    cut: seq,
    seq,
    time: seq * 1000,
    ...HERE,
    clean: false,
    owner: "o",
    operators: [],
    tails: [],
    acknowledged: [],
    pieces: [],
    ...over,
  },
  bytes: 0,
  torn: undefined,
  recordTime: seq * 1000,
  ...state,
});

const group = (name: string, of: GroupState["log"], ...checkpoints: CheckpointState[]) => ({
  name,
  log: of,
  checkpoints,
});

interface Scene {
  readonly lost?: Survey["lost"];
  readonly logs?: Partial<Survey["logs"]>;
  readonly collect?: readonly CheckpointState[];
  readonly shopper?: readonly CheckpointState[];
}

/** An engine that stopped at 90 of logs that hold 1 to 100, but for what is said. */
function look({ logs, collect, shopper, lost = [] }: Scene): readonly Trouble[] {
  const survey: Survey = {
    logs: {
      in: log("IN", 1, 100),
      events: log("EVENTS", 1, 100),
      demand: log("DEMAND", 1, 100),
      out: log("OUT", 1, 100),
      ...logs,
    },
    groups: [
      group("collect-0", "in", ...(collect ?? [checkpoint(90)])),
      group("shopper-0", "events", ...(shopper ?? [checkpoint(90)])),
      group("shopper-1", "events", checkpoint(95)),
      group("demand-0", "demand", checkpoint(90)),
    ],
    lost,
  };
  return troublesOf(survey, HERE);
}

describe("what stops an engine is told, with what can be chosen", () => {
  const torn = { torn: "piece 3 is not what was written" };
  test.each<[string, Scene, RegExp, readonly string[]]>([
    [
      "IN begins behind the checkpoint",
      { logs: { in: log("IN", 94, 100) } },
      /IN begins at 94, but collect-0 must go on from 91: 3 records are gone/,
      ["accept-gap", "rebuild"],
    ],
    [
      "IN has lost its beginning and there is no checkpoint",
      { logs: { in: log("IN", 94, 100) }, collect: [] },
      /must go on from 1: 93 records are gone/,
      ["rebuild"],
    ],
    [
      "the only whole checkpoint is too old for IN",
      { logs: { in: log("IN", 50, 100) }, collect: [checkpoint(90, torn), checkpoint(40)] },
      /must go on from 41: 9 records are gone/,
      ["accept-gap", "rebuild"],
    ],
    [
      "a log between flows begins behind one group's checkpoint",
      { logs: { events: log("EVENTS", 93, 100) } },
      /EVENTS begins at 93, but shopper-0 must go on from 91/,
      ["rebuild"],
    ],
    [
      "the end of IN is lost",
      { logs: { in: log("IN", 1, 80) } },
      /IN ends at 80, but collect-0 had read up to 90: the broker lost 10 records/,
      ["rebuild"],
    ],
    [
      "the end of EVENTS is lost, before what the furthest group has read",
      { logs: { events: log("EVENTS", 1, 92) } },
      /EVENTS ends at 92, but shopper-1 had read up to 95: the broker lost 3 records/,
      ["rebuild"],
    ],
    [
      "the end of IN is lost, told by its records and by what was acknowledged",
      { logs: { in: log("IN", 1, 80) }, lost: [{ log: "in", why: "IN ends at 80" }] },
      /IN ends at 80, but collect-0 had read up to 90/,
      ["rebuild"],
    ],
    [
      "the end of IN is lost behind what was read",
      { lost: [{ log: "in", why: "stream IN ends at 100, but 120 had been acknowledged" }] },
      /lost what it had acknowledged: stream IN ends at 100, but 120 had been acknowledged/,
      ["rebuild"],
    ],
    [
      "outputs are gone",
      { lost: [{ log: "out", why: "stream OUT ends at 100, but 120 had been acknowledged" }] },
      /lost what it had acknowledged: stream OUT ends at 100/,
      ["accept-loss", "rebuild"],
    ],
    [
      "IN was filled again",
      { collect: [checkpoint(90, { recordTime: 90_500 })] },
      /IN holds other records than those that collect-0 had read/,
      ["rebuild"],
    ],
    [
      "a log is not there",
      { logs: { demand: undefined } },
      /The log DEMAND is not there/,
      ["rebuild"],
    ],
    [
      "there were other key groups",
      { collect: [checkpoint(90, { over: { layout: "16+4" } })] },
      /are of 16\+4 key groups, the configuration has 2\+1/,
      ["rebuild"],
    ],
    [
      "another build stopped in the middle",
      { shopper: [checkpoint(90, { over: { version: "older" } })] },
      /shopper-0 stopped in the middle of the log under another build/,
      ["accept-build", "rebuild"],
    ],
  ])("%s", (_why, scene, what, choices) => {
    const [worst, ...more] = look(scene);
    expect(worst).toMatchObject({ what: expect.stringMatching(what), choices, stops: true });
    expect(more.filter(({ stops }) => stops)).toEqual([]);
  });
});

describe("what an engine copes with stops nothing", () => {
  const torn = { torn: "1 of 2 pieces are missing" };
  test.each<[string, Scene, RegExp | undefined]>([
    ["all is well", {}, undefined],
    ["IN has aged up to the checkpoint", { logs: { in: log("IN", 91, 100) } }, undefined],
    ["nothing was ever read", { collect: [], shopper: [] }, undefined],
    [
      "another build stopped cleanly",
      { collect: [checkpoint(90, { over: { version: "older", clean: true } })] },
      undefined,
    ],
    [
      "the record read last was removed",
      { collect: [checkpoint(90, { recordTime: undefined })] },
      undefined,
    ],
    [
      "a torn checkpoint with one before it",
      { collect: [checkpoint(90, torn), checkpoint(70)] },
      /collect-0 at 90 is torn \(1 of 2 pieces are missing\); a start takes the one at 70/,
    ],
    [
      "a torn checkpoint alone: the log is read from its beginning",
      { collect: [checkpoint(90, torn)] },
      /there is none before it/,
    ],
    [
      "OUT no longer holds what is made again",
      { logs: { out: log("OUT", 60, 100) } },
      /may be published a second time/,
    ],
  ])("%s", (_why, scene, what) => {
    const troubles = look(scene);
    expect(troubles.filter(({ stops }) => stops)).toEqual([]);
    expect(troubles.map((trouble) => trouble.what)).toEqual(
      what === undefined ? [] : [expect.stringMatching(what)],
    );
  });
});
