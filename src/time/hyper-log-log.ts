/**
 * HyperLogLog of 2^precision registers, one byte each (Flajolet et al. 2007, with linear counting
 * for small numbers as there in figure 3; hashes have 64 bits, so no correction for large ones).
 * Standard error about 1.04 / sqrt(registers).
 */
export type Registers = Uint8Array;

export const newRegisters = (precision: number): Registers => new Uint8Array(1 << precision);

/** Two 32-bit halves of a 64-bit hash of `text`: FNV-1a twice with different starts, mixed. */
export function hash64(text: string): readonly [number, number] {
  let a = 0x811c9dc5;
  let b = 0x9747b28c;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    a = Math.imul(a ^ unit, 0x01000193);
    b = Math.imul(b ^ unit, 0x85ebca6b) ^ (b >>> 15);
  }
  return [fmix(a ^ text.length), fmix(b + a)];
}

/** The finaliser of MurmurHash3. */
function fmix(hash: number): number {
  let h = hash;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

export function offer(registers: Registers, hash: readonly [number, number]): void {
  const index = hash[0] & (registers.length - 1);
  // 32 bits of the other half give ranks 1…33: enough for 2^32 per register.
  const rank = Math.clz32(hash[1]) + 1;
  if (rank > (registers[index] ?? 0)) registers[index] = rank;
}

export function union(into: Registers, from: Registers): void {
  for (let i = 0; i < into.length; i++) {
    const rank = from[i] ?? 0;
    if (rank > (into[i] ?? 0)) into[i] = rank;
  }
}

export function estimate(registers: Registers): number {
  const m = registers.length;
  let inverse = 0;
  let zeros = 0;
  for (const rank of registers) {
    inverse += 2 ** -rank;
    if (rank === 0) zeros++;
  }
  const alpha = 0.7213 / (1 + 1.079 / m);
  const raw = (alpha * m * m) / inverse;
  return Math.round(raw <= 2.5 * m && zeros > 0 ? m * Math.log(m / zeros) : raw);
}
