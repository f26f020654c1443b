import type { SimBroker, StoredMessage } from "./broker.ts";
import { PREFIX } from "./sim-engine.ts";

const RECORD = `${PREFIX}.in.privacy.erase.`;
const NOTE = `${PREFIX}.audit.erasure.`;

/** A record of `IN` that makes somebody forgotten. */
interface Erasure {
  readonly id: string;
  readonly seq: number;
  /** When it was stored: what is caused later is caused by others. */
  readonly time: number;
  /** Digits of the pseudonyms. */
  readonly names: readonly string[];
  /** The request's id, which the traffic gives: `leave-<who>`. */
  readonly who: string;
}

const streamOf = (name: string): string => `${PREFIX.toUpperCase()}_${name}`;

function everOn(broker: SimBroker, name: string): readonly StoredMessage[] {
  return broker.has(streamOf(name)) ? broker.stream(streamOf(name)).ever : [];
}
function nowOn(broker: SimBroker, name: string): readonly StoredMessage[] {
  if (!broker.has(streamOf(name))) return [];
  return broker.stream(streamOf(name)).messages.filter((message) => message !== undefined);
}

const latin1 = (data: Uint8Array): string => Buffer.from(data).toString("latin1");

function erasuresOf(broker: SimBroker): Erasure[] {
  return everOn(broker, "IN")
    .filter(({ subject }) => subject.startsWith(RECORD))
    .map(({ subject, data, seq, time }) => {
      const { person, names, request } = JSON.parse(latin1(data)) as {
        readonly person: string;
        readonly names?: readonly string[];
        readonly request: string;
      };
      const digits = [person, ...(names ?? [])].map((name) => name.slice("p_".length));
      const who = request.slice("leave-".length);
      return { id: subject.slice(RECORD.length), seq, time, names: digits, who };
    });
}

/** Whether somebody who asked is not taken out of the logs yet. */
export function stillErasing(broker: SimBroker): boolean {
  const noted = new Set(everOn(broker, "OUT").map(({ subject }) => subject));
  return erasuresOf(broker).some(({ id }) => !noted.has(`${NOTE}${id}`));
}

/** Whoever was erased is told nothing of from then on, and stands on no log any more. */
export function erasureFaults(broker: SimBroker): string[] {
  return erasuresOf(broker).flatMap((erasure) => [
    ...toldAfter(broker, erasure),
    ...leftOf(broker, erasure),
  ]);
}

/** The receipt, and the word to others to erase too, come of the record itself. */
const isReceipt = ({ subject }: StoredMessage): boolean =>
  /^(privacy|audit)\./.test(subject.slice(PREFIX.length + 1));

function toldAfter(broker: SimBroker, { time, names, who }: Erasure): string[] {
  const told = everOn(broker, "OUT").find((message) => {
    const { headers, data } = message;
    const caused = Math.max(
      Date.parse(headers?.get("ce-time") ?? ""),
      Number(headers?.get("freshet-stored") || 0),
    );
    return (
      caused > time && !isReceipt(message) && names.some((name) => latin1(data).includes(name))
    );
  });
  return told === undefined ? [] : [`told after ${who} was erased: ${latin1(told.data)}`];
}

function leftOf(broker: SimBroker, { seq, names, who }: Erasure): string[] {
  const isNamed = ({ data }: StoredMessage) => names.some((name) => latin1(data).includes(name));
  const raw = [`login of ${who}"`, `browser of ${who}"`];
  const isRaw = ({ data }: StoredMessage) => raw.some((name) => latin1(data).includes(name));
  // Whose data is not to come in again is remembered where events come in. The digits alone are a
  // pseudonym of an identifier, too, which may have come again.
  const isState = ({ subject, data }: StoredMessage) =>
    !subject.startsWith(`${PREFIX}.state.collect.`) &&
    names.some((name) => latin1(data).includes(`p_${name}`));
  // What is sent again of somebody who was erased stands on IN behind the record.
  const left = [
    ...nowOn(broker, "IN").filter((message) => message.seq < seq && isRaw(message)),
    ...nowOn(broker, "OUT").filter((message) => !isReceipt(message) && isNamed(message)),
    ...nowOn(broker, "DEMAND").filter(isNamed),
    ...nowOn(broker, "MOVES").filter(isNamed),
    ...nowOn(broker, "STATE").filter(isState),
  ];
  return left.slice(0, 1).map(({ subject, seq: at }) => `${who} is left on ${subject} at ${at}`);
}
