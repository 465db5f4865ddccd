import { isIPv4, isIPv6 } from "node:net";
import { failure } from "../sys/errno.ts";

/** An address or a network as the kernel takes it. */
export interface Prefix {
  /** `AF_INET` or `AF_INET6`. */
  readonly family: 2 | 10;
  readonly bytes: Buffer;
  readonly length: number;
}

/** The 4 or 16 bytes of an address in text form. Throws `EINVAL` where it is none. */
export function addressBytes(text: string): Buffer {
  if (isIPv4(text)) return Buffer.from(text.split(".").map(Number));
  if (isIPv6(text) && !text.includes("%")) return ipv6Bytes(text);
  throw failure(`address ${text}`, "EINVAL");
}

function ipv6Bytes(text: string): Buffer {
  const tail = /:(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(text);
  const plain = tail ? `${text.slice(0, tail.index)}:${hexPair(tail[1], tail[2])}:${hexPair(tail[3], tail[4])}` : text;
  const [head = "", rest] = plain.split("::");
  const before = head === "" ? [] : head.split(":");
  const after = rest === undefined || rest === "" ? [] : rest.split(":");
  const zeros = Array<string>(8 - before.length - after.length).fill("0");
  const bytes = Buffer.alloc(16);
  [...before, ...zeros, ...after].forEach((group, index) => {
    bytes.writeUInt16BE(Number.parseInt(group, 16), index * 2);
  });
  return bytes;
}

const hexPair = (high: string | undefined, low: string | undefined): string =>
  ((Number(high) << 8) | Number(low)).toString(16);

/** Parses `172.17.0.2/16`; without a length it is the whole address. */
export function parsePrefix(text: string): Prefix {
  const [address = "", length] = text.split("/");
  const bytes = addressBytes(address);
  const bits = length === undefined ? bytes.length * 8 : Number(length);
  if (!/^\d+$/.test(length ?? "0") || bits > bytes.length * 8) throw failure(`address ${text}`, "EINVAL");
  return { family: bytes.length === 4 ? 2 : 10, bytes, length: bits };
}

/** The text of an address; IPv6 as RFC 5952 has it. */
export function addressText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join(".");
  const groups = Array.from({ length: 8 }, (_, i) => ((bytes[i * 2]! << 8) | bytes[i * 2 + 1]!).toString(16));
  let [start, length] = [-1, 1];
  for (let i = 0; i < 8; i++) {
    let end = i;
    while (end < 8 && groups[end] === "0") end++;
    if (end - i > length) [start, length] = [i, end - i];
  }
  if (start < 0) return groups.join(":");
  return `${groups.slice(0, start).join(":")}::${groups.slice(start + length).join(":")}`;
}

/** The highest address of an IPv4 network, to which packets for all its hosts go; none below /31. */
export function broadcastOf(prefix: Prefix): Buffer | undefined {
  if (prefix.family !== 2 || prefix.length > 30) return undefined;
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE((prefix.bytes.readUInt32BE(0) | (0xffffffff >>> prefix.length)) >>> 0);
  return bytes;
}

/** The bytes of a link address, `02:42:ac:11:00:02`. */
export function macBytes(text: string): Buffer {
  if (!/^[0-9a-f]{2}([:-][0-9a-f]{2}){5}$/i.test(text)) throw failure(`MAC address ${text}`, "EINVAL");
  return Buffer.from(text.replace(/[:-]/g, ""), "hex");
}

export function macText(bytes: Iterable<number>): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(":");
}
