import {
  days,
  type EventTime,
  hours,
  type Millis,
  minutes,
  seconds,
} from "../src/time/event-time.ts";
import * as panes from "../src/time/pane-ring.ts";
import {
  type BenchOptions,
  bytesEach,
  type Comparison,
  type Contender,
  compare,
  type Figure,
  type Report,
  randomBelow,
  ratio,
  timed,
} from "./harness.ts";
import {
  handWritten,
  type MakeCounter,
  naiveByKeyAndWindow,
  naiveByWindow,
  operatorState,
  rxjs,
  sharedPanes,
  windowOperator,
} from "./sliding-peers.ts";

export interface Load {
  readonly size: Millis;
  readonly slide: Millis;
  readonly keys: number;
  /** Slides before the measured ones, over which each key is met once. */
  readonly warm: number;
  readonly slides: number;
  readonly eventsASlide: number;
}

interface Peer {
  readonly name: string;
  readonly make: MakeCounter;
}

const OURS = "pane rings, swept each slide";
const OPERATOR = "window operator, timers";
const RING = "hand-written ring";
const NAIVE = "every window, a map a window";
const NAIVE_STATES = "every window, state by (key, window)";
const RXJS = "RxJS, a batch a slide";

export const PEERS: readonly Peer[] = [
  { name: OURS, make: sharedPanes },
  { name: OPERATOR, make: windowOperator },
  { name: RING, make: handWritten },
  { name: NAIVE, make: naiveByWindow },
  { name: NAIVE_STATES, make: naiveByKeyAndWindow },
  { name: RXJS, make: rxjs },
];

/** A large prime: results of which one differs do not sum up to the same. */
const DIGEST_MODULUS = 0xffff_fffb;

/** Made once: contenders of one share are given the very same keys. */
const namesOf = (keys: number): readonly string[] => {
  let names = NAMES.get(keys);
  if (names === undefined) {
    names = Array.from({ length: keys }, (_, i) => `user-${i}`);
    NAMES.set(keys, names);
  }
  return names;
};
const NAMES = new Map<number, readonly string[]>();

/** Feeds one counter the load in order of time; the time of the measured slides counts. */
export function contender({ name, make }: Peer, whole: Load, share = 1): Contender {
  const load = { ...whole, keys: whole.keys * share, eventsASlide: whole.eventsASlide * share };
  const { slide, keys, warm, slides, eventsASlide } = load;
  return {
    name,
    share,
    run() {
      const names = namesOf(keys);
      let told = 0;
      let digest = 0;
      const counter = make(load, (key, end, counted) => {
        told++;
        const part =
          counted * ((end / slide) % 9973) * (key.charCodeAt(key.length - 1) + key.length);
        digest = (digest + part) % DIGEST_MODULUS;
      });
      const below = randomBelow(20);
      const feed = (index: number, events: number, pick: (i: number) => number): void => {
        const begin = index * slide;
        for (let i = 0; i < events; i++) {
          const at = begin + Math.floor((i * slide) / events);
          counter.add(names[pick(i)] as string, at);
        }
        counter.slide(begin + slide);
      };
      for (let s = 0; s < warm; s++) {
        const first = Math.floor((keys * s) / warm);
        feed(s, Math.floor((keys * (s + 1)) / warm) - first, (i) => first + i);
      }
      const picks = Int32Array.from({ length: slides * eventsASlide }, () => below(keys));
      const spent = timed(() => {
        for (let s = 0; s < slides; s++) {
          feed(warm + s, eventsASlide, (i) => picks[s * eventsASlide + i] as number);
        }
      });
      return { seconds: spent, units: slides * eventsASlide, digest: `${told} told, ${digest}` };
    },
  };
}

const contenders = (load: Load, shares: Readonly<Record<string, number>>): Contender[] =>
  PEERS.filter(({ name }) => name in shares).map((peer) =>
    contender(peer, load, shares[peer.name]),
  );

interface Shape {
  readonly title: string;
  /** What comes before the measured slides. */
  readonly fill: string;
  readonly load: Load;
  readonly rounds: number;
  /** Part of the keys that each contender is given. */
  readonly shares: Readonly<Record<string, number>>;
}

function measure({ title, fill, load, rounds, shares }: Shape): Promise<Comparison> {
  const { keys, slides, eventsASlide } = load;
  const what =
    `counts over ${keys.toLocaleString("en")} keys; ${fill}; then ${slides} × ` +
    `${eventsASlide.toLocaleString("en")} events, each key's window told at each slide`;
  const setting = { title, what, unit: "events/s", rounds, warmUp: false };
  return compare(setting, contenders(load, shares));
}

const WHOLE = { [OURS]: 1, [OPERATOR]: 1, [RING]: 1 };

const shortWindows = (short: boolean): Shape => ({
  title: "Windows: 5 min / 10 s",
  fill: "a window's length in which each key is met once",
  load: {
    size: minutes(5),
    slide: seconds(10),
    keys: short ? 2000 : 100_000,
    warm: 30,
    slides: 2,
    eventsASlide: short ? 4000 : 200_000,
  },
  rounds: 2,
  shares: { ...WHOLE, [NAIVE]: 1, [NAIVE_STATES]: short ? 0.1 : 0.02, [RXJS]: 1 },
});

const longWindows = (short: boolean): Shape => ({
  title: "Windows: 30 d / 1 h",
  fill: "an hour in which each key is met once",
  load: {
    size: days(30),
    slide: hours(1),
    keys: short ? 10_000 : 1_000_000,
    warm: 1,
    slides: 1,
    eventsASlide: short ? 5000 : 500_000,
  },
  rounds: 2,
  shares: { ...WHOLE, [NAIVE]: short ? 0.1 : 0.004, [NAIVE_STATES]: short ? 0.1 : 0.001 },
});

/** Bytes of state a key has beside its name and its entry in the owner's map. */
function stateBytes(short: boolean): Figure[] {
  const keys = short ? 2000 : 20_000;
  const grid = { size: minutes(5), slide: seconds(10) };
  const spec = panes.paneSpec(grid);
  const length = grid.size / grid.slide;
  const at = (pane: number) => (pane * grid.slide) as EventTime;
  const sparse = () => panes.addToPane(panes.emptyPanes(spec, 7), spec, 7, 1);
  const full = () => {
    let ring = panes.emptyPanes(spec, 0);
    for (let pane = 0; pane < length; pane++) {
      ring = panes.addToPane(panes.advanceTo(ring, spec, pane), spec, pane, 1);
    }
    return ring;
  };
  const operator = (events: number) => () =>
    operatorState(
      grid,
      Array.from({ length: events }, (_, pane) => at(pane)),
    );
  // Less the array's own cell.
  const measured = (make: () => unknown): number =>
    bytesEach(keys, () => Array.from({ length: keys }, make)) - 8;
  const each = (make: () => unknown): number => {
    // Not the code that is compiled meanwhile.
    measured(make);
    return measured(make);
  };
  const most = (value: number) => ({ kind: "most" as const, value });
  return [
    { name: "pane ring of a key met once", value: each(sparse), unit: "B", bound: most(100) },
    { name: "pane ring of 30 full panes", value: each(full), unit: "B", bound: most(400) },
    {
      name: "operator state of a key met once",
      value: each(operator(1)),
      unit: "B",
      bound: most(100),
    },
    {
      name: "operator state of 30 full panes",
      value: each(operator(length)),
      unit: "B",
      bound: most(400),
    },
  ];
}

/** Each counter is right where the others are, down to the single result. */
async function agree(): Promise<void> {
  const load = { keys: 40, slides: 40, eventsASlide: 15 };
  const grids = [
    { ...load, size: minutes(5), slide: seconds(10), warm: 30 },
    { ...load, size: hours(12), slide: hours(1), warm: 3 },
  ];
  for (const grid of grids) {
    const every = Object.fromEntries(PEERS.map(({ name }) => [name, 1]));
    await compare(
      { title: "the same results", what: "", unit: "", rounds: 1 },
      contenders(grid, every),
    );
  }
}

export async function windows({ short }: BenchOptions): Promise<Report> {
  await agree();
  const bytes = stateBytes(short);
  const comparisons = [await measure(shortWindows(short)), await measure(longWindows(short))];
  const least = (value: number) => ({ kind: "least" as const, value });
  const figures = comparisons.flatMap((comparison): Figure[] => {
    const { title } = comparison;
    const against = (ours: string): Figure[] => [
      {
        name: `${title}: ${ours} / ${NAIVE}`,
        value: ratio(comparison, ours, NAIVE),
        unit: "×",
        bound: least(20),
      },
      {
        name: `${title}: ${ours} / ${RING}`,
        value: ratio(comparison, ours, RING),
        unit: "×",
        bound: least(0.5),
      },
    ];
    return [...against(OURS), ...against(OPERATOR)];
  });
  return { comparisons, figures: [...figures, ...bytes] };
}
