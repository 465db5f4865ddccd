import { exhausted, invalid, systemError } from "../../base/errors.ts";
import type { IpamPool } from "../networks.ts";
import { contains, formatIpv4, lastOf, parseCidr, parseIpv4, type Subnet } from "./ipv4.ts";

/**
 * The addresses of one network, kept in memory and rebuilt from the live sandboxes at a restart. The lowest free one is
 * given, as Docker's does. Never given: the subnet's own address, its broadcast address, the gateway, auxiliary ones.
 */
export class AddressSpace {
  readonly subnet: Subnet;
  readonly #label: string;
  readonly #range: Subnet;
  readonly #taken = new Set<number>();
  /** No address below it is free. */
  #lowest: number;

  /** `label` names the network in errors. The pool's subnet must be set and valid. */
  constructor(pool: IpamPool, label: string) {
    this.subnet = subnetOf(pool.subnet);
    this.#label = label;
    this.#range = pool.ipRange ? subnetOf(pool.ipRange) : this.subnet;
    this.#lowest = this.#range.base;
    if (this.subnet.prefix < 31) this.#taken.add(this.subnet.base).add(lastOf(this.subnet));
    for (const text of [pool.gateway, ...Object.values(pool.auxAddresses ?? {})]) {
      const address = text === undefined ? undefined : parseIpv4(text);
      if (address !== undefined) this.#taken.add(address);
    }
  }

  /** Takes the wanted address, or the lowest free one; returned with the subnet's prefix length. */
  take(wanted?: string): string {
    const address = wanted ? this.#claim(wanted) : this.#next();
    this.#taken.add(address);
    return `${formatIpv4(address)}/${this.subnet.prefix}`;
  }

  /** Marks the address of a container that outlived the engine as taken, wherever it lies. */
  restore(text: string): void {
    const address = parseIpv4(text.split("/")[0]!);
    if (address !== undefined) this.#taken.add(address);
  }

  /** Gives an address back, with or without its prefix length. */
  release(text: string): void {
    const address = parseIpv4(text.split("/")[0]!);
    if (address === undefined || !this.#taken.delete(address)) return;
    if (contains(this.#range, address)) this.#lowest = Math.min(this.#lowest, address);
  }

  #claim(text: string): number {
    const address = parseIpv4(text);
    if (address === undefined || !contains(this.subnet, address)) {
      throw invalid(`no configured subnet or ip-range contain the IP address ${text}`);
    }
    if (this.#taken.has(address)) throw systemError("Address already in use");
    return address;
  }

  #next(): number {
    const last = lastOf(this.#range);
    let address = this.#lowest;
    while (address <= last && this.#taken.has(address)) address++;
    this.#lowest = address;
    if (address <= last) return address;
    throw exhausted(`no available IPv4 addresses on this network's address pools: ${this.#label}`);
  }
}

function subnetOf(text: string | undefined): Subnet {
  const parsed = parseCidr(text ?? "");
  if (!parsed) throw invalid(`invalid subnet ${text ?? ""}: invalid CIDR block notation`);
  return parsed.subnet;
}
