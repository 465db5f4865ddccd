import { type Database, open, type RootDatabase } from "lmdb";
import { corrupt, withKind } from "../base/errors.ts";
import type { Store, Table, TableOptions } from "./store.ts";

interface Stamped<T> {
  readonly v: number;
  readonly r: T;
}

/** Opens (or creates) the LMDB store in the folder `path`. One process at a time: the engine holds the data root's lock. */
export function openStore(path: string): Store {
  try {
    return new LmdbStore(open({ path, encoding: "json", maxDbs: 64, noMemInit: true }));
  } catch (error) {
    throw withKind(error);
  }
}

class LmdbStore implements Store {
  readonly #root: RootDatabase;
  readonly #tables = new Map<string, LmdbTable<object>>();

  constructor(root: RootDatabase) {
    this.#root = root;
  }

  table<T extends object>(name: string, options: TableOptions<T>): Table<T> {
    const known = this.#tables.get(name);
    if (known) return known as unknown as Table<T>;
    const made = new LmdbTable<T>(name, this.#root.openDB<Stamped<T>, string>({ name, encoding: "json" }), options);
    this.#tables.set(name, made as unknown as LmdbTable<object>);
    return made;
  }

  async transaction<R>(body: () => R): Promise<R> {
    try {
      return await this.#root.childTransaction(body);
    } catch (error) {
      throw withKind(error);
    }
  }

  async close(): Promise<void> {
    await this.#root.flushed;
    await this.#root.close();
  }
}

class LmdbTable<T extends object> implements Table<T> {
  readonly #name: string;
  readonly #db: Database<Stamped<T>, string>;
  readonly #options: TableOptions<T>;

  constructor(name: string, db: Database<Stamped<T>, string>, options: TableOptions<T>) {
    this.#name = name;
    this.#db = db;
    this.#options = options;
  }

  get(key: string): T | undefined {
    const stamped = this.#db.get(key);
    return stamped === undefined ? undefined : this.#read(key, stamped);
  }

  entries(prefix = ""): Array<readonly [string, T]> {
    const range = prefix === "" ? {} : { start: prefix, end: `${prefix}\uffff` };
    return [...this.#db.getRange(range)].map(({ key, value }) => [key, this.#read(key, value)] as const);
  }

  async put(key: string, record: T): Promise<void> {
    await this.#write(() => this.#db.put(key, { v: this.#options.version, r: record }));
  }

  async remove(key: string): Promise<void> {
    await this.#write(() => this.#db.remove(key));
  }

  #read(key: string, { v, r }: Stamped<T>): T {
    if (v === this.#options.version) return r;
    if (v < this.#options.version && this.#options.upgrade) return this.#options.upgrade(r, v);
    throw corrupt(
      `${this.#name}/${key}: its record has schema version ${v}, this engine knows ${this.#options.version}`,
    );
  }

  async #write(write: () => Promise<boolean>): Promise<void> {
    try {
      await write();
    } catch (error) {
      throw withKind(error);
    }
  }
}
