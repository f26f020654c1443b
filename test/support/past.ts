import { erasedBy } from "../../operators/erased-by.ts";
import { openScoring } from "../../src/cli/open-job.ts";
import { type Asked, type Explanation, explainPast } from "../../src/replay/explain.ts";
import { FORMATS, type OutputLine } from "../../src/replay/replay.ts";
import type { StoredLog, StoredMessage } from "../../src/replay/stored-message.ts";
import type { EventTime } from "../../src/time/event-time.ts";
import { replayJob, type Settings } from "./job.ts";

/** OUT as it stands when these were published. */
function storedOut(outputs: readonly OutputLine[]): StoredLog {
  const messages = outputs.map(
    ({ subject, id, time, data }, i): StoredMessage => ({
      subject,
      seq: i + 1,
      time: Date.parse(time) as EventTime,
      headers: { "ce-id": [id], "ce-time": [time] },
      data: Buffer.from(JSON.stringify(data)),
    }),
  );
  return {
    from: undefined,
    until: (messages.at(-1)?.time ?? 0) as EventTime,
    read: async function* () {
      yield* messages;
    },
    at: (seq) => Promise.resolve(messages[seq - 1]),
  };
}

export interface PastOptions {
  readonly at?: number;
  /** What was published; left out, nothing is compared. */
  readonly outputs?: readonly OutputLine[];
  readonly settings?: Settings;
  readonly most?: number;
}

/** What `freshet explain --from FILE` tells of the shipped configuration over these lines. */
export async function explainedOf(
  asked: Asked,
  lines: readonly object[],
  { at, outputs, settings, most = 50 }: PastOptions = {},
): Promise<Explanation> {
  const format = FORMATS["events"];
  if (format === undefined) throw new Error("there is no format of events");
  const scoring = openScoring(0);
  try {
    return await explainPast({
      asked,
      lines: async function* () {
        for (const line of lines) yield JSON.stringify(line);
      },
      format,
      loop: true,
      trusts: true,
      define: () => replayJob(settings),
      scoring,
      at: at as EventTime | undefined,
      most,
      out: outputs === undefined ? undefined : storedOut(outputs),
      erasedBy,
    });
  } finally {
    await scoring.close();
  }
}
