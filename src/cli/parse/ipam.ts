import { BlockList, isIP } from "node:net";

/** What `network create` says of addresses. */
export interface IpamRequest {
  readonly subnets: readonly string[];
  readonly ranges: readonly string[];
  readonly gateways: readonly string[];
  readonly auxiliary: Readonly<Record<string, string>>;
}

export interface IpamPool {
  Subnet: string;
  IPRange?: string;
  Gateway?: string;
  AuxiliaryAddresses?: Record<string, string>;
}

/** One pool a subnet, each range, gateway and auxiliary address with the subnet that holds it. */
export function ipamPools({ subnets, ranges, gateways, auxiliary }: IpamRequest): IpamPool[] {
  if (subnets.length < ranges.length || subnets.length < gateways.length)
    throw new Error("every ip-range or gateway must have a corresponding subnet");
  const pools: IpamPool[] = [];
  for (const subnet of subnets) {
    if (pools.some((other) => overlap(other.Subnet, subnet)))
      throw new Error("multiple overlapping subnet configuration is not supported");
    pools.push({ Subnet: subnet });
  }
  for (const range of ranges) {
    const pool = holderOf(pools, range.split("/")[0]!, `no matching subnet for range ${range}`);
    if (pool.IPRange !== undefined)
      throw new Error(
        `cannot configure multiple ranges (${range}, ${pool.IPRange}) on the same subnet (${pool.Subnet})`,
      );
    pool.IPRange = range;
  }
  for (const gateway of gateways) {
    const pool = holderOf(pools, gateway, `no matching subnet for gateway ${gateway}`);
    if (pool.Gateway !== undefined)
      throw new Error(
        `cannot configure multiple gateways (${gateway}, ${pool.Gateway}) for the same subnet (${pool.Subnet})`,
      );
    pool.Gateway = gateway;
  }
  for (const [name, address] of Object.entries(auxiliary)) {
    const pool = holderOf(pools, address, `no matching subnet for aux-address ${address}`);
    pool.AuxiliaryAddresses = { ...pool.AuxiliaryAddresses, [name]: address };
  }
  return pools;
}

function holderOf(pools: readonly IpamPool[], address: string, complaint: string): IpamPool {
  const found = pools.find((pool) => holds(pool.Subnet, address));
  if (!found) throw new Error(complaint);
  return found;
}

function holds(subnet: string, address: string): boolean {
  const [network, bits] = parts(subnet);
  const family = isIP(address);
  if (family === 0 || family !== isIP(network)) return false;
  const block = new BlockList();
  block.addSubnet(network, bits, family === 6 ? "ipv6" : "ipv4");
  return block.check(address, family === 6 ? "ipv6" : "ipv4");
}

function overlap(a: string, b: string): boolean {
  return holds(a, parts(b)[0]) || holds(b, parts(a)[0]);
}

function parts(subnet: string): [network: string, bits: number] {
  const [network = "", bits = ""] = subnet.split("/");
  const family = isIP(network);
  if (family === 0 || !/^\d+$/.test(bits) || Number(bits) > (family === 6 ? 128 : 32))
    throw new Error(`invalid subnet ${subnet}: invalid CIDR address: ${subnet}`);
  return [network, Number(bits)];
}
