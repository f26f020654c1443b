import type { Facts } from "../flow/operator.ts";
import type { Joined } from "../time/interval-join.ts";
import type { JoinedRow, WindowJoinOptions } from "../time/window-join.ts";
import type { Source } from "./body.ts";

/** A value of one of two streams. */
export type Side<Left, Right> =
  | { readonly side: "left"; readonly value: Left }
  | { readonly side: "right"; readonly value: Right };

/** A pair, each side with its own type. */
export type IntervalRow<Left, Right> = Omit<Joined<unknown, unknown>, "left" | "right"> & {
  readonly left: Left;
  readonly right: Right;
};

export type JoinKind = WindowJoinOptions<unknown>["kind"];
export type Nearness = Omit<WindowJoinOptions<unknown>, "kind" | "late">;

/** A row; null only where the kind of join lets a side be missing. */
export type NearRow<Kind extends JoinKind, Left, Right> = Pick<JoinedRow<unknown>, "at"> &
  (
    | { readonly left: Left; readonly right: Right }
    | (Kind extends "left" | "outer" ? { readonly left: Left; readonly right: null } : never)
    | (Kind extends "outer" ? { readonly left: null; readonly right: Right } : never)
  );

/** Two streams as one; an event that both take goes to the left first. */
export function sides<In, Left, Right>(
  left: Source<In, Left>,
  right: Source<In, Right>,
): Source<In, Side<Left, Right>> {
  return {
    name: left.name,
    from: [...new Set([...left.from, ...right.from])],
    key(event) {
      const here = left.key(event);
      const there = right.key(event);
      if (here !== undefined && there !== undefined && here !== there) {
        throw new Error(`${left.name}: an event that belongs to both sides has two keys`);
      }
      return here ?? there;
    },
    read: (event: In, facts: Facts) => [
      ...left.read(event, facts).map((value) => ({ side: "left", value }) as const),
      ...right.read(event, facts).map((value) => ({ side: "right", value }) as const),
    ],
  };
}
