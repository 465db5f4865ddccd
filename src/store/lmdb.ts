import { constants } from "node:os";
import { join } from "node:path";
import { setTimeout as later } from "node:timers/promises";
import { type Database, open, type RootDatabase } from "lmdb";
import { corrupt, exhausted, type KeelsonError, unavailable, withKind } from "../base/errors.ts";
import { Reserve } from "./reserve.ts";
import type { Store, Table, TableOptions } from "./store.ts";

interface Stamped<T> {
  readonly v: number;
  readonly r: T;
}

/** Opens (or creates) the LMDB store in the folder `path`. One process at a time: the engine holds the data root's lock. */
export function openStore(path: string): Store {
  try {
    const root = open({ path, encoding: "json", maxDbs: 64, noMemInit: true });
    return new LmdbStore(root, new Reserve(root, join(path, "data.mdb")));
  } catch (error) {
    throw withKind(error);
  }
}

class LmdbStore implements Store {
  readonly #root: RootDatabase;
  readonly #reserve: Reserve;
  readonly #tables = new Map<string, LmdbTable<object>>();
  /** LMDB throws where nobody can catch it when it is written to after it was closed. */
  readonly #state = { isOpen: true };

  constructor(root: RootDatabase, reserve: Reserve) {
    this.#root = root;
    this.#reserve = reserve;
  }

  table<T extends object>(name: string, options: TableOptions<T>): Table<T> {
    const known = this.#tables.get(name);
    if (known) return known as unknown as Table<T>;
    const db = this.#root.openDB<Stamped<T>, string>({ name, encoding: "json" });
    const made = new LmdbTable<T>(name, db, this.#reserve, { ...options, state: this.#state });
    this.#tables.set(name, made as unknown as LmdbTable<object>);
    return made;
  }

  async transaction<R>(body: () => R): Promise<R> {
    checkOpen(this.#state);
    try {
      return await this.#root.childTransaction(() => this.#reserve.watch(body));
    } catch (error) {
      throw await reasonOf(error);
    }
  }

  async close(): Promise<void> {
    this.#state.isOpen = false;
    this.#reserve.close();
    await this.#root.flushed;
    await this.#root.close();
  }
}

interface State {
  isOpen: boolean;
}

function checkOpen({ isOpen }: State): void {
  if (!isOpen) throw unavailable("the store is closed");
}

class LmdbTable<T extends object> implements Table<T> {
  readonly #name: string;
  readonly #db: Database<Stamped<T>, string>;
  readonly #reserve: Reserve;
  readonly #options: TableOptions<T> & { readonly state: State };

  constructor(
    name: string,
    db: Database<Stamped<T>, string>,
    reserve: Reserve,
    options: TableOptions<T> & { readonly state: State },
  ) {
    this.#name = name;
    this.#db = db;
    this.#reserve = reserve;
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
    checkOpen(this.#options.state);
    if (!this.#reserve.keep() && !this.#db.doesExist(key) && this.#reserve.refuse()) return;
    await this.#write(() => this.#db.put(key, { v: this.#options.version, r: record }));
  }

  async remove(key: string): Promise<void> {
    checkOpen(this.#options.state);
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
      throw await reasonOf(error);
    }
  }
}

/** Why a commit failed: LMDB says it in a promise of its own, which it rejects a moment later. */
async function reasonOf(error: unknown): Promise<KeelsonError> {
  const { commitError } = error as { readonly commitError?: Promise<unknown> };
  const given = commitError?.catch((reason: unknown) => reason);
  const reason =
    given === undefined ? error : ((await Promise.race([given, later(1000, undefined, { ref: false })])) ?? error);
  const { code } = reason as { readonly code?: unknown };
  if (code !== constants.errno.ENOSPC) return withKind(reason);
  return exhausted("no space left on device", { errno: "ENOSPC", cause: reason });
}
