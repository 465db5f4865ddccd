import { conflict, invalid, notFound } from "../base/errors.ts";
import type { Store, Table } from "../store/store.ts";
import type { Container, ContainerState, ContainerStatus } from "./containers.ts";

/** Who may become what. `created` comes back from `running` where a start failed half-way. */
const transitions: Readonly<Record<ContainerStatus, readonly ContainerStatus[]>> = {
  created: ["running", "removing"],
  running: ["created", "exited", "paused", "restarting", "removing"],
  paused: ["running", "exited", "removing"],
  restarting: ["running", "exited", "removing"],
  exited: ["running", "restarting", "removing"],
  removing: ["created", "dead"],
  dead: ["removing"],
};

/**
 * The records of all containers: in memory for reading, in the store for the next start. A change is visible at once;
 * the promise that it returns resolves when it is committed.
 */
export class ContainerRecords {
  readonly #table: Table<Container>;
  readonly #byId = new Map<string, Container>();
  /** Names are taken from before the record is there, so that two creations of one name cannot both win. */
  readonly #idByName = new Map<string, string>();

  constructor(store: Store) {
    this.#table = store.table<Container>("containers", { version: 1 });
    for (const [id, container] of this.#table.entries()) {
      this.#byId.set(id, container);
      this.#idByName.set(container.name, id);
    }
  }

  all(): Container[] {
    return [...this.#byId.values()];
  }

  /** The record, or `notFound`. */
  get(id: string): Container {
    const container = this.#byId.get(id);
    if (!container) throw notFound(`No such container: ${id}`, { id });
    return container;
  }

  find(id: string): Container | undefined {
    return this.#byId.get(id);
  }

  /** By full ID, name (with or without the slash), or unambiguous ID prefix, in that order. */
  resolve(reference: string): Container {
    const exact = this.#byId.get(reference) ?? this.#byName(reference);
    if (exact) return exact;
    if (/^[0-9a-f]{1,64}$/.test(reference)) {
      const found = this.all().filter((container) => container.id.startsWith(reference));
      if (found.length === 1) return found[0]!;
      if (found.length > 1) throw invalid(`multiple IDs found with provided prefix: ${reference}`);
    }
    throw notFound(`No such container: ${reference}`, { id: reference });
  }

  /** Like {@link resolve}, without an error where there is none. */
  tryResolve(reference: string): Container | undefined {
    try {
      return this.resolve(reference);
    } catch {
      return undefined;
    }
  }

  #byName(reference: string): Container | undefined {
    const id = this.#idByName.get(reference.replace(/^\//, ""));
    return id === undefined ? undefined : this.#byId.get(id);
  }

  /** Reserves a name, or throws `conflict` in Docker's words. */
  takeName(name: string, id: string): void {
    const holder = this.#idByName.get(name);
    if (holder !== undefined && holder !== id)
      throw conflict(
        `Conflict. The container name "/${name}" is already in use by container "${holder}". ` +
          "You have to remove (or rename) that container to be able to reuse that name.",
        { id: holder },
      );
    this.#idByName.set(name, id);
  }

  hasName(name: string): boolean {
    return this.#idByName.has(name);
  }

  releaseName(name: string, id: string): void {
    if (this.#idByName.get(name) === id) this.#idByName.delete(name);
  }

  /** A new record that cannot be stored is taken back; a change stays, for it tells what is. */
  async put(container: Container): Promise<void> {
    const before = this.#byId.get(container.id);
    this.#byId.set(container.id, container);
    try {
      await this.#table.put(container.id, container);
    } catch (error) {
      const taken = before === undefined || before.state.status === "removing";
      if (taken && this.#byId.get(container.id) === container) this.#restore(container.id, before);
      throw error;
    }
  }

  #restore(id: string, before: Container | undefined): void {
    if (before) this.#byId.set(id, before);
    else this.#byId.delete(id);
  }

  update(id: string, change: Partial<Container>): Promise<void> {
    return this.put({ ...this.get(id), ...change });
  }

  /** Changes the state, by the table of transitions. */
  move(id: string, state: Partial<ContainerState>, change: Partial<Container> = {}): Promise<void> {
    const container = this.get(id);
    const from = container.state.status;
    const to = state.status ?? from;
    if (to !== from && !transitions[from].includes(to))
      throw conflict(`container ${id} is ${from} and cannot become ${to}`, { id });
    return this.put({ ...container, ...change, state: { ...container.state, ...state } });
  }

  remove(id: string): Promise<void> {
    const container = this.#byId.get(id);
    if (container) this.releaseName(container.name, id);
    this.#byId.delete(id);
    return this.#table.remove(id);
  }
}
