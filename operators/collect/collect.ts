import { hash128 } from "../../src/codec/hash.ts";
import { decodeBody, type Refusal, refusal, WIRE_LIMITS } from "../../src/codec/wire.ts";
import { CONFIG_SUBJECT } from "../../src/config/generation-record.ts";
import { withFields } from "../../src/flow/with-fields.ts";
import { type Part, smallPart } from "../../src/state/part.ts";
import { type EventTime, MIN_TIME } from "../../src/time/event-time.ts";
import {
  type Behaviour,
  BehaviourReader,
  feedbackEvent,
  personOfRecId,
  privacyEvent,
} from "./behaviour.ts";
import { clockCorrected } from "./clock.ts";
import { Configuration, type ConfigurationStand } from "./configuration.ts";
import type { CollectInput, CollectSink, KnownId } from "./contract.ts";
import { type CollectCounts, countReason, emptyCounts } from "./counts.ts";
import { Coverage } from "./coverage.ts";
import { deadLetter, lateMessage } from "./dead-letter.ts";
import { eventId } from "./event-id.ts";
import { readFact, readKnowledge } from "./facts.ts";
import { type Ids, readIds } from "./identifiers.ts";
import { Identity } from "./identity.ts";
import { identityConflict, identityMerged } from "./identity-news.ts";
import { KeyRing } from "./key-ring.ts";
import { knownWords, maskedBytes, maskedValue } from "./mask.ts";
import { COLLECT_DEFAULTS, type CollectOptions } from "./options.ts";
import { isRecord } from "./plain.ts";
import { type Erasure, Rights, readErasure } from "./rights.ts";
import { Seen } from "./seen.ts";
import { readTime } from "./timestamp.ts";

/** Begins the subject of what makes a person forgotten, everywhere. */
export const ERASE = "in.privacy.erase.";
const DELETE = "privacy.request.delete";
/** Identifiers of one person that are erased at once. */
const MAX_ERASED = 4096;
/** The canonical event of a body that leaves out what its subject says. */
type Canonical = (body: unknown) => unknown;

/** Kind of facts that are figures of others. */
const FIGURES = "aggregate";
const MAX_SHARDS = 4096;
const MAX_MESSAGES = 131_072;
/** 2100-01-01: time that is believed may not run away by a slip of the pen. */
const BELIEVABLE = 4_102_444_800_000;

const INTERNAL = refusal("internal", "Report this event to the maintainers: reading it failed.");
const UNSUPPORTED = refusal("unsupported", "Publish to a subject that this version takes in.");
const FACT_TOO_LARGE = refusal("too_large", "Send smaller facts; put large contents elsewhere.");
const NO_KEY = refusal("shape", "Name a key as the engine does when it starts.", "key");
const UNBELIEVABLE = refusal("time", "Send a time before the year 2100.", "ts");

/** Broker time, the last second told, and the versions of knowledge in force. */
type Clockwork = [
  broker: EventTime,
  second: EventTime,
  knowledge: [shard: string, version: number][],
  keyId: string,
];

/**
 * The first flow: reads what enters, refuses what is not sound, and hands on events of persons,
 * facts and seconds, in the order of the log. What it does depends on the log and its own state.
 */
export class Collect {
  readonly counts: CollectCounts = emptyCounts();
  readonly #options: Required<Omit<CollectOptions, "words" | "previousKey" | "configuration">>;
  readonly #reader: BehaviourReader;
  readonly #words: ReadonlySet<string>;
  /** Event ids by source. */
  readonly #seen: Seen;
  /** Ids of messages with facts. */
  readonly #messages: Seen;
  readonly #identity: Identity;
  readonly #keys: KeyRing;
  readonly #rights: Rights;
  readonly #coverage: Coverage;
  readonly #configuration: Configuration | undefined;
  /** Version in force by kind and shard. */
  #knowledge = new Map<string, number>();
  #broker: EventTime = MIN_TIME;
  #second: EventTime = MIN_TIME;

  constructor(options: CollectOptions) {
    this.#options = { ...COLLECT_DEFAULTS, ...options };
    this.#keys = new KeyRing(options.key, options.previousKey);
    this.#reader = new BehaviourReader({ ...this.#options, hashing: () => this.#keys.hashing });
    this.#words = knownWords(options.words);
    this.#seen = new Seen(this.#options.dedupeWindow, this.#options.dedupeEntries);
    this.#messages = new Seen(this.#options.dedupeWindow, MAX_MESSAGES);
    this.#identity = new Identity(this.#options.identities, this.#options.kindLimits, this.counts);
    const { rights, consent } = this.#options;
    this.#rights = new Rights(rights, consent === "granted", this.counts);
    this.#coverage = new Coverage(this.#options);
    const { configuration } = options;
    this.#configuration =
      configuration === undefined ? undefined : new Configuration(configuration);
  }

  /** Handles one record. Throws nothing of its own, whatever the record holds. */
  handle(input: CollectInput, sink: CollectSink): void {
    if (!this.#options.trustRecv) this.#advance(input.time, sink);
    const { subject } = input;
    if (subject.startsWith("in.event.")) {
      this.#events(input, undefined, sink);
    } else if (subject.startsWith("in.feedback.")) {
      const kind = subject.slice("in.feedback.".length);
      this.#events(input, (body) => feedbackEvent(kind, body), sink);
    } else if (subject === "in.id.link" || subject === "in.id.unlink") {
      const type = subject.slice("in.".length);
      this.#events(input, (body) => (isRecord(body) ? withFields(body, { type }) : body), sink);
    } else if (subject.startsWith(ERASE)) {
      this.#erase(input, sink);
    } else if (subject.startsWith("in.privacy.")) {
      const what = subject.slice("in.privacy.".length);
      this.#events(input, (body) => privacyEvent(what, body), sink);
    } else if (subject === "in.tick") {
      this.#tick(input, sink);
    } else if (subject.startsWith("in.fact.")) {
      this.#facts(input, sink);
    } else if (subject.startsWith("in.knowledge.")) {
      this.#learned(input, sink);
    } else if (subject === "in.key") {
      this.#rotate(input, sink);
    } else if (subject === CONFIG_SUBJECT && this.#configuration !== undefined) {
      this.#configure(this.#configuration, input, sink);
    } else {
      this.counts.in += 1;
      this.#refuse(input, 0, UNSUPPORTED, undefined, sink);
    }
  }

  /** Broker time has come to `time` without a record; configuration due by `watermark` comes into force on the way. */
  pass(time: EventTime, watermark: EventTime, sink: CollectSink): void {
    const due = this.#configuration?.stand.waits?.at;
    if (due !== undefined && due <= watermark) this.#advance(due, sink);
    this.#cover(time, sink);
  }
  #cover(time: EventTime, sink: CollectSink): void {
    this.#coverage.pass(time, (message, cause) => sink.publish(message, cause));
  }

  /** The person of identifiers as a request names them, if collect has met one. Changes nothing. */
  resolve(ids: unknown): string | undefined {
    const read = readIds(ids, this.#keys.hashing);
    return typeof read === "string" ? undefined : this.#identity.find(read);
  }

  /** Who a record of `ERASE` makes forgotten; undefined when it is none. */
  readErasure(data: Uint8Array): Erasure | undefined {
    const body = decodeBody(data, "application/json", this.#options.limits);
    const erasure = body.ok ? readErasure(body.values[0]) : body;
    return erasure.ok ? erasure : undefined;
  }

  /** The names of who a record of `IN` makes forgotten; none where it does not. */
  erasedNames({ subject, data }: Pick<CollectInput, "subject" | "data">): readonly string[] {
    const erasure = subject.startsWith(ERASE) ? this.readErasure(data) : undefined;
    return erasure === undefined ? [] : [erasure.person, ...erasure.names];
  }

  /** Whether a stored message carries an identifier, or a recommendation, of any of these people. */
  concerns(message: Pick<CollectInput, "data">, whom: ReadonlySet<string>): boolean {
    const body = decodeBody(message.data, undefined, this.#options.limits);
    if (!body.ok) return false;
    return body.values.some((value) => {
      if (!isRecord(value)) return false;
      const ids = readIds(value["ids"], this.#keys.hashing);
      const isTheirs = (hash: string) => whom.has(hash);
      if (typeof ids !== "string" && [...ids.hashes, ...ids.before].some(isTheirs)) return true;
      const person = personOfRecId(value["rec_id"] ?? recIdIn(value["props"]));
      return person !== undefined && whom.has(person);
    });
  }

  /** The last generation of configuration that was accepted, and when it comes into force where it waits. */
  get configuration(): ConfigurationStand | undefined {
    return this.#configuration?.stand;
  }

  /** Identifiers and event ids remembered, for the metrics. */
  get sizes(): { readonly identifiers: number; readonly seen: number } {
    return { identifiers: this.#identity.size, seen: this.#seen.size };
  }

  /** What it remembers, its counts aside. From the first call on changes are followed. */
  parts(): readonly Part[] {
    return [
      this.#seen.part("seen"),
      this.#messages.part("messages"),
      this.#identity.part("identity"),
      this.#rights.part("rights"),
      this.#coverage.part(),
      ...(this.#configuration === undefined ? [] : [this.#configuration.part()]),
      smallPart(
        "collect",
        () =>
          [
            this.#broker,
            this.#second,
            [...this.#knowledge],
            this.#keys.inForce,
          ] satisfies Clockwork,
        (data) => {
          const [broker, second, knowledge, keyId] = data as Clockwork;
          this.#keys.use(keyId);
          this.#broker = broker;
          this.#second = second;
          this.#knowledge = new Map(knowledge);
        },
      ),
    ];
  }

  /** Broker time moves on; a new second is told before what happens in it. */
  #advance(to: EventTime, sink: CollectSink): void {
    if (to <= this.#broker) return;
    this.#broker = to;
    const second = (Math.floor(to / 1000) * 1000) as EventTime;
    if (second <= this.#second) return;
    this.#second = second;
    this.counts.seconds += 1;
    sink.time(second);
    this.#cover(second, sink);
    this.#configuration?.pass(second, sink);
  }

  #events(input: CollectInput, canonical: Canonical | undefined, sink: CollectSink): void {
    const body = decodeBody(input.data, input.contentType, this.#options.limits);
    if (!body.ok) {
      this.counts.in += 1;
      this.#refuse(input, 0, body, undefined, sink);
      return;
    }
    const { values } = body;
    for (let i = 0; i < values.length; i += 1) {
      this.counts.in += 1;
      const behaviour = this.#read(values[i], canonical, input);
      if (behaviour.ok) this.#admit(behaviour, i, input, sink);
      else this.#refuse(input, i, behaviour, values, sink);
    }
  }

  #read(
    value: unknown,
    canonical: Canonical | undefined,
    input: CollectInput,
  ): Behaviour | Refusal {
    try {
      const behaviour =
        canonical === undefined
          ? this.#reader.read(value, undefined)
          : this.#reader.read(canonical(value), this.#now(input));
      if (!behaviour.ok || !this.#options.trustRecv) return behaviour;
      return (behaviour.recv ?? behaviour.ts) < BELIEVABLE ? behaviour : UNBELIEVABLE;
    } catch {
      return INTERNAL;
    }
  }

  #now(input: CollectInput): EventTime {
    return this.#broker === MIN_TIME ? input.time : this.#broker;
  }

  #admit(behaviour: Behaviour, index: number, input: CollectInput, sink: CollectSink): void {
    const { counts } = this;
    const { touchpoint } = behaviour;
    counts.stripped += behaviour.stripped;
    if (this.#options.trustRecv) {
      this.#advance((behaviour.recv ?? behaviour.ts) as EventTime, sink);
    }
    const broker = this.#broker;
    let at = this.#corrected(behaviour, input);
    if (at < broker - this.#options.maxAge) {
      this.#late(behaviour, at, index, input, sink);
      return;
    }
    if (this.#seen.add(behaviour.source, behaviour.clientId, broker)) {
      counts.duplicate += 1;
      this.#coverage.note(touchpoint, "duplicates");
      return;
    }
    if (behaviour.flag !== undefined) {
      counts.flagged += 1;
      this.#coverage.flagged(touchpoint, behaviour.flag);
      return;
    }
    const clamped = at > broker;
    if (clamped) {
      counts.clamped += 1;
      at = broker;
    }
    const { type, session, props, clientId, source, ids } = behaviour;
    const names =
      behaviour.person === undefined ? [...ids.hashes, ...ids.before] : [behaviour.person];
    if (this.#rights.isErased(names)) {
      if (!isWelcome(behaviour)) {
        counts.withheld += 1;
        return;
      }
      this.#rights.welcome(names);
    }
    const { linked } = counts;
    const id = eventId(source, clientId, broker, index);
    const key = this.#personOf(behaviour, { id, at, place: `${input.seq}/${index}` }, sink);
    if (!type.startsWith("privacy.") && !this.#rights.mayCollect(key, type)) {
      counts.withheld += 1;
      return;
    }
    this.#rights.hear(key, { type, at, touchpoint, props });
    const known = counts.linked > linked ? pseudonymsOf(ids) : undefined;
    counts.applied += 1;
    if (type === DELETE) {
      this.#askToErase(key, behaviour, input, sink);
      return;
    }
    this.#coverage.note(touchpoint, "clamped", clamped ? 1 : 0);
    this.#coverage.note(touchpoint, "stripped", behaviour.stripped);
    this.#coverage.applied(behaviour, at, broker);
    counts.events += 1;
    sink.event({
      key,
      id,
      at,
      payload: [
        type,
        touchpoint,
        session,
        props,
        clientId,
        broker,
        ...((known === undefined ? [] : [known]) as [] | [readonly KnownId[]]),
      ],
    });
  }

  /**
   * Puts into the log, without an identifier, that a person is to be erased: what is erased is the
   * request too, and a replay of what is left of the log must come to the same.
   */
  #askToErase(
    person: string,
    { clientId, ids }: Behaviour,
    { seq }: CollectInput,
    sink: CollectSink,
  ): void {
    const hashes = new Set([...ids.hashes, ...ids.before, ...this.#identity.hashesOf(person)]);
    const names = this.#identity.namesOf(person).slice(0, MAX_ERASED);
    const data = {
      request: clientId,
      person,
      hashes: [...hashes].slice(0, MAX_ERASED),
      ...(names.length === 0 ? {} : { names }),
    };
    const token = hash128(`${person}\n${clientId}\n${seq}`);
    sink.publish({ subject: `${ERASE}${token}`, data }, `${seq}/erase`);
  }

  /** What `#askToErase` put into the log. */
  #erase(input: CollectInput, sink: CollectSink): void {
    const { counts } = this;
    counts.in += 1;
    const body = decodeBody(input.data, input.contentType, this.#options.limits);
    const erasure = body.ok ? readErasure(body.values[0]) : body;
    if (!erasure.ok) {
      this.#refuse(input, 0, erasure, undefined, sink);
      return;
    }
    const { person, names, hashes, request } = erasure;
    const at = this.#now(input);
    const id = hash128(`erase\n${input.subject}`);
    if (this.#seen.add(ERASE, input.subject, at)) {
      counts.duplicate += 1;
      return;
    }
    counts.applied += 1;
    this.#identity.forget([person, ...names], hashes);
    this.#rights.erase([...hashes, person, ...names], at);
    const props = { request, identifiers: hashes.length };
    sink.event({
      key: person,
      id,
      at,
      payload: ["privacy.erased", "unknown", null, props, request, at],
    });
  }

  /** Whose an event is; what that says of persons goes before it. */
  #personOf(
    { person, ids, type }: Behaviour,
    of: { id: string; at: EventTime; place: string },
    sink: CollectSink,
  ): string {
    if (person !== undefined) return this.#identity.current(person);
    const { id, at, place } = of;
    let told = 0;
    const listener = {
      merged: (from: string, to: string) => {
        this.#rights.join(from, to);
        sink.link({ from, to, id: `${id}/link/${told}`, at });
        sink.publish(identityMerged(from, to, at), `${place}/identity/${told}`);
        told += 1;
      },
      conflict: (why: string, kind: string, whose: string) => {
        sink.publish(identityConflict(why, kind, whose, at), `${place}/identity/${told}`);
        told += 1;
      },
    };
    return type === "id.unlink"
      ? this.#identity.unlink(ids, listener)
      : this.#identity.personOf(ids, type === "id.link", listener);
  }

  #corrected({ ts, sent, recv }: Behaviour, input: CollectInput): EventTime {
    if (sent === undefined) return ts as EventTime;
    const received = this.#options.trustRecv ? recv : input.time;
    const corrected =
      received === undefined ? undefined : clockCorrected(ts, sent, received, this.#options.maxAge);
    if (corrected === undefined) this.counts.sentIgnored += 1;
    else this.counts.corrected += 1;
    return corrected ?? (ts as EventTime);
  }

  #late(
    behaviour: Behaviour,
    at: EventTime,
    index: number,
    input: CollectInput,
    sink: CollectSink,
  ): void {
    this.counts.late += 1;
    this.#coverage.note(behaviour.touchpoint, "late");
    const { seq } = input;
    const { type, clientId } = behaviour;
    const { maxAge } = this.#options;
    sink.publish(
      lateMessage({ type, clientId, at, broker: this.#broker, maxAge, seq, index }),
      `${seq}/${index}/late`,
    );
  }

  #tick(input: CollectInput, sink: CollectSink): void {
    this.counts.ticks += 1;
    if (!this.#options.trustRecv || input.data.length === 0) return;
    const body = decodeBody(input.data, input.contentType, this.#options.limits);
    if (!body.ok) return;
    const recv = readTime((body.values[0] as { recv?: unknown } | null)?.recv);
    if (recv !== undefined && recv < BELIEVABLE) this.#advance(recv as EventTime, sink);
  }

  /** From here on identifiers are hashed by another key. */
  #rotate(input: CollectInput, sink: CollectSink): void {
    this.counts.in += 1;
    const body = decodeBody(input.data, input.contentType, this.#options.limits);
    const keyId = body.ok ? (body.values[0] as { key?: unknown } | null)?.key : undefined;
    if (!KeyRing.isKeyId(keyId)) {
      this.#refuse(input, 0, body.ok ? NO_KEY : body, undefined, sink);
      return;
    }
    this.#keys.use(keyId);
    this.counts.applied += 1;
  }

  /** Another version of the files that may be changed live, to come into force at its second. */
  #configure(configuration: Configuration, input: CollectInput, sink: CollectSink): void {
    this.counts.in += 1;
    const body = decodeBody(input.data, input.contentType, WIRE_LIMITS);
    if (!body.ok) {
      this.#refuse(input, 0, body, undefined, sink);
      return;
    }
    const place = { seq: input.seq, now: this.#now(input) };
    const taken = configuration.take(body.values[0], place, sink);
    if (taken === "ok") this.counts.applied += 1;
    else if (taken === "stale") this.counts.duplicate += 1;
    else this.#refuse(input, 0, taken, undefined, sink);
  }

  /** Facts replace each other: one that comes again late must not undo a newer one. */
  #isRepeated(input: CollectInput): boolean {
    const { msgId } = input;
    return msgId !== undefined && this.#messages.add("", msgId, this.#now(input));
  }

  #facts(input: CollectInput, sink: CollectSink): void {
    const { counts } = this;
    const tokens = input.subject.slice("in.fact.".length);
    const dot = tokens.indexOf(".");
    const kind = dot < 0 ? tokens : tokens.slice(0, dot);
    const body = this.#options.factKinds.includes(kind)
      ? decodeBody(input.data, input.contentType, this.#options.limits)
      : UNSUPPORTED;
    if (!body.ok) {
      counts.in += 1;
      this.#refuse(input, 0, body, undefined, sink);
      return;
    }
    counts.in += body.values.length;
    if (this.#isRepeated(input)) {
      counts.duplicate += body.values.length;
      return;
    }
    const key = body.batch || dot < 0 ? "" : tokens.slice(dot + 1);
    const tooLarge = input.data.length / body.values.length > this.#options.maxFactBytes;
    for (let i = 0; i < body.values.length; i += 1) {
      const fact = tooLarge ? FACT_TOO_LARGE : readFact(kind, key, body.values[i]);
      const wrong = fact.ok ? this.#figure(kind, fact.value, i, input, sink) : fact;
      if (!fact.ok || wrong !== undefined) {
        this.#refuse(input, i, wrong ?? INTERNAL, body.values, sink);
        continue;
      }
      counts.applied += 1;
      counts.factBodies += 1;
      if (kind === FIGURES) continue;
      counts.facts += 1;
      sink.fact(kind, fact.key, fact.value);
    }
  }

  /** Figures that others counted are nobody's business but the coverage's. */
  #figure(
    kind: string,
    value: Readonly<Record<string, unknown>>,
    index: number,
    input: CollectInput,
    sink: CollectSink,
  ): Refusal | undefined {
    if (kind !== FIGURES) return undefined;
    const publish: CollectSink["publish"] = (message, cause) => sink.publish(message, cause);
    return this.#coverage.compare(value, this.#now(input), `${input.seq}/${index}/figure`, publish);
  }

  #learned(input: CollectInput, sink: CollectSink): void {
    const { counts } = this;
    counts.in += 1;
    const shard = input.subject.slice("in.knowledge.".length);
    const kind = shard.split(".", 1)[0] ?? "";
    const body = this.#options.knowledgeKinds.includes(kind)
      ? decodeBody(input.data, input.contentType, this.#options.limits)
      : UNSUPPORTED;
    if (!body.ok) {
      this.#refuse(input, 0, body, undefined, sink);
      return;
    }
    const knowledge = readKnowledge(kind, body.batch ? body.values : body.values[0]);
    if (!knowledge.ok) {
      this.#refuse(input, 0, knowledge, body.values, sink);
      return;
    }
    if (!this.#isNewer(shard, knowledge.version)) {
      counts.duplicate += 1;
      counts.stale += 1;
      return;
    }
    counts.applied += 1;
    counts.factBodies += 1;
    for (const key of Object.keys(knowledge.entries)) {
      counts.facts += 1;
      sink.fact(kind, key, knowledge.entries[key]);
    }
  }

  #isNewer(shard: string, version: number): boolean {
    if (version <= (this.#knowledge.get(shard) ?? Number.NEGATIVE_INFINITY)) return false;
    this.#knowledge.delete(shard);
    this.#knowledge.set(shard, version);
    if (this.#knowledge.size > MAX_SHARDS) {
      // The shard that has been quiet longest, in log order.
      for (const quiet of this.#knowledge.keys()) {
        this.#knowledge.delete(quiet);
        break;
      }
    }
    return true;
  }

  /** `values` is what the body was decoded to; undefined when it was not, then its bytes are shown. */
  #refuse(
    input: CollectInput,
    index: number,
    why: Refusal,
    values: readonly unknown[] | undefined,
    sink: CollectSink,
  ): void {
    this.counts.deadLettered += 1;
    const reason = countReason(this.counts, why.reason);
    const now = this.#now(input);
    const original =
      values === undefined
        ? maskedBytes(input.data, this.#words)
        : maskedValue(values[index], this.#words);
    const place = values !== undefined && values.length > 1 ? index : undefined;
    sink.publish(
      deadLetter({ ...why, reason }, input, place, now, original),
      `${input.seq}/${index}/${reason}`,
    );
  }
}

const recIdIn = (props: unknown): unknown => (isRecord(props) ? props["rec_id"] : undefined);

/** Whether it says that somebody whose data was erased agrees to be known again. */
const isWelcome = ({ type, props }: Behaviour): boolean =>
  type === "privacy.consent" && props.purpose === "collect" && props.status === "granted";

/** What the identifiers are called where they must not stand. */
const pseudonymsOf = ({ hashes, kinds }: Ids): readonly KnownId[] =>
  hashes.map((hash, i) => [kinds[i] ?? "", hash.slice(0, 16)]);

export function makeCollect(options: CollectOptions): Collect {
  return new Collect(options);
}
