import { type BenchOptions, compare, type Report, ratio } from "./harness.ts";
import { jobOverNats } from "./job-nats.ts";
import { smallCounts } from "./small-counts.ts";
import {
  EVENTS_A_PERSON,
  nothingYet,
  openSmallJob,
  replaySmall,
  type SmallResult,
  smallEvents,
  smallMessage,
} from "./small-job.ts";
import { RxjsJob } from "./small-job-rxjs.ts";

const OURS = "Freshet, replay in memory";
const PEER = "RxJS, in memory";
const WANTED = 1.5;

/** The same small job by Freshet's three flows and by hand in RxJS, in memory and over a broker; all come to the same figures. */
export async function job({ short }: BenchOptions): Promise<Report> {
  const count = short ? 20_000 : 200_000;
  const people = count / EVENTS_A_PERSON;
  const events = smallEvents(count);
  const messages = events.map((event, i) => {
    const [subject, body] = smallMessage(event, i);
    return [subject, Buffer.from(body)] as const;
  });
  const rounds = short ? 1 : 3;
  let ofJob = nothingYet();
  const digest = (result: SmallResult): string => JSON.stringify(result);
  const comparison = await compare(
    {
      title: "A small job, in memory",
      what: `${count.toLocaleString("en")} events of ${people.toLocaleString("en")} people: sessions, counts over 5 min / 10 s, a segment, an absence`,
      unit: "events/s",
      rounds,
    },
    [
      {
        name: OURS,
        async run() {
          const open = await openSmallJob();
          const begun = performance.now();
          const result = await replaySmall(open.job, messages, events);
          return {
            seconds: (performance.now() - begun) / 1000,
            units: count,
            digest: digest(result),
          };
        },
      },
      {
        name: PEER,
        run() {
          let bytes = 0;
          const begun = performance.now();
          const rx = new RxjsJob((said) => {
            bytes += JSON.stringify(said).length;
          });
          for (const [, body] of messages) rx.next(body);
          rx.finish();
          const seconds = (performance.now() - begun) / 1000;
          if (bytes === 0) throw new Error("the peer said nothing");
          ofJob = rx.result;
          return { seconds, units: count, digest: digest(rx.result) };
        },
      },
    ],
  );
  const value = ratio(comparison, OURS, PEER);
  const counts = await smallCounts(events, ofJob, rounds);
  const overNats = await jobOverNats(short);
  return {
    comparisons: [comparison, counts.comparison, overNats.comparison],
    tables: counts.leftOut.length === 0 ? [] : [{ title: "Left out", rows: counts.leftOut }],
    figures: [
      {
        name: "Freshet / RxJS in memory",
        value,
        unit: "×",
        bound: { kind: "least", value: WANTED },
      },
      ...overNats.figures,
    ],
  };
}
