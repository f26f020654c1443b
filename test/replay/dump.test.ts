import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import { isFault } from "../../src/faults.ts";
import { DumpFile, dumpLine, endLine, headLine, messageLine } from "../../src/replay/dump.ts";
import { headerOf, type StoredMessage } from "../../src/replay/stored-message.ts";
import type { EventTime } from "../../src/time/event-time.ts";

const folder = mkdtempSync(join(tmpdir(), "freshet-dump-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const TAKEN = Date.parse("2026-09-12T13:00:00Z") as EventTime;
const head = headLine({ log: "IN", from: undefined, until: TAKEN });

const anyMessage: fc.Arbitrary<Omit<StoredMessage, "seq">> = fc.record({
  subject: fc.stringMatching(/^in\.[a-z0-9.]{1,20}$/),
  time: fc.integer({ min: 0, max: TAKEN }).map((ms) => ms as EventTime),
  headers: fc
    .array(fc.tuple(fc.string(), fc.array(fc.string(), { minLength: 1, maxLength: 3 })))
    .map((pairs) => Object.fromEntries(pairs)),
  data: fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    fc.string({ unit: "binary", maxLength: 30 }).map((text) => new TextEncoder().encode(text)),
  ),
});

/** Sequences rise, with holes where messages were removed. */
const anyLog = fc
  .array(fc.tuple(anyMessage, fc.integer({ min: 1, max: 3 })), { maxLength: 8 })
  .map((steps) => {
    let seq = 0;
    return steps.map(([message, step]): StoredMessage => {
      seq += step;
      return { ...message, seq };
    });
  });

const linesOf = (log: readonly StoredMessage[]): string[] => [
  head,
  ...log.map(messageLine),
  endLine(log.at(-1)?.seq ?? 0, log.length),
];

async function readBack(path: string): Promise<StoredMessage[]> {
  const read: StoredMessage[] = [];
  for await (const message of (await DumpFile.open(path, "IN")).read()) read.push(message);
  return read;
}

const plain = ({ data, headers, ...rest }: StoredMessage) => ({
  ...rest,
  headers: Object.entries(headers),
  data: Buffer.from(data).toString("hex"),
});

test("a dump gives back every byte, time, header and sequence", async () => {
  await fc.assert(
    fc.asyncProperty(anyLog, fc.boolean(), async (log, zipped) => {
      const path = join(folder, zipped ? "any.dump.gz" : "any.dump");
      const text = `${linesOf(log).join("\n")}\n`;
      writeFileSync(path, zipped ? gzipSync(text) : text);
      expect((await readBack(path)).map(plain)).toEqual(log.map(plain));
      const last = log.at(-1);
      if (last === undefined) return;
      const dump = await DumpFile.open(path, "IN");
      expect(await dump.at(last.seq + 1)).toBeUndefined();
      expect(plain((await dump.at(last.seq)) as StoredMessage)).toEqual(plain(last));
    }),
    { numRuns: 60 },
  );
});

test("a replay takes from a line what collect would have got from the broker", () => {
  fc.assert(
    fc.property(anyMessage, fc.boolean(), (message, learned) => {
      const group = learned ? { "freshet-group": ["demand-0"] } : {};
      const stored = { ...message, headers: { ...message.headers, ...group }, seq: 7 };
      expect(dumpLine(messageLine(stored), 2)).toEqual({
        subject: stored.subject,
        body: Buffer.from(stored.data),
        time: stored.time,
        ids: undefined,
        stored: {
          seq: 7,
          contentType: headerOf(stored, "Content-Type"),
          msgId: headerOf(stored, "Nats-Msg-Id"),
          learned,
        },
      });
    }),
  );
  for (const line of [head, endLine(3, 2), ""]) expect(dumpLine(line, 1)).toBeUndefined();
  for (const line of ["nonsense", "7", "null", "{}", '{"seq":1,"subject":"in.tick"}'])
    expect(dumpLine(line, 1)).toHaveProperty("bad");
});

test("a dump that was cut off, wherever, or has lost, doubled or moved a line, is refused", async () => {
  const message = (seq: number): StoredMessage => ({
    subject: "in.tick",
    seq,
    time: TAKEN,
    headers: {},
    data: Buffer.from(`{"n":${seq}}`),
  });
  const whole = linesOf([message(1), message(2), message(5)]);
  const text = whole.join("\n");
  const broken = whole.map((_, i) => whole.filter((_line, place) => place !== i).join("\n"));
  for (let end = 0; end < text.length; end += 1) broken.push(text.slice(0, end));
  const [begin, first, second, third, end] = whole;
  broken.push([begin, second, first, third, end].join("\n"));
  broken.push([begin, first, first, third, end].join("\n"));
  const path = join(folder, "broken.dump");
  writeFileSync(path, text);
  expect(await readBack(path)).toHaveLength(3);
  for (const part of broken) {
    writeFileSync(path, part);
    const failure = await readBack(path).catch((error: unknown) => error);
    expect(isFault(failure, "DUMP_INVALID"), part).toBe(true);
  }
  const zipped = join(folder, "broken.dump.gz");
  writeFileSync(zipped, gzipSync(text).subarray(0, -12));
  const failure = await readBack(zipped).catch((error: unknown) => error);
  expect(isFault(failure, "FILE_UNREADABLE")).toBe(true);
});

test("a dump of OUT is no dump of IN", async () => {
  const path = join(folder, "out.dump");
  writeFileSync(path, `${headLine({ log: "OUT", from: TAKEN, until: TAKEN })}\n${endLine(0, 0)}\n`);
  const failure = await DumpFile.open(path, "IN").catch((error: unknown) => error);
  expect(isFault(failure, "DUMP_INVALID")).toBe(true);
  expect((await DumpFile.open(path, "OUT")).from).toBe(TAKEN);
});
