import type { AddressInfo, Kernel, LinkInfo, NetworkOperation } from "../kernel/kernel.ts";
import { linkPrefix } from "./drivers/bridge.ts";
import { bareAddress } from "./endpoint-plan.ts";
import type { DriverPlan, Endpoint } from "./networks.ts";

/** What there is in the engine's own network namespace. */
export interface HostState {
  readonly links: readonly LinkInfo[];
  readonly addresses: readonly AddressInfo[];
}

export async function readHostState(kernel: Kernel): Promise<HostState> {
  const [links, addresses] = await Promise.all([kernel.links(), kernel.addresses()]);
  return { links, addresses };
}

/**
 * Removes the IPv4 addresses that our bridges have and that no plan gives them, for the engine was given another subnet.
 * One that is still the gateway of a live endpoint stays.
 */
export function dropStaleAddresses(
  plans: readonly DriverPlan[],
  host: HostState,
  live: readonly Endpoint[],
): NetworkOperation[] {
  const gateways = new Set(live.map(({ gateway4 }) => gateway4));
  const wanted = plans.flatMap(({ operations }) => operations);
  const isWanted = (link: string, address: string) =>
    wanted.some(
      (operation) => operation.op === "addAddress" && operation.link === link && operation.address === address,
    );
  return wanted.flatMap((operation) =>
    operation.op !== "addBridge"
      ? []
      : addressesOf(host, operation.name)
          .filter((address) => !address.includes(":") && !gateways.has(bareAddress(address)))
          .filter((address) => !isWanted(operation.name, address))
          .map((address): NetworkOperation => ({ op: "removeAddress", link: operation.name, address })),
  );
}

/**
 * Links of ours that belong to no live endpoint are to go, and live ones that lost their bridge are put back. Only links
 * with our prefix that are ports of our own bridges are taken for ours.
 */
export function mendLinks(
  host: HostState,
  bridges: ReadonlySet<string>,
  live: ReadonlyArray<Endpoint & { readonly bridge: string }>,
): NetworkOperation[] {
  const ownBridges = new Set(host.links.filter(({ name }) => bridges.has(name)).map(({ index }) => index));
  const kept = new Map(live.map((endpoint) => [endpoint.hostIfname, endpoint.bridge]));
  const pattern = new RegExp(`^${linkPrefix}[0-9a-f]{11}$`);
  return host.links.flatMap((link): NetworkOperation[] => {
    const bridge = kept.get(link.name);
    if (bridge === undefined) {
      const ours = pattern.test(link.name) && link.master !== undefined && ownBridges.has(link.master);
      return ours ? [{ op: "removeLink", name: link.name }] : [];
    }
    if (link.master === linkOf(host, bridge)?.index && link.up) return [];
    return [{ op: "setLink", name: link.name, master: bridge, up: true }];
  });
}

function linkOf(host: HostState, name: string): LinkInfo | undefined {
  return host.links.find((link) => link.name === name);
}

/** The addresses of a link, with prefix lengths. */
export function addressesOf(host: HostState, name: string): string[] {
  const link = linkOf(host, name);
  return link ? host.addresses.filter((address) => address.link === link.index).map(({ address }) => address) : [];
}
