import { fork } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { getHeapSpaceStatistics } from "node:v8";
import { afternoon, Crowd } from "./crowd.ts";
import { bytesInUse } from "./harness.ts";

/** A crowd in a process of its own, in which nothing else was ever done. */
export interface ResidentOrder {
  readonly people: number;
  readonly items: number;
  /** Events of the afternoon that it comes from. */
  readonly afternoon: number;
  /** Events that it does before it is measured. */
  readonly warmUp: number;
}

/** In bytes. */
export interface Resident {
  readonly aPerson: number;
  readonly anItem: number;
  /** Heap and external, after collection. */
  readonly inUse: number;
  /** What stays in memory then; what of it the young generation holds, and what the old one holds unused between objects. */
  readonly resident: number;
  readonly young: number;
  readonly unused: number;
  /** What the bench keeps for itself meanwhile: rows to copy, and events. */
  readonly ofBench: number;
}

const SETTLED_MS = 100;

export async function residentOf(order: ResidentOrder): Promise<Resident> {
  const from = await afternoon(order.afternoon);
  const crowd = await Crowd.open(from);
  const nobody = bytesInUse();
  crowd.letPeopleIn(order.people);
  const people = bytesInUse();
  crowd.letItemsIn(order.items);
  const all = bytesInUse();
  // The rows that come up are objects from then on.
  await crowd.endMinute();
  await crowd.rate(order.warmUp);
  const inUse = bytesInUse();
  await sleep(SETTLED_MS);
  const resident = process.memoryUsage().rss;
  return {
    aPerson: (people - nobody) / order.people,
    anItem: (all - people) / order.items,
    inUse,
    resident,
    ...heapBytes(),
    ofBench: from.bytes,
  };
}

function heapBytes(): Pick<Resident, "young" | "unused"> {
  let young = 0;
  let unused = 0;
  for (const space of getHeapSpaceStatistics()) {
    const { space_name, physical_space_size, space_used_size } = space;
    if (space_name.startsWith("new_")) young += physical_space_size;
    else unused += Math.max(0, physical_space_size - space_used_size);
  }
  return { young, unused };
}

/** The same by another process, with the flags of this one. */
export async function residentElsewhere(order: ResidentOrder): Promise<Resident> {
  const child = fork(process.argv[1] ?? "", ["resident"]);
  const ended = once(child, "exit").then(([code]) => {
    throw new Error(`the process that was measured ended with code ${code}`);
  });
  ended.catch(() => undefined);
  const answer = once(child, "message");
  child.send(order);
  const [resident] = await Promise.race([answer, ended]);
  child.disconnect();
  return resident as Resident;
}

/** The process that is measured: answers one order. */
export async function serveResident(): Promise<number> {
  const [order] = await once(process, "message");
  const resident = await residentOf(order as ResidentOrder);
  process.send?.(resident);
  if (process.connected) await once(process, "disconnect");
  return 0;
}
