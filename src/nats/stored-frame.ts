import { decodeFrame, type Frame } from "../codec/frame.ts";
import { Fault } from "../faults.ts";

/** A frame where it stands on a stream. */
export interface StoredFrame {
  readonly stream: string;
  readonly subject: string;
  readonly seq: number;
  readonly data: Uint8Array;
}

/**
 * Reads what stands on a hop's subject. Throws FRAME_FOREIGN for what no engine put there: what stood
 * in its place, if anything did, is not known, so nobody may read on.
 */
export function readFrame(stored: StoredFrame): Frame {
  let frame: Frame;
  try {
    frame = decodeFrame(stored.data);
  } catch (error) {
    throw foreignFrame(stored, error);
  }
  const { source, previous, records } = frame;
  if (typeof source !== "string" || !Array.isArray(previous) || !Array.isArray(records))
    throw foreignFrame(stored);
  return frame;
}

/** What stands there is of no engine with this job. */
export function foreignFrame({ stream, subject, seq }: StoredFrame, cause?: unknown): Fault {
  const place = { stream, subject, seq };
  const fact = `record ${seq} of stream ${stream}, on ${subject}, is no frame of this engine`;
  return new Fault("FRAME_FOREIGN", fact, place, cause);
}
