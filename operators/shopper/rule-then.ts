import type { Action, Content, Crm, Place, Recommend, Ref } from "../../src/config/rule-ast.ts";
import type { Facts } from "../../src/flow/operator.ts";
import { minutes } from "../../src/time/event-time.ts";
import { goodsItem } from "./candidates.ts";
import { type Fields, fieldsOf, sellableOf, textOf } from "./catalog.ts";
import type { Firing } from "./condition/leaf.ts";
import type { Option } from "./contact/proposal.ts";

/** Goods that go with another, shown in one message. */
const MOST_GOODS = 3;
/** How long a place in a slot is kept for the session it was made for. */
const SESSION = minutes(30);
/** Where it goes that no person sees. */
const BACK_OFFICE = "crm";

/** What an action comes to for one firing; undefined where what it names is not there. */
export function optionOf(action: Action, firing: Firing, facts: Facts): Option | undefined {
  switch (action.op) {
    case "place":
      return placement(action, firing, facts);
    case "tag":
      return {
        ...SILENT,
        op: "tag",
        kind: action.tag,
        channels: [action.channel ?? BACK_OFFICE],
        sku: resolve(TRIGGER_SKU, firing) ?? null,
        off: !action.on,
      };
    case "crm": {
      const fields = crmFields(action, firing);
      return fields === undefined ? undefined : { ...SILENT, kind: action.what, items: [fields] };
    }
    default:
      return message(action, firing, facts);
  }
}

/** What the CRM is told; undefined where nothing is known of it. */
function crmFields({ what, amount }: Crm, firing: Firing): Fields | undefined {
  const text = resolve(amount, firing);
  if (text === undefined || what === "benefit")
    return text === undefined ? undefined : { benefit: text };
  const value = Number(text);
  if (!Number.isFinite(value)) return undefined;
  if (what === "ltv") return { ltv_minor: Math.round(value) };
  const balance = firing.bound["trigger"]?.["score"];
  return { points: value, ...(balance === undefined ? {} : { balance }) };
}

const TRIGGER_SKU: Ref = { event: "trigger", property: "sku" };

/** What says nothing of itself, to be filled in. */
const SILENT: Option = {
  channels: [BACK_OFFICE],
  slot: null,
  sku: null,
  items: [],
  skus: [],
  inStock: false,
  stockOver: null,
  score: 1,
  value: null,
  valid: null,
  maxMinor: null,
  off: false,
  op: "crm",
  kind: "",
};

function placement(action: Place, firing: Firing, facts: Facts): Option | undefined {
  const sku = resolve(action.sku, firing);
  if (sku === undefined) return undefined;
  return {
    ...SILENT,
    op: "place",
    kind: "product",
    channels: action.slot.split(".").slice(0, 1),
    slot: action.slot,
    sku,
    items: [goodsItem(facts, sku)],
    skus: [sku],
    inStock: true,
    score: action.score,
    value: action.value ?? null,
    valid: action.ttl ?? SESSION,
  };
}

function message(action: Recommend, firing: Firing, facts: Facts): Option | undefined {
  const named = action.sku === undefined ? undefined : resolve(action.sku, firing);
  if (action.sku !== undefined && named === undefined && action.kind === "product")
    return undefined;
  const goods = goodsOf(action, firing, facts);
  const about =
    action.content !== undefined && "about" in action.content ? action.content.about : TRIGGER_SKU;
  const sku = named ?? goods?.[0] ?? resolve(about, firing) ?? null;
  const items =
    goods === undefined
      ? [itemOf(action, sku, firing, facts)]
      : goods.map((one) => goodsItem(facts, one));
  return {
    channels: action.channels,
    slot: null,
    sku,
    items,
    skus: goods ?? (sku === null ? [] : [sku]),
    inStock: action.inStock && sells(action),
    stockOver: action.stockOver ?? null,
    score: action.score,
    value: action.value ?? null,
    valid: action.valid ?? null,
    maxMinor: action.maxMinor ?? null,
    off: false,
    op: action.op,
    kind: action.kind,
  };
}

/** Only what makes somebody buy the thing needs it to be there: a tutorial does not. */
const sells = ({ kind }: Recommend): boolean => kind === "product" || kind === "activity";

/** Goods that go with a thing and are there; undefined where the action names none. */
function goodsOf(
  { compatibleWith, inStock }: Recommend,
  firing: Firing,
  facts: Facts,
): readonly string[] | undefined {
  if (compatibleWith === undefined) return undefined;
  const sku = resolve(compatibleWith, firing);
  const listed = sku === undefined ? undefined : fieldsOf(facts, "catalog", sku)?.["compatible"];
  if (!Array.isArray(listed)) return [];
  return listed
    .filter((one): one is string => typeof one === "string")
    .filter((one) => !inStock || (sellableOf(facts, one) ?? 1) > 0)
    .slice(0, MOST_GOODS);
}

function itemOf(
  { kind, offer, service, content }: Recommend,
  sku: string | null,
  firing: Firing,
  facts: Facts,
): Fields {
  const title = sku === null ? undefined : textOf(fieldsOf(facts, "catalog", sku), "title");
  return {
    kind,
    ...(offer === undefined ? {} : { offer }),
    ...(service === undefined ? {} : { service }),
    ...(content === undefined ? {} : contentFields(content, firing, facts)),
    ...(sku === null ? {} : { sku }),
    ...(title === undefined ? {} : { title }),
  };
}

/** By its id; or of a type and about a thing, with the id of the first such content that is known. */
function contentFields(content: Content, firing: Firing, facts: Facts): Fields {
  if ("id" in content) return { content_id: resolve(content.id, firing) ?? null };
  const { type } = content;
  const about = resolve(content.about, firing);
  const known = about === undefined ? undefined : facts.get("content_about", about);
  const found = Array.isArray(known)
    ? known.find((id) => textOf(fieldsOf(facts, "content", String(id)), "type") === type)
    : undefined;
  return {
    content_type: type,
    ...(about === undefined ? {} : { about }),
    ...(found === undefined ? {} : { content_id: found }),
  };
}

/** The text a reference stands for. */
function resolve(ref: Ref, { bound }: Firing): string | undefined {
  if ("text" in ref) return ref.text;
  const value = bound[ref.event]?.[ref.property];
  return value === undefined ? undefined : String(value);
}
