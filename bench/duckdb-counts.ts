import type { DuckDb } from "./duckdb.ts";
import type { MakeBatchCounter } from "./sliding-peers.ts";

/** Events of the batch, and how many of each key each pane had. */
const TABLES = `
  CREATE TABLE batch (key VARCHAR);
  CREATE TABLE panes (key VARCHAR, pane BIGINT, counted BIGINT)`;

/**
 * Micro-batches as one writes them for DuckDB: the keys of a slide through its appender, grouped into a
 * pane; windows are sums over panes. On one thread. As with RxJS no event's time is looked at.
 */
export const duckdbCounts =
  (duckdb: DuckDb): MakeBatchCounter =>
  async ({ size, slide }, told) => {
    const instance = await duckdb.DuckDBInstance.create(":memory:", { threads: "1" });
    const connection = await instance.connect();
    await connection.run(TABLES);
    let keys: string[] = [];
    const append = async (): Promise<void> => {
      const appender = await connection.createAppender("batch");
      for (const key of keys) {
        appender.appendVarchar(key);
        appender.endRow();
      }
      appender.closeSync();
      keys = [];
    };
    return {
      add(key) {
        keys.push(key);
      },
      async slide(end) {
        if (keys.length > 0) await append();
        await connection.run(`
          INSERT INTO panes SELECT key, ${end - slide}, count(*) FROM batch GROUP BY key;
          DELETE FROM batch;
          DELETE FROM panes WHERE pane < ${end - size}`);
        const windows = await connection.runAndReadAll(
          "SELECT key, sum(counted)::DOUBLE FROM panes GROUP BY key",
        );
        const [of = [], counts = []] = windows.getColumns();
        for (const [i, key] of of.entries()) told(key as string, end, counts[i] as number);
      },
      close() {
        connection.closeSync();
        instance.closeSync();
      },
    };
  };
