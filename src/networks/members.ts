import { AddressSpace } from "./ipam/address-space.ts";
import type { Endpoint, Network, Sandbox } from "./networks.ts";

/** Who is on which network, and the addresses that they have: memory only, rebuilt from the live sandboxes. */
export class NetworkMembers {
  readonly #sandboxes = new Map<string, Sandbox>();
  readonly #spaces = new Map<string, AddressSpace>();

  /** Forgets everything and takes over these. */
  reset(live: readonly Sandbox[], networks: readonly Network[]): void {
    this.#sandboxes.clear();
    this.#spaces.clear();
    for (const sandbox of live) {
      this.#sandboxes.set(sandbox.id, sandbox);
      for (const { networkId, ipv4 } of sandbox.endpoints) {
        const network = networks.find(({ id }) => id === networkId);
        if (!network || !ipv4) continue;
        this.spaceOf(network).restore(ipv4);
      }
    }
  }

  get(id: string): Sandbox | undefined {
    return this.#sandboxes.get(id);
  }

  all(): Sandbox[] {
    return [...this.#sandboxes.values()];
  }

  set(sandbox: Sandbox): void {
    this.#sandboxes.set(sandbox.id, sandbox);
  }

  delete(id: string): void {
    this.#sandboxes.delete(id);
  }

  /** The addresses of a network that has any. */
  spaceOf(network: Network): AddressSpace {
    const known = this.#spaces.get(network.id);
    if (known) return known;
    const space = new AddressSpace(network.ipam.config[0] ?? {}, `${network.name} (${network.id})`);
    this.#spaces.set(network.id, space);
    return space;
  }

  /** Gives an endpoint's address back. */
  release({ networkId, ipv4 }: Endpoint): void {
    if (ipv4) this.#spaces.get(networkId)?.release(ipv4);
  }

  forgetNetwork(id: string): void {
    this.#spaces.delete(id);
  }

  /** The endpoints on a network. */
  on(networkId: string): Array<Endpoint & { readonly containerId: string; readonly containerName: string }> {
    return this.all().flatMap(({ id, containerName, endpoints }) =>
      endpoints
        .filter((endpoint) => endpoint.networkId === networkId)
        .map((endpoint) => ({ ...endpoint, containerId: id, containerName })),
    );
  }
}
