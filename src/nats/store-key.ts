import { randomBytes, scryptSync, timingSafeEqual } from "node:crypto";
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Fault } from "../faults.ts";

/**
 * The key that encrypts the store: the one handed in, else the one of the key file beside the
 * store, made on first use. A broker given the wrong key starts all the same and shows no streams,
 * so the key is checked here first, against a salted scrypt digest kept beside the store.
 */
export function storeKeyFor(folder: string, storePath: string, handedIn?: string): string {
  const hasStore = existsSync(storePath);
  const key = handedIn ?? keyFromFile(join(folder, "store.key"), hasStore);
  if (!/^[\x21-\x7e]{16,256}$/.test(key)) {
    throw new Fault(
      "FILE_UNREADABLE",
      "the store key is not 16 to 256 printable ASCII characters without a space",
      { folder },
    );
  }
  checkKey(join(folder, "store.check"), key, hasStore);
  return key;
}

function keyFromFile(path: string, hasStore: boolean): string {
  if (existsSync(path)) {
    // Whoever reads the key reads the store: nobody but the owner.
    if ((statSync(path).mode & 0o077) !== 0) chmodSync(path, 0o600);
    return readFileSync(path, "utf8").trim();
  }
  if (hasStore) {
    throw new Fault(
      "FILE_UNREADABLE",
      `the store is there and its key file ${path} is not: put the key back, hand in the key, or remove the store`,
      { path },
    );
  }
  const key = randomBytes(32).toString("base64url");
  writeFileSync(path, `${key}\n`, { mode: 0o600, flag: "wx" });
  return key;
}

function checkKey(path: string, key: string, hasStore: boolean): void {
  if (hasStore && existsSync(path)) {
    const [salt, digest] = readFileSync(path, "utf8").trim().split(":");
    const known = Buffer.from(digest ?? "", "hex");
    const given = digestOf(key, Buffer.from(salt ?? "", "hex"));
    if (known.length === given.length && timingSafeEqual(known, given)) return;
    throw new Fault(
      "FILE_UNREADABLE",
      "the store was written under another key: hand in that key, or remove the store to begin anew",
      { path },
    );
  }
  const salt = randomBytes(16);
  const line = `${salt.toString("hex")}:${digestOf(key, salt).toString("hex")}\n`;
  writeFileSync(path, line, { mode: 0o600 });
}

const digestOf = (key: string, salt: Buffer): Buffer => scryptSync(key, salt, 32);
