import { filter, map, mergeMap, Subject, scan, share } from "rxjs";
import { millis } from "../src/time/event-time.ts";
import { rxjs } from "./sliding-peers.ts";
import { AFTER, nothingYet, SMALL, type SmallResult } from "./small-job.ts";

/** What the job says to the world. */
export interface Said {
  readonly subject: string;
  readonly data: Readonly<Record<string, unknown>>;
}

interface Act {
  readonly id: string;
  readonly type: string;
  readonly at: number;
  readonly person: string;
  readonly sku: string;
}

/**
 * The small job as one writes it in RxJS, in the fastest forms known: `scan` over a map where `groupBy`
 * would hold a subject a person, counts a batch a slide. Events must come in order of time, a session is
 * seen to have ended at the person's next act, persons are who their first identifier says, and nothing
 * can be taken up again after the process has ended.
 */
export class RxjsJob {
  readonly result: SmallResult = nothingYet();
  readonly #bodies = new Subject<Uint8Array>();
  readonly #lastActs = new Map<string, number>();
  readonly #views = new Map<string, readonly number[]>();
  /** By person and sku, the oldest first. */
  readonly #carts = new Map<string, Act>();
  readonly #slid = rxjs({ size: SMALL.size, slide: millis(SMALL.slide) }, (_sku, _end, count) => {
    this.result.windows += 1;
    this.result.counted += count;
  });
  #end = 0;
  #last = 0;

  constructor(say: (said: Said) => void) {
    const acts = this.#bodies.pipe(map(readAct), share());
    acts.subscribe(({ at, sku }) => {
      this.#last = at;
      this.#count(at, sku);
    });
    acts
      .pipe(
        map((act) => this.#endsSession(act)),
        filter((ends) => ends),
      )
      .subscribe(() => {
        this.result.sessions += 1;
      });
    acts
      .pipe(
        filter(({ type }) => type === "product.viewed"),
        scan((_, act) => this.#entersBy(act), undefined as Said | undefined),
        filter((said) => said !== undefined),
      )
      .subscribe((said) => {
        this.result.entered += 1;
        say(said);
      });
    acts.pipe(mergeMap((act) => this.#unpaidAt(act.at, act))).subscribe((said) => {
      this.result.unpaid += 1;
      say(said);
    });
  }

  next(body: Uint8Array): void {
    this.#bodies.next(body);
  }
  /** Lets time pass behind the last event. */
  finish(): void {
    const last = this.#last;
    this.#slideTo(last + AFTER);
    this.result.sessions += this.#lastActs.size;
    this.result.unpaid += this.#unpaidAt(last + AFTER, undefined).length;
  }

  #count(at: number, sku: string): void {
    this.#slideTo(at);
    this.#slid.add(sku, at);
  }
  #slideTo(at: number): void {
    if (this.#end === 0) this.#end = Math.floor(at / SMALL.slide) * SMALL.slide + SMALL.slide;
    for (; this.#end <= at; this.#end += SMALL.slide) this.#slid.slide(this.#end);
  }
  #endsSession({ person, at }: Act): boolean {
    const before = this.#lastActs.get(person);
    this.#lastActs.set(person, at);
    return before !== undefined && at - before > SMALL.gap;
  }
  #entersBy({ person, at, id }: Act): Said | undefined {
    const before = this.#views.get(person) ?? [];
    if (before.length === SMALL.views) return undefined;
    const views = [...before, at].filter((view) => view > at - MONTH);
    this.#views.set(person, views);
    if (views.length < SMALL.views) return undefined;
    const subject = "segment.looks.entered";
    return { subject, data: { person, segment: "looks", at, evidence: [id] } };
  }
  #unpaidAt(now: number, act: Act | undefined): readonly Said[] {
    const said: Said[] = [];
    for (const [key, { person, sku, at, id }] of this.#carts) {
      if (at + SMALL.unpaid >= now) break;
      this.#carts.delete(key);
      const data = { person, sku, at: at + SMALL.unpaid, rule: "unpaid", evidence: [id] };
      said.push({ subject: "recommendation.wecom.activity", data });
    }
    if (act?.type === "cart.added") this.#carts.set(`${act.person} ${act.sku}`, act);
    if (act?.type === "order.paid") this.#carts.delete(`${act.person} ${act.sku}`);
    return said;
  }
}

const MONTH = 30 * 86_400_000;
const utf8 = new TextDecoder();

function readAct(bytes: Uint8Array): Act {
  const { id, type, ts, ids, props } = JSON.parse(utf8.decode(bytes));
  return { id, type, at: ts, person: ids[0].v, sku: props.sku };
}
