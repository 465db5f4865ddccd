import { isIPv4 } from "node:net";

/** An IPv4 subnet as numbers: its first address and the length of its prefix. */
export interface Subnet {
  readonly base: number;
  readonly prefix: number;
}

/** The address as an unsigned 32-bit number; undefined where the text is none. */
export function parseIpv4(text: string): number | undefined {
  if (!isIPv4(text)) return undefined;
  return text.split(".").reduce((value, part) => value * 256 + Number(part), 0);
}

export function formatIpv4(value: number): string {
  return [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255].join(".");
}

/** `a.b.c.d/n` with any host bits; undefined where the text is no such thing. */
export function parseCidr(text: string): { readonly address: number; readonly subnet: Subnet } | undefined {
  const match = /^([^/]+)\/(\d{1,2})$/.exec(text);
  const address = match && parseIpv4(match[1]!);
  const prefix = Number(match?.[2]);
  if (address === undefined || address === null || !(prefix <= 32)) return undefined;
  return { address, subnet: { base: (address & mask(prefix)) >>> 0, prefix } };
}

export function formatSubnet(subnet: Subnet): string {
  return `${formatIpv4(subnet.base)}/${subnet.prefix}`;
}

/** How many addresses there are in it. */
export function sizeOf(subnet: Subnet): number {
  return 2 ** (32 - subnet.prefix);
}

/** Its last address: the broadcast address, for subnets that have one. */
export function lastOf(subnet: Subnet): number {
  return subnet.base + sizeOf(subnet) - 1;
}

export function contains(subnet: Subnet, address: number): boolean {
  return address >= subnet.base && address <= lastOf(subnet);
}

export function overlaps(a: Subnet, b: Subnet): boolean {
  return a.base <= lastOf(b) && b.base <= lastOf(a);
}

function mask(prefix: number): number {
  return prefix === 0 ? 0 : (0xffffffff << (32 - prefix)) >>> 0;
}
