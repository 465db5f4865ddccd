import { conflict, forbidden, invalid, notFound } from "../base/errors.ts";
import { newId } from "../base/ids.ts";
import { formatNano, nowNano } from "../base/time.ts";
import type { Store, Table } from "../store/store.ts";
import type { Network, NetworkRequest } from "./networks.ts";

/** The names of the networks that are always there. */
const predefined: readonly string[] = ["bridge", "host", "none"];

/** The persisted networks, by ID, and a copy in memory: every start of a container asks for them. */
export class NetworkRecords {
  readonly #table: Table<Network>;
  readonly #known: Map<string, Network>;

  constructor(store: Store) {
    this.#table = store.table<Network>("networks", { version: 1 });
    this.#known = new Map(this.#table.entries());
  }

  list(): Network[] {
    return [...this.#known.values()];
  }

  byId(id: string): Network | undefined {
    return this.#known.get(id);
  }

  /** By name, then by ID, then by unambiguous prefix of one. */
  find(reference: string): Network {
    const all = this.list();
    const exact = all.find(({ name }) => name === reference) ?? all.find(({ id }) => id === reference);
    if (exact) return exact;
    const matches = reference === "" ? [] : all.filter(({ id }) => id.startsWith(reference));
    if (matches.length > 1) {
      throw invalid(`network ${reference} is ambiguous (${matches.length} matches found based on ID prefix)`);
    }
    if (!matches[0]) throw notFound(`network ${reference} not found`, { id: reference });
    return matches[0];
  }

  async put(network: Network): Promise<void> {
    await this.#table.put(network.id, network);
    this.#known.set(network.id, network);
  }

  async remove(id: string): Promise<void> {
    await this.#table.remove(id);
    this.#known.delete(id);
  }

  /** Refuses a name that cannot be had. */
  checkName(name: string): void {
    if (name === "") throw invalid("invalid name: name is empty");
    if (predefined.includes(name)) throw forbidden(`operation is not permitted on predefined ${name} network `);
    if (this.list().some((other) => other.name === name)) throw conflict(`network with name ${name} already exists`);
  }
}

/** True for the networks that are always there. */
export function isPredefined(network: Network): boolean {
  return predefined.includes(network.name);
}

/** A new record with an ID of its own, of the request and what was left open in it. */
export function newNetwork(request: NetworkRequest & Pick<Network, "driver" | "ipam">): Network {
  return {
    id: newId(),
    name: request.name,
    driver: request.driver,
    scope: "local",
    created: formatNano(nowNano()),
    internal: request.internal ?? false,
    attachable: request.attachable ?? false,
    enableIPv4: request.enableIPv4 ?? true,
    enableIPv6: request.enableIPv6 ?? false,
    ipam: request.ipam,
    options: request.options ?? {},
    labels: request.labels ?? {},
  };
}
