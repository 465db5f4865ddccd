/**
 * The metadata contract: named tables of JSON records in one transactional store. A record is immutable data; `put`
 * replaces it whole. Reads are synchronous and see the last committed write; writes resolve once committed (visible to
 * later readers and to a process that opens the store after this one was killed).
 */
export interface Store {
  /** The table of that name; `version` is the schema version that each record is stamped with. */
  table<T extends object>(name: string, options: TableOptions<T>): Table<T>;
  /** Runs `body` in one transaction: all of its writes are committed together or, where it throws, none is. */
  transaction<R>(body: () => R): Promise<R>;
  /** Flushes to disk and closes. */
  close(): Promise<void>;
}

export interface TableOptions<T> {
  readonly version: number;
  /** Brings a record of an older version up to date. A record of a newer version is refused as `corrupt`. */
  readonly upgrade?: (record: unknown, version: number) => T;
}

export interface Table<T extends object> {
  get(key: string): T | undefined;
  /** Every record in key order. `prefix` keeps the keys that begin so. */
  entries(prefix?: string): Array<readonly [key: string, record: T]>;
  put(key: string, record: T): Promise<void>;
  /** Removes the record; removing nothing is no error. */
  remove(key: string): Promise<void>;
}
