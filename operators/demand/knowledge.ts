/** What one key learned, on its way to a publisher that gathers such entries into messages. */
export interface Knowledge {
  readonly kind: "knowledge";
  readonly of:
    | "covisit"
    | "popular"
    | "trending"
    | "kinds"
    | "breaker"
    | "leaders"
    | "spending"
    | "clusters";
  /** Of the fact, e.g. a sku. */
  readonly key: string;
  /** Null takes the fact back. */
  readonly value: unknown;
  /** Key of the record it was learned from: decides the shard. */
  readonly from: string;
}
