/** Of the package's own interface what is used here: it is no dependency, its program is 70 MB. */
export interface DuckDb {
  readonly DuckDBInstance: {
    create(path: string, options: Readonly<Record<string, string>>): Promise<DuckDbInstance>;
  };
}
interface DuckDbInstance {
  connect(): Promise<DuckDbConnection>;
  closeSync(): void;
}
interface DuckDbConnection {
  run(sql: string): Promise<unknown>;
  runAndReadAll(sql: string): Promise<{ getColumns(): readonly (readonly unknown[])[] }>;
  createAppender(table: string): Promise<DuckDbAppender>;
  closeSync(): void;
}
interface DuckDbAppender {
  appendVarchar(value: string): void;
  endRow(): void;
  closeSync(): void;
}

const PACKAGE = "@duckdb/node-api";
const VERSION = "1.5.6-r.1";
export const BRING_DUCKDB = `npm install --no-save ${PACKAGE}@${VERSION}`;

/** DuckDB where somebody brought it, undefined where nobody did. */
export async function loadDuckDb(name = PACKAGE): Promise<DuckDb | undefined> {
  try {
    return await import(name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_MODULE_NOT_FOUND") return undefined;
    throw error;
  }
}
