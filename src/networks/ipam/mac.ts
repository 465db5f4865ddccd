import { createHash } from "node:crypto";

/**
 * The MAC address of an endpoint: locally administered, and always the same for an address of a network. An address
 * that goes to the next container soon after the last has left would else stay bound to the old MAC in the neighbour
 * caches of the host and of the other containers, and be unreachable for up to a minute.
 */
export function macFor(networkId: string, address: string): string {
  const digest = createHash("sha256").update(`${networkId} ${address}`).digest();
  digest[0] = 0x02;
  return [...digest.subarray(0, 6)].map((byte) => byte.toString(16).padStart(2, "0")).join(":");
}

/** Six octets in hex with colons or dashes, and no multicast address; in lower case with colons, undefined where it is none. */
export function parseMac(text: string): string | undefined {
  if (!/^[0-9a-f]{2}([:-][0-9a-f]{2}){5}$/i.test(text)) return undefined;
  if (Number.parseInt(text.slice(0, 2), 16) & 1) return undefined;
  return text.toLowerCase().replaceAll("-", ":");
}
