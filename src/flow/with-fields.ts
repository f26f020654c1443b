const NOTHING = {};

/**
 * What `{ ...fields, ...more }` is. A spread that stands first gives an object whose shape nothing
 * may be added to: each field behind it makes a shape for this one object, which takes a microsecond
 * and makes every later look at it a search. For what is made at every event; with no `more`, a copy
 * that fields are added to.
 */
export const withFields = <A extends object, B extends object>(
  fields: A,
  more: B,
): Omit<A, keyof B> & B => ({ ...NOTHING, ...fields, ...more });
