/** A vector of `operator: "cep"`, as the README beside the vectors describes it. */
export interface CepVector {
  readonly id: string;
  readonly operator: "cep";
  readonly config: Readonly<Record<string, unknown>>;
  readonly steps: readonly Readonly<Record<string, unknown>>[];
}

/** Drives the pattern matcher with one vector; the list of mismatches is empty when it passes. */
export function runCep(vector: CepVector): string[] {
  return [`${vector.id}: patterns are not wired yet`];
}
