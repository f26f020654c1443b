import type { Users } from "./plan-compatibility.ts";

interface Definitions {
  readonly kind: string;
  /** A file of segments or rules as it was written: `let`, and a list of definitions with ids. */
  readonly file: unknown;
}

/** Which segments and rules speak of an event, and of a property with it. */
export function planUsers(files: readonly Definitions[]): Users {
  const words = files.flatMap(({ kind, file }) => {
    const root = (file ?? {}) as Readonly<Record<string, unknown>>;
    const named = (root["let"] ?? {}) as Readonly<Record<string, unknown>>;
    const list = root[`${kind}s`];
    return (Array.isArray(list) ? list : []).map((definition: unknown) => {
      const { id } = (definition ?? {}) as { readonly id?: unknown };
      return { name: `${kind} ${String(id)}`, said: withNamed(wordsOf(definition), named) };
    });
  });
  return (event, name) =>
    words
      .filter(
        ({ said }) =>
          (event === undefined || said.has(event)) && (name === undefined || said.has(name)),
      )
      .map((definition) => definition.name);
}

/** Every key and text; of a reference such as `$trigger.sku` also what stands after the dot. */
function wordsOf(part: unknown, into = new Set<string>()): Set<string> {
  if (typeof part === "string") {
    into.add(part);
    if (part.startsWith("$")) into.add(part.slice(part.lastIndexOf(".") + 1));
  } else if (typeof part === "object" && part !== null) {
    for (const [key, value] of Object.entries(part)) {
      into.add(key);
      wordsOf(value, into);
    }
  }
  return into;
}

/** With what the matchers say that are called by name. */
function withNamed(said: Set<string>, named: Readonly<Record<string, unknown>>): Set<string> {
  for (const name of [...said]) if (Object.hasOwn(named, name)) wordsOf(named[name], said);
  return said;
}
