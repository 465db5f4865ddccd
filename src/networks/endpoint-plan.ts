import { invalid } from "../base/errors.ts";
import { newId, shortId } from "../base/ids.ts";
import { linkPrefix } from "./drivers/bridge.ts";
import { parseBridgeOptions } from "./drivers/bridge-options.ts";
import { contains, parseCidr, parseIpv4 } from "./ipam/ipv4.ts";
import { macFor, parseMac } from "./ipam/mac.ts";
import type { Endpoint, EndpointRequest, Network, SandboxRequest } from "./networks.ts";
import { isPredefined } from "./records.ts";

/** Whose endpoint it is. */
export type EndpointOwner = Pick<SandboxRequest, "containerId" | "containerName" | "hostname">;

/** Throws what is wrong with the request itself: `invalid`, in Docker's words. `where` begins the message. */
export function checkEndpoint(network: Network, request: EndpointRequest, where = ""): void {
  if (request.mac && !parseMac(request.mac)) throw invalid(`${where}invalid MAC address ${request.mac}`);
  const problems: string[] = [];
  const { subnet } = network.ipam.config[0] ?? {};
  if (request.ipv6 || (request.linkLocal?.length ?? 0) > 0) {
    problems.push(`network ${network.name} has no IPv6: an IPv6 address cannot be given`);
  }
  if (request.ipv4) {
    if (parseIpv4(request.ipv4) === undefined) problems.push(`invalid IPv4 address: ${request.ipv4}`);
    else if (isPredefined(network)) {
      problems.push("user specified IP address is supported on user defined networks only");
    } else if (!subnet || !contains(parseCidr(subnet)!.subnet, parseIpv4(request.ipv4)!)) {
      problems.push(`no configured subnet or ip-range contain the IP address ${request.ipv4}`);
    }
  }
  if (problems.length === 0) return;
  const list = problems.length === 1 ? problems[0] : problems.map((problem) => `* ${problem}`).join("\n");
  throw invalid(`${where}invalid endpoint settings:\n${list}`);
}

/** An endpoint on a network without links of its own (`host`, `none`). */
export function plainEndpoint(network: Network, request: EndpointRequest): Endpoint {
  return { id: newId(), networkId: network.id, networkName: network.name, request, dnsNames: [] };
}

/** An endpoint on a bridge, with the address (and prefix length) that was found for it: gives every part its name. */
export function bridgeEndpoint(
  owner: EndpointOwner,
  network: Network,
  request: EndpointRequest,
  ipv4: string,
  index: number,
): Endpoint {
  const id = newId();
  const { gateway } = network.ipam.config[0]!;
  return {
    id,
    networkId: network.id,
    networkName: network.name,
    request,
    ifname: `${parseBridgeOptions(network.id, network.options).ifacePrefix}${index}`,
    hostIfname: `${linkPrefix}${id.slice(0, 11)}`,
    mac: request.mac ? parseMac(request.mac)! : macFor(network.id, ipv4),
    ipv4,
    ...(gateway && !network.internal ? { gateway4: gateway } : {}),
    dnsNames: isPredefined(network) ? [] : dnsNames(owner, request),
  };
}

/**
 * The endpoint that the default route leads through, and that ports are published on: the one with the highest gateway
 * priority, then by the network's name (Docker, `network connect --gw-priority`). Internal networks have no gateway.
 */
export function gatewayEndpoint(endpoints: readonly Endpoint[]): Endpoint | undefined {
  const priority = ({ request }: Endpoint) => request.gatewayPriority ?? 0;
  return endpoints
    .filter(({ gateway4 }) => gateway4 !== undefined)
    .sort((a, b) => priority(b) - priority(a) || (a.networkName < b.networkName ? -1 : 1))[0];
}

/** An address without its prefix length. */
export function bareAddress(address: string): string {
  return address.split("/")[0]!;
}

function dnsNames(owner: EndpointOwner, request: EndpointRequest): string[] {
  const names = [owner.containerName, ...(request.aliases ?? []), shortId(owner.containerId), owner.hostname];
  return [...new Set(names.filter((name) => name !== ""))];
}
