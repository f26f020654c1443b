import type { Cut, Part } from "../../src/state/part.ts";

interface Written {
  readonly era: number;
  readonly cut: number;
  readonly pieces: Uint8Array[];
}

/** What a store would hold of parts after some cuts, and the way back into other parts. */
export class Carrier {
  readonly #byPart = new Map<string, Written[]>();
  #cut = 0;

  /** One cut of every part, drawn to its end. */
  cut(parts: readonly Part[], whole: boolean): void {
    this.begin(parts, whole)();
  }

  /** One cut of every part, to be drawn by calling what is answered. */
  begin(parts: readonly Part[], whole: boolean): () => void {
    this.#cut += 1;
    const cut = this.#cut;
    const drawings = parts.map((part) => this.#drawing(part, part.cut(whole), cut, whole));
    return () => {
      for (const draw of drawings) draw();
    };
  }
  #drawing(part: Part, { keepFrom, pieces }: Cut, cut: number, whole: boolean): () => void {
    const before = whole ? [] : (this.#byPart.get(part.name) ?? []);
    const kept = before.filter(({ era }) => era >= keepFrom);
    return () => {
      for (const piece of pieces()) {
        if (piece === undefined) continue;
        const last = kept.at(-1);
        if (last?.cut === cut && last.era === piece.era) last.pieces.push(piece.bytes);
        else kept.push({ era: piece.era, cut, pieces: [piece.bytes] });
      }
      this.#byPart.set(part.name, kept);
    };
  }

  restore(parts: readonly Part[]): void {
    for (const part of parts) {
      for (const { era, pieces } of this.#byPart.get(part.name) ?? []) {
        part.restore(Buffer.concat(pieces), era);
      }
    }
  }
}
