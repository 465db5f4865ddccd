import { exhausted, invalid } from "../../base/errors.ts";
import { formatIpv4, lastOf, overlaps, parseCidr, type Subnet, sizeOf } from "./ipv4.ts";

/** A range that subnets of the given prefix length are cut from (`default-address-pools` of dockerd). */
export interface AddressPool {
  readonly base: string;
  readonly size: number;
}

/** Docker's own (dockerd reference, "Configure default address pools"). */
export const dockerPools: readonly AddressPool[] = [
  { base: "172.17.0.0/16", size: 16 },
  { base: "172.18.0.0/16", size: 16 },
  { base: "172.19.0.0/16", size: 16 },
  { base: "172.20.0.0/14", size: 16 },
  { base: "172.24.0.0/14", size: 16 },
  { base: "172.28.0.0/14", size: 16 },
  { base: "192.168.0.0/16", size: 20 },
];

/** The first subnet of the pools that overlaps none of `taken`. Throws `exhausted` where there is none. */
export function firstFreeSubnet(pools: readonly AddressPool[], taken: readonly Subnet[]): Subnet {
  for (const pool of pools) {
    for (const subnet of subnetsOf(pool)) if (!taken.some((other) => overlaps(other, subnet))) return subnet;
  }
  throw exhausted("all predefined address pools have been fully subnetted");
}

function* subnetsOf(pool: AddressPool): Generator<Subnet> {
  const range = parseCidr(pool.base)?.subnet;
  if (!range || !Number.isInteger(pool.size) || pool.size < range.prefix || pool.size > 32) {
    throw invalid(`invalid default address pool: base ${pool.base}, size ${pool.size}`);
  }
  const step = sizeOf({ base: 0, prefix: pool.size });
  for (let base = range.base; base <= lastOf(range); base += step) yield { base, prefix: pool.size };
}

/** What the host uses already, from the text of its routes and addresses; default routes and IPv6 are passed over. */
export function subnetsInUse(cidrs: readonly string[]): Subnet[] {
  return cidrs
    .map((text) => parseCidr(text)?.subnet)
    .filter((subnet): subnet is Subnet => subnet !== undefined && subnet.prefix > 0);
}

/** A subnet's gateway: its first address that a host can have. */
export function firstHost(subnet: Subnet): string {
  return formatIpv4(subnet.prefix >= 31 ? subnet.base : subnet.base + 1);
}
