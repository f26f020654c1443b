import { withFields } from "../../src/flow/with-fields.ts";

type Records<V> = Readonly<Record<string, V>>;

/** The records without those that are not to stay. */
export const kept = <V>(records: Records<V>, stays: (one: V) => boolean): Records<V> =>
  Object.fromEntries(Object.entries(records).filter(([, one]) => stays(one)));

/** The records with one more, or with another of that name. */
export function withOne<V>(records: Records<V>, name: string, one: V): Records<V> {
  const all: Record<string, V> = withFields(records, {});
  all[name] = one;
  return all;
}

/** The records without one. */
export function without<V>(records: Records<V>, name: string): Records<V> {
  if (!(name in records)) return records;
  const { [name]: _gone, ...others } = records;
  return others;
}

export function isEmpty(records: Records<unknown>): boolean {
  for (const _name in records) return false;
  return true;
}
