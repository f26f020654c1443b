import { json, msgpack, type Sent, T0 } from "./harness.ts";
import { dice, identifierOf, pick } from "./traffic.ts";

export interface Hostile extends Pick<Sent, "subject" | "contentType"> {
  readonly data: Uint8Array;
}

type Roll = (below: number) => number;
type Make = (roll: Roll, n: number) => Hostile;

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const FIVE_MB = 5 << 20;

/** Persons that good traffic knows nothing of, so that whatever is let in does not mix with it. */
const stranger = (roll: Roll): string => identifierOf("hostile", 1000 + roll(500));

/** Sound but for what `over` makes of it. */
function event(roll: Roll, n: number, over: Readonly<Record<string, unknown>> = {}) {
  const v = stranger(roll);
  return {
    id: `hostile-${n}`,
    type: "product.viewed",
    ts: T0,
    ids: [
      { k: "unionid", v },
      { k: "openid:wx9", v: `${v}-2` },
    ],
    session: roll(2) === 0 ? `of ${v}` : "s",
    props: { sku: "s1" },
    ...over,
  };
}

const form = (roll: Roll, value: unknown): Hostile => ({
  data: roll(2) === 0 ? json(value) : msgpack(value),
});

function fuzzed(roll: Roll, n: number): Hostile {
  // No session made of an identifier: a blow to the identifier would leave that one unrecognisable.
  const session = "s";
  const one = event(roll, n, { session });
  const { data } = form(roll, roll(2) === 0 ? one : [one, event(roll, n + 1, { session })]);
  const hits = 1 + roll(12);
  let out = data.slice();
  for (let i = 0; i < hits; i += 1) {
    const at = roll(out.length);
    if (roll(3) > 0) out[at] = roll(256);
    else if (roll(2) === 0)
      out = Uint8Array.from([...out.slice(0, at), ...out.slice(at + 1 + roll(9))]);
    else out = Uint8Array.from([...out.slice(0, at), roll(256), ...out.slice(at)]);
    if (out.length === 0) break;
  }
  return {
    data: roll(10) === 0 ? Uint8Array.from({ length: roll(300) }, () => roll(256)) : out,
    contentType: pick(roll, [undefined, "application/json", "application/msgpack", "image/png"]),
    subject: pick(roll, [
      "in.event.mp.product.viewed",
      "in.event.x",
      "in.feedback.clicked",
      "in.nowhere",
    ]),
  };
}

function msgpackBomb(roll: Roll): Hostile {
  const head = pick(roll, [0xdd, 0xdf, 0xdb, 0xc6, 0xc9]);
  const size = [roll(256), roll(256), roll(256), roll(256)];
  const lying = Uint8Array.from([
    head,
    ...size,
    ...Array.from({ length: roll(60) }, () => roll(256)),
  ]);
  const opener = pick(roll, [
    [0x91],
    [0x81, 0xa1, 0x61],
    [0xdc, 0x00, 0x01],
    [0xdd, 0xff, 0xff, 0xff, 0xff],
  ]);
  const deep = new Uint8Array(opener.length * (17 + roll(100_000)));
  for (let i = 0; i < deep.length; i += 1) deep[i] = opener[i % opener.length] ?? 0;
  const wide = new Uint8Array(5 + 4097 + roll(900_000));
  wide.set([
    0xdd,
    0,
    (wide.length - 5) >> 16,
    ((wide.length - 5) >> 8) & 255,
    (wide.length - 5) & 255,
  ]);
  return { data: pick(roll, [lying, lying, deep, deep, wide]), contentType: "application/msgpack" };
}

function jsonBomb(roll: Roll, n: number): Hostile {
  const depth = 17 + roll(200_000);
  const texts = [
    () => "[".repeat(depth),
    () => `${"[".repeat(depth)}${"]".repeat(depth)}`,
    () => `{"a":`.repeat(depth),
    () => JSON.stringify(event(roll, n)).replace('"s1"', `${"[".repeat(20)}"]"${"]".repeat(20)}`),
    () => `[${"0,".repeat(4096 + roll(100_000))}0]`,
    () => `{${Array.from({ length: 20_000 }, (_, i) => `"k${i}":${i}`).join()}}`,
    () => `{"id":"hostile-${n}","ts":${"9".repeat(10_000)}}`,
    () => JSON.stringify(event(roll, n)).replace(`${T0}`, "1e999"),
    () => `"${"\\u0000".repeat(100_000)}"`,
    () => `{"type":"${"product.viewed".repeat(10_000)}"}`,
  ];
  return { data: utf8(pick(roll, texts)()), contentType: "application/json" };
}

const ODD: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1.5,
  "",
  "x",
  [],
  {},
  [[]],
  [null],
  { k: "unionid" },
  1e300,
];

function wrongType(roll: Roll, n: number): Hostile {
  const odd = pick(roll, ODD);
  const v = stranger(roll);
  const overs: readonly (() => unknown)[] = [
    () => event(roll, n, { [pick(roll, ["type", "ids"])]: odd }),
    () =>
      event(roll, n, { ts: pick(roll, [null, true, "", "yesterday", "2026-10-31", {}, [], 1.5]) }),
    () => event(roll, n, { id: { of: v } }),
    () => event(roll, n, { props: pick(roll, [[], "x", 7, true]), openid: v }),
    () =>
      event(roll, n, {
        props: { sku: pick(roll, [true, [], {}, [v]]), openid: v, mobile: 13_800_138_000 },
      }),
    () => event(roll, n, { ids: { unionid: v } }),
    () => event(roll, n, { ids: v }),
    () => event(roll, n, { ids: [{ k: v, v: "unionid" }] }),
    () => event(roll, n, { ids: [v, { kind: "unionid", value: v }] }),
    () => event(roll, n, { ids: [{ k: "unionid", v: [v] }], session: v, src: { source: 5 } }),
    () => ({
      ...event(roll, n, { type: "no.such.type" }),
      id: `hostile ${v}`,
      ids: [{ k: "login", v }],
    }),
    () => odd,
  ];
  const value = pick(roll, overs)();
  const broken = form(roll, value);
  return roll(4) === 0
    ? { ...broken, subject: pick(roll, ["in.fact.nothing.x", "in.knowledge.covisit.0"]) }
    : broken;
}

let largest: readonly Uint8Array[] | undefined;

/** Made once: what counts is how often they are sent. */
function fiveMegabytes(roll: Roll): Hostile {
  const own = dice(FIVE_MB);
  largest ??= [
    new Uint8Array(FIVE_MB),
    new Uint8Array(FIVE_MB).fill(0x91),
    utf8("[".repeat(FIVE_MB)),
    utf8(JSON.stringify(event(own, 0, { props: { sku: "x".repeat(FIVE_MB) } }))),
    msgpack(event(own, 0, { props: { sku: "x".repeat(FIVE_MB) } })),
    utf8(`[${JSON.stringify(event(own, 0))},`.repeat(FIVE_MB / 256)),
  ];
  return { data: pick(roll, largest) };
}

const FUTURE: readonly unknown[] = [
  T0 + 1,
  T0 + 86_400_000,
  8.64e15,
  8.64e15 + 1,
  Number.MAX_SAFE_INTEGER,
  1e20,
  "9999-12-31T23:59:59.999Z",
  "2300-01-01T00:00:00+14:00",
];
const ANCIENT: readonly unknown[] = [
  0,
  -1,
  T0 / 1000,
  -8.64e15,
  Number.MIN_SAFE_INTEGER,
  "0000-01-01T00:00:00Z",
  "1970-01-01T00:00:00.000Z",
  "2026-10-24T15:59:59.999Z",
];

const timestamps =
  (values: readonly unknown[]): Make =>
  (roll, n) => {
    const sentAt = roll(3) === 0 ? { sent: pick(roll, [...FUTURE, ...ANCIENT]) } : {};
    return form(roll, event(roll, n, { ts: pick(roll, values), ...sentAt }));
  };

const empty: Make = (roll, n) => ({
  ...pick(roll, [
    { data: new Uint8Array(0) },
    { data: utf8("[]") },
    { data: utf8("{}") },
    { data: utf8("  ") },
    { data: utf8("\ufeff") },
    { data: utf8("null"), contentType: "application/json" },
    { data: Uint8Array.of(0x90) },
    { data: Uint8Array.of(0x80) },
    { data: Uint8Array.of(0xc0), contentType: "application/msgpack" },
    form(roll, { id: `hostile-${n}` }),
  ]),
  subject: pick(roll, [
    "in.event.mp.x",
    "in.feedback.clicked",
    "in.fact.catalog",
    "in.knowledge.covisit.0",
    "",
  ]),
});

const missingIds: Make = (roll, n) => {
  const { id, ids, ...rest } = event(roll, n);
  return form(
    roll,
    pick(roll, [
      { ...rest, id },
      { ...rest, id, ids: [] },
      { ...rest, id, ids: null },
      { ...rest, ids: [{ k: "cookie", v: ids[0]?.v }] },
      { ...rest, id: "", ids: [{ k: "unionid", v: " " }] },
      { ...rest, id: null, ids: [{ v: ids[0]?.v }] },
      { ...rest, ids },
      [{ ...rest }, { ...rest, id: `hostile-${n}`, ids: [{}] }],
    ]),
  );
};

const badUtf8: Make = (roll, n) => {
  const bad = pick(roll, [
    [0xff],
    [0xc0, 0x80],
    [0xed, 0xa0, 0x80],
    [0xf5, 0x80, 0x80, 0x80],
    [0xe9],
    [0x80],
  ]);
  const text = JSON.stringify(event(roll, n));
  const at = text.indexOf(pick(roll, ["hostile", "product", "sku", "unionid"])) + roll(3);
  const lone = text.replace('"s1"', `"\\ud8${roll(10)}0 \\udc00"`).replace('"s"', '"\\udfff"');
  const whole = utf8(text);
  const raw = Uint8Array.from([...whole.slice(0, at), ...bad, ...whole.slice(at)]);
  const packed = msgpack({ ...event(roll, n), session: "\ud800", props: { sku: "\udfff" } });
  return { data: pick(roll, [raw, raw, utf8(lone), packed]) };
};

const prototypeKeys: Make = (roll, n) => {
  const evil = `{"polluted":"yes","toString":"no","sku":"p"}`;
  const text = JSON.stringify(
    event(roll, n, { props: { sku: "s1", constructor: { prototype: { polluted: 1 } } } }),
  );
  const texts = [
    text.replace("{", `{"__proto__":${evil},`),
    text.replace('"props":{', `"props":{"__proto__":${evil},`),
    text.replace('"props":{', `"props":{"__pro\\u0074o__":${evil},"hasOwnProperty":1,`),
    text.replace('"ids":[', `"ids":[{"__proto__":${evil}},`),
    text.replace(
      '"product.viewed"',
      `"${pick(roll, ["__proto__", "constructor", "toString", "hasOwnProperty"])}"`,
    ),
    `{"constructor":{"prototype":{"polluted":true}},"__proto__":null}`,
  ];
  const bytes = utf8("__proto__");
  const packed = Uint8Array.from([0x81, 0xa0 + bytes.length, ...bytes, 0x81, 0xa1, 0x61, 0x01]);
  const isFact = roll(5) === 0;
  return isFact
    ? { data: utf8(`{"__proto__":{"sku":"evil"}}`), subject: "in.fact.__proto__.constructor" }
    : { data: roll(5) === 0 ? packed : utf8(pick(roll, texts)) };
};

/** What no collector should have to see. Duplicates are made of good records by the test. */
export const HOSTILE: Readonly<Record<string, Make>> = {
  "fuzzed bytes": fuzzed,
  "msgpack bombs": msgpackBomb,
  "JSON bombs": jsonBomb,
  "wrong types": wrongType,
  "5 MB payloads": fiveMegabytes,
  "future timestamps": timestamps(FUTURE),
  "ancient timestamps": timestamps(ANCIENT),
  "empty bodies": empty,
  "missing ids": missingIds,
  "bad UTF-8": badUtf8,
  "prototype keys": prototypeKeys,
};
