/** Throws when a snapshot has another shape than this program writes. */
export function requireVersion(what: string, found: number, known: number): void {
  if (found === known) return;
  throw new Error(`${what} of version ${found} cannot be read: this program writes ${known}`);
}
