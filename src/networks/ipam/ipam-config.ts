import { forbidden, invalid, notFound, notImplemented } from "../../base/errors.ts";
import type { Ipam, IpamPool } from "../networks.ts";
import { type AddressPool, firstFreeSubnet, firstHost } from "./address-pools.ts";
import { contains, formatIpv4, formatSubnet, lastOf, overlaps, parseCidr, parseIpv4, type Subnet } from "./ipv4.ts";

/** What a new network's subnet must keep clear of. */
export interface SubnetsInUse {
  /** Of the engine's other networks: no pool may overlap them. */
  readonly networks: readonly Subnet[];
  /** Of the host's routes and addresses: a subnet that the engine chooses keeps clear of them, too. */
  readonly host: readonly Subnet[];
}

/** Checks the addresses that a user asks for and fills in what is left open: the subnet and the gateway. */
export function completeIpam(asked: Ipam | undefined, pools: readonly AddressPool[], inUse: SubnetsInUse): Ipam {
  const driver = asked?.driver || "default";
  if (driver !== "default") throw notFound(`plugin "${driver}" not found`);
  const config = asked?.config ?? [];
  const problems = config.flatMap(problemsOf);
  if (problems.length > 0) throw invalid(`invalid network config:\n${problems.join("\n")}`);
  if (config.length > 1) throw invalid("bridge driver doesn't support multiple subnets");
  const [pool] = config;
  const subnet = pool ? parseCidr(pool.subnet!)!.subnet : firstFreeSubnet(pools, [...inUse.networks, ...inUse.host]);
  if (inUse.networks.some((other) => overlaps(other, subnet))) {
    throw forbidden("invalid pool request: Pool overlaps with other one on this address space");
  }
  const gateway = pool?.gateway || gatewayIn(subnet, pool?.ipRange);
  return { driver, options: asked?.options ?? {}, config: [{ ...pool, subnet: formatSubnet(subnet), gateway }] };
}

/** The first address of the range that is given out, which is what Docker's allocator hands its gateway. */
function gatewayIn(subnet: Subnet, ipRange: string | undefined): string {
  const range = ipRange ? parseCidr(ipRange)!.subnet : subnet;
  return range.base === subnet.base ? firstHost(subnet) : formatIpv4(range.base);
}

function problemsOf(pool: IpamPool): string[] {
  const text = pool.subnet ?? "";
  if (text.includes(":")) throw notImplemented("IPv6 networks are not implemented yet");
  const parsed = parseCidr(text);
  if (!parsed) return [`invalid subnet ${text}: invalid CIDR block notation`];
  const { subnet } = parsed;
  if (parsed.address !== subnet.base) return [`invalid subnet ${text}: it should be ${formatSubnet(subnet)}`];
  const problems = pool.ipRange ? rangeProblems(pool.ipRange, subnet) : [];
  if (pool.gateway) problems.push(...addressProblems("gateway", pool.gateway, subnet));
  for (const [name, address] of Object.entries(pool.auxAddresses ?? {})) {
    problems.push(...addressProblems(`auxiliary address ${name}`, address, subnet));
  }
  return problems;
}

function rangeProblems(text: string, subnet: Subnet): string[] {
  const range = parseCidr(text)?.subnet;
  if (!range) return [`invalid ip-range ${text}: invalid CIDR block notation`];
  if (contains(subnet, range.base) && contains(subnet, lastOf(range))) return [];
  return [`invalid ip-range ${text}: parent subnet ${formatSubnet(subnet)} doesn't contain ip-range`];
}

function addressProblems(what: string, text: string, subnet: Subnet): string[] {
  const address = parseIpv4(text);
  if (address === undefined) return [`invalid ${what} ${text}: invalid address`];
  if (contains(subnet, address)) return [];
  return [`invalid ${what} ${text}: parent subnet ${formatSubnet(subnet)} doesn't contain this address`];
}
