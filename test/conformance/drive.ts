import { decode, encode } from "@msgpack/msgpack";
import { type HostSink, KeyedHost } from "freshet/host";
import type { KeyedLogic } from "freshet/logic";
import { streamElement } from "freshet/stream-time";
import { MIN_TIME } from "freshet/time";
import { WatermarkCombiner } from "freshet/watermark-combiner";
import type { Observed } from "./observed.ts";
import type { Element, Fields, Step } from "./vector.ts";

type Host<Out, State> = KeyedHost<Element, Out, State>;

function feed<Out, State>(host: Host<Out, State>, element: Element, domain: string): void {
  const key = String(element.key);
  if (domain === "processing") host.elementAtClock(key, element);
  else if (domain === "streamTime") streamElement(host, key, element.ts, element);
  else host.element(key, element.ts, element);
}

function moveTime<Out, State>(host: Host<Out, State>, step: Step, inputs: WatermarkCombiner): void {
  const at = step.watermark ?? step.processingTime ?? MIN_TIME;
  if (step.input === undefined) host.advance(at);
  else {
    inputs.advance(step.input === "left" ? 0 : 1, at);
    host.advance(inputs.watermark);
  }
}

/** Does the steps, on a host that is rebuilt from its own bytes when the vector says so. */
export function drive<Out, State>(
  seen: Observed,
  logic: KeyedLogic<Element, Out, State>,
  show: (out: Out) => Fields,
  after: (host: Host<Out, State>) => void = () => {},
): void {
  const { steps, config } = seen.vector;
  const keys = new Map(steps.map(({ element }) => [String(element?.key), element?.key]));
  const sink: HostSink<Out> = {
    emit: (out, key) => seen.output({ key: keys.get(key), ...show(out) }),
    late: (element) => seen.late(element),
  };
  const inputs = new WatermarkCombiner(2);
  let host = new KeyedHost(logic, sink);
  for (const [index, step] of steps.entries()) {
    seen.step = index;
    if (step.snapshotRestore)
      host = KeyedHost.restore(logic, sink, decode(encode(host.snapshot())));
    else if (step.element === undefined) moveTime(host, step, inputs);
    else feed(host, step.element, config.timeDomain ?? "event");
    after(host);
  }
  seen.judge();
}
