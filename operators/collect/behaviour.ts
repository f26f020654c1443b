import { hash128 } from "../../src/codec/hash.ts";
import { type Refusal, refusal } from "../../src/codec/wire.ts";
import type { Scene } from "../../src/config/tracking-plan.ts";
import { withFields } from "../../src/flow/with-fields.ts";
import { sourceOf } from "./event-id.ts";
import { type Hashing, type Ids, readIds, tells } from "./identifiers.ts";
import type { CollectOptions, Props } from "./options.ts";
import { findUnplain, isRecord } from "./plain.ts";
import { withSource } from "./source.ts";
import { readTime } from "./timestamp.ts";

/** A canonical event with every field checked; whose it is and when it counts is not decided yet. */
export interface Behaviour {
  readonly ok: true;
  readonly type: string;
  /** As the tracker says. */
  readonly ts: number;
  readonly sent: number | undefined;
  /** Where it may be trusted. */
  readonly recv: number | undefined;
  readonly touchpoint: string;
  readonly session: string | null;
  readonly props: Props;
  readonly stripped: number;
  readonly source: string;
  readonly clientId: string;
  /** Empty when `person` says who it is. */
  readonly ids: Ids;
  readonly person: string | undefined;
  /** Why it is nobody's behaviour. */
  readonly flag: string | undefined;
}

type Raw = Readonly<Record<string, unknown>>;

const MAX_ID = 200;
const TOUCHPOINTS: ReadonlySet<string> = new Set(
  "mp gzh channels wecom group pay page pos ec erp".split(" "),
);

const NOT_AN_OBJECT = refusal("shape", "Send each event as an object.");
const BAD_TYPE = refusal("shape", "Name the event's type as text.", "type");
const BAD_PROPS = refusal("shape", "Send the properties as an object.", "props");
const BAD_ID = refusal("shape", `Send the id as text of at most ${MAX_ID} characters.`, "id");
const NO_ID = refusal("ids", "Name at least one identifier of a known kind.", "ids");
const badIds = (field: string): Refusal =>
  refusal("ids", "Send ids as at most 16 objects {k, v} with a kind and a text.", field);
const badTime = (field: string): Refusal =>
  refusal("time", "Send times as ISO 8601 with a zone or as integer milliseconds.", field);

/** `r_<16 hex of the person>_<12 hex>` */
const REC_ID = /^r_([0-9a-f]{16})_[0-9a-f]{12}$/;

/** The person a recommendation's id names; undefined for anything that is no such id. */
export function personOfRecId(recId: unknown): string | undefined {
  if (typeof recId !== "string") return undefined;
  const match = REC_ID.exec(recId);
  return match === null ? undefined : `p_${match[1]}`;
}

const belongsToRecommendation = (type: string): boolean =>
  type.startsWith("feedback.") || type === "recommendation.served";

/** The id as the tracker gave it; undefined when it gave none, `BAD_ID` when it is none. */
function givenId(value: unknown): string | undefined | Refusal {
  if (value === undefined || value === null || value === "") return undefined;
  const text = Number.isSafeInteger(value) ? String(value) : value;
  if (typeof text !== "string" || text.length > MAX_ID) return BAD_ID;
  const trimmed = text.trim();
  return trimmed === "" ? undefined : trimmed;
}

/** `1177`, and as Sensors writes it: `wx-1177`. */
const SCENE = /^(?:wx-)?(\d{4})$/;
const CLICK = "element.clicked";

const pathOf = (field: string): string =>
  field === "type" || field === "touchpoint" ? field : `props.${field}`;

/** Reads canonical events, from values that any sender may have made up. */
export class BehaviourReader {
  readonly #hashing: () => Hashing;
  readonly #validate: CollectOptions["validate"];
  readonly #trustRecv: boolean;
  readonly #scenes: ReadonlyMap<string, Scene>;
  readonly #elements: ReadonlyMap<string, string>;

  constructor(
    options: Pick<CollectOptions, "validate"> &
      Required<Pick<CollectOptions, "trustRecv" | "scenes" | "elements">> & {
        readonly hashing: () => Hashing;
      },
  ) {
    this.#hashing = options.hashing;
    this.#validate = options.validate;
    this.#trustRecv = options.trustRecv;
    this.#scenes = options.scenes;
    this.#elements = options.elements;
  }

  /** `now` stands for a `ts` left out where that is allowed. */
  read(raw: unknown, now: number | undefined): Behaviour | Refusal {
    if (!isRecord(raw)) return NOT_AN_OBJECT;
    if (typeof raw.type !== "string") return BAD_TYPE;
    const clientId = givenId(raw.id);
    if (typeof clientId === "object") return clientId;
    const ts = raw.ts === undefined ? now : readTime(raw.ts);
    if (ts === undefined) return badTime("ts");
    const recv = this.#recv(raw);
    if (typeof recv === "object") return recv;
    if (!isRecord(raw.props ?? {})) return BAD_PROPS;
    const { type, sent } = this.#meant(raw.type, (raw.props ?? {}) as Raw);
    const told = withSource(sent, raw.src);
    const scene = this.#sceneOf(told.scene);
    const given =
      scene?.entry === undefined ? told : withFields(told, { entry_source: scene.entry });
    const touchpoint = TOUCHPOINTS.has(raw.touchpoint as string)
      ? (raw.touchpoint as string)
      : "unknown";
    const checked = this.#validate(type, given, touchpoint);
    if (!checked.ok) return refusal(checked.reason, checked.remedy, pathOf(checked.field));
    const unplain = findUnplain(checked.props, "props");
    if (unplain !== undefined) {
      return refusal("shape", "Send finite numbers, text, booleans, objects and arrays.", unplain);
    }
    const person = belongsToRecommendation(type)
      ? personOfRecId(checked.props.rec_id ?? given.rec_id)
      : undefined;
    const ids = readIds(raw.ids, this.#hashing());
    if (typeof ids === "string") return badIds(ids);
    if (person === undefined && ids.hashes.length === 0) return NO_ID;
    const session = this.#session(raw.session, ids.raw);
    return {
      ok: true,
      type,
      ts,
      sent: raw.sent === undefined ? undefined : readTime(raw.sent),
      recv,
      touchpoint,
      session,
      props: checked.props,
      stripped: checked.stripped + ids.unknown,
      source: sourceOf(raw.src),
      clientId:
        clientId === undefined
          ? hash128(JSON.stringify([type, raw.ts, session, touchpoint, ids.hashes, checked.props]))
          : this.#hidden("c_", clientId, ids.raw),
      ids,
      person,
      flag: scene?.flag,
    };
  }

  /** How somebody came in, by the scene's code. */
  #sceneOf(scene: unknown): Scene | undefined {
    const code = typeof scene === "number" ? String(scene) : scene;
    return typeof code === "string" ? this.#scenes.get(SCENE.exec(code)?.[1] ?? "") : undefined;
  }

  /** A click on an element that stands for something is that. */
  #meant(type: string, sent: Raw): { readonly type: string; readonly sent: Raw } {
    if (type !== CLICK) return { type, sent };
    const { element, ...rest } = sent;
    const meant = typeof element === "string" ? this.#elements.get(element) : undefined;
    return meant === undefined ? { type, sent } : { type: meant, sent: rest };
  }

  #recv(raw: Raw): number | undefined | Refusal {
    if (!this.#trustRecv || raw.recv === undefined) return undefined;
    return readTime(raw.recv) ?? badTime("recv");
  }

  #session(value: unknown, identifiers: readonly string[]): string | null {
    if (typeof value !== "string" || value === "" || value.length > MAX_ID) return null;
    return this.#hidden("s_", value, identifiers);
  }

  /** Trackers build ids of identifiers; such a text is kept as a keyed hash. */
  #hidden(prefix: string, text: string, identifiers: readonly string[]): string {
    return tells(text, identifiers) ? prefix + this.#hashing().identify(prefix, text) : text;
  }
}

/** The canonical event of an `in.privacy.<what>` body. */
export const privacyEvent = (what: string, body: unknown): unknown =>
  withType(`privacy.${what}`, body);

/** Fields of a feedback body that belong to the event, not to its properties. */
const ENVELOPE: ReadonlySet<string> = new Set(
  "id ts sent recv ids session touchpoint src trace props type".split(" "),
);

/** The canonical event of an `in.feedback.<kind>` body: what is no field of an event is a property. */
export const feedbackEvent = (kind: string, body: unknown): unknown =>
  withType(`feedback.${kind}`, body);

function withType(type: string, body: unknown): unknown {
  if (!isRecord(body)) return body;
  const event: Record<string, unknown> = { type };
  const props: Record<string, unknown> = withFields(isRecord(body.props) ? body.props : {}, {});
  for (const key of Object.keys(body)) {
    if (!ENVELOPE.has(key)) props[key] = body[key];
    else if (key !== "type" && key !== "props") event[key] = body[key];
  }
  event.props = props;
  return event;
}
