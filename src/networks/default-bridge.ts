import { invalid } from "../base/errors.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { bridgeOptionNames } from "./drivers/bridge-options.ts";
import { type AddressPool, firstFreeSubnet, firstHost, subnetsInUse } from "./ipam/address-pools.ts";
import { formatIpv4, formatSubnet, parseCidr, type Subnet } from "./ipam/ipv4.ts";
import { addressesOf, readHostState } from "./kernel-state.ts";
import type { Ipam, IpamPool, Network } from "./networks.ts";
import { newNetwork } from "./records.ts";

/** What the engine's flags say about the default bridge. */
export interface DefaultBridge {
  /** The Linux bridge's name. */
  readonly bridge: string;
  /** The gateway's address with the subnet's prefix length; wins over everything else. */
  readonly bip?: string;
  readonly mtu: number;
  readonly pools: readonly AddressPool[];
}

/**
 * The record of network `bridge`: the one that is there, brought in line with the flags, or a new one. Its subnet is
 * `bip`, or what it was before, or what the Linux bridge has already, or the first of the pools that the host has no
 * use for yet.
 */
export async function defaultBridgeRecord(
  kernel: Kernel,
  flags: DefaultBridge,
  known: Network | undefined,
  others: readonly Subnet[],
): Promise<Network> {
  const pool = poolOfBip(flags.bip) ?? known?.ipam.config[0] ?? (await choosePool(kernel, flags, others));
  const ipam: Ipam = { driver: "default", config: [pool] };
  const options = {
    [bridgeOptionNames.defaultBridge]: "true",
    [bridgeOptionNames.icc]: "true",
    [bridgeOptionNames.masquerade]: "true",
    [bridgeOptionNames.hostBinding]: "0.0.0.0",
    [bridgeOptionNames.name]: flags.bridge,
    [bridgeOptionNames.mtu]: String(flags.mtu),
  };
  return known ? { ...known, ipam, options } : newNetwork({ name: "bridge", driver: "bridge", ipam, options });
}

function poolOfBip(bip: string | undefined): IpamPool | undefined {
  if (!bip) return undefined;
  const parsed = parseCidr(bip);
  if (!parsed || (parsed.address === parsed.subnet.base && parsed.subnet.prefix < 31)) {
    throw invalid(
      `invalid bip ${bip}: it should be the bridge's own address with a prefix length, such as 10.1.0.1/16`,
    );
  }
  return { subnet: formatSubnet(parsed.subnet), gateway: formatIpv4(parsed.address) };
}

async function choosePool(kernel: Kernel, flags: DefaultBridge, others: readonly Subnet[]): Promise<IpamPool> {
  const host = await readHostState(kernel);
  const existing = addressesOf(host, flags.bridge).find((address) => parseCidr(address));
  if (existing) return poolOfBip(existing)!;
  const subnet = firstFreeSubnet(flags.pools, [...others, ...(await hostSubnets(kernel))]);
  return { subnet: formatSubnet(subnet), gateway: firstHost(subnet) };
}

/** The subnets that the host's own routes and addresses cover, the default route aside. */
export async function hostSubnets(kernel: Kernel): Promise<Subnet[]> {
  const [routes, addresses] = await Promise.all([kernel.routes(), kernel.addresses()]);
  return subnetsInUse([...routes.map(({ to }) => to), ...addresses.map(({ address }) => address)]);
}
