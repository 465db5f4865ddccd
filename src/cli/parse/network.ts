import { messageOf } from "../../base/errors.ts";
import type { EndpointConfig } from "../../client/endpoints/container-config.ts";
import { parseInteger } from "../flags.ts";
import { quote } from "../template/quote.ts";
import { cut, parseCsv } from "./csv.ts";

/** One `--network`: its name, and what the container asks of it. */
export interface NetworkRequest {
  target: string;
  aliases: string[];
  links: string[];
  linkLocalIps: string[];
  driverOpts: Record<string, string>;
  ip?: string;
  ip6?: string;
  mac?: string;
  gwPriority?: number;
}

/** `NAME`, or `name=NAME,alias=…,ip=…,ip6=…,mac-address=…,link-local-ip=…,driver-opt=k=v,gw-priority=1`. */
export function parseNetwork(text: string): NetworkRequest {
  const made: NetworkRequest = { target: "", aliases: [], links: [], linkLocalIps: [], driverOpts: {} };
  if (!/\w+=\w+(,\w+=\w+)*/.test(text)) return { ...made, target: text };
  for (const field of parseCsv(text)) {
    const [rawKey, value] = cut(field);
    if (value === undefined || rawKey === "") throw new Error(`invalid field ${field}`);
    setField(made, rawKey.trim().toLowerCase(), value.trim());
  }
  if (made.target === "") throw new Error("network name/id is not specified");
  return made;
}

function setField(made: NetworkRequest, key: string, value: string): void {
  switch (key) {
    case "name":
      made.target = value;
      break;
    case "alias":
      made.aliases.push(value);
      break;
    case "ip":
      made.ip = value;
      break;
    case "ip6":
      made.ip6 = value;
      break;
    case "mac-address":
      made.mac = value;
      break;
    case "link-local-ip":
      made.linkLocalIps.push(value);
      break;
    case "driver-opt": {
      const [name, own = ""] = cut(value);
      if (!value.includes("=")) throw new Error("invalid key value pair format in driver options");
      made.driverOpts[name.trim().toLowerCase()] = own.trim();
      break;
    }
    case "gw-priority":
      made.gwPriority = priority(value);
      break;
    default:
      throw new Error(`invalid field key ${key}`);
  }
}

function priority(value: string): number {
  try {
    return parseInteger(value);
  } catch (error) {
    throw new Error(`invalid gw-priority (${value}): ${messageOf(error).replace(/^.*: /, "")}`);
  }
}

/** What the older flags say of the first network. */
export interface NetworkFlags {
  readonly aliases: readonly string[];
  readonly links: readonly string[];
  readonly linkLocalIps: readonly string[];
  readonly ip: string;
  readonly ip6: string;
  readonly mac: string;
}

/** Joins the older flags into the first network. Throws where both say something. */
export function joinNetworkFlags(networks: readonly NetworkRequest[], flags: NetworkFlags): NetworkRequest[] {
  const [first = parseNetwork("default"), ...others] = networks;
  const userDefined = isUserDefined(first.target);
  const own = { ...first };
  const clash = (given: boolean, already: boolean, what: string): void => {
    if (given && already) throw new Error(`conflicting options: cannot specify both ${what}`);
  };
  clash(flags.aliases.length > 0, own.aliases.length > 0, "--network-alias and per-network alias");
  clash(flags.links.length > 0, own.links.length > 0, "--link and per-network links");
  clash(flags.ip !== "", own.ip !== undefined, "--ip and per-network IPv4 address");
  clash(flags.ip6 !== "", own.ip6 !== undefined, "--ip6 and per-network IPv6 address");
  clash(flags.mac !== "", own.mac !== undefined, "--mac-address and per-network MAC address");
  clash(
    flags.linkLocalIps.length > 0,
    own.linkLocalIps.length > 0,
    "--link-local-ip and per-network link-local IP addresses",
  );
  for (const { mac } of [own, ...others]) if (mac !== undefined) checkMac(mac);
  own.aliases = [...own.aliases, ...flags.aliases];
  if (userDefined) own.links = [...own.links, ...flags.links];
  own.linkLocalIps = [...own.linkLocalIps, ...flags.linkLocalIps];
  if (flags.ip !== "") own.ip = flags.ip;
  if (flags.ip6 !== "") own.ip6 = flags.ip6;
  if (flags.mac !== "") own.mac = checkMac(flags.mac);
  if (own.aliases.length > 0 && !userDefined)
    throw new Error("network-scoped aliases are only supported for user-defined networks");
  return [own, ...others];
}

/** False for the engine's own networks and for another container's. */
export function isUserDefined(name: string): boolean {
  return !["default", "bridge", "host", "none", "nat"].includes(name) && !name.startsWith("container:");
}

/** The endpoint that a network request asks for, without the fields that it leaves open. */
export function endpointOf(request: NetworkRequest): EndpointConfig {
  const addresses = {
    ...(request.ip && { IPv4Address: request.ip }),
    ...(request.ip6 && { IPv6Address: request.ip6 }),
    ...(request.linkLocalIps.length > 0 && { LinkLocalIPs: request.linkLocalIps }),
  };
  return {
    ...(Object.keys(addresses).length > 0 && { IPAMConfig: addresses }),
    ...(request.links.length > 0 && { Links: request.links }),
    ...(request.aliases.length > 0 && { Aliases: request.aliases }),
    ...(request.mac && { MacAddress: request.mac }),
    ...(Object.keys(request.driverOpts).length > 0 && { DriverOpts: request.driverOpts }),
    ...(request.gwPriority !== undefined && { GwPriority: request.gwPriority }),
  };
}

/** The text where it is a MAC address. */
export function checkMac(text: string): string {
  if (/^([0-9a-fA-F]{2}[:-]){5}[0-9a-fA-F]{2}$/.test(text.trim())) return text;
  throw new Error(`${text} is not a valid mac address`);
}

/** One `--link`: `container[:alias]`. */
export function parseLink(text: string): string {
  if (text === "") throw new Error("empty string specified for links");
  if (text.split(":").length > 2) throw new Error(`bad format for links: ${text}`);
  return text;
}

/** One `--add-host`: `name:address` or `name=address`; the address may be in brackets, or `host-gateway`. */
export function parseExtraHost(text: string): string {
  const mark = text.includes("=") ? "=" : ":";
  const [name, rest] = cut(text, mark);
  if (rest === undefined || name === "") throw new Error(`bad format for add-host: ${quote(text)}`);
  const address = rest.startsWith("[") && rest.endsWith("]") ? rest.slice(1, -1) : rest;
  if (address !== "host-gateway" && !isAddress(address))
    throw new Error(`invalid IP address in add-host: ${quote(rest)}`);
  return `${name}:${address}`;
}

/** One `--dns`. */
export function parseDnsAddress(text: string): string {
  if (isAddress(text.trim())) return text.trim();
  throw new Error(`IP address is not correctly formatted: ${text}`);
}

/** One `--dns-search`. A dot alone asks for no search list. */
export function parseDnsSearch(text: string): string {
  const domain = text.trim();
  const label = "[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?";
  if (
    domain === "." ||
    (domain.length <= 255 && new RegExp(`^(${label}\\.)*${label}\\.?$`).test(domain) && /[A-Za-z]/.test(domain))
  )
    return domain;
  throw new Error(`${text} is not a valid domain`);
}

import { isIP } from "node:net";

function isAddress(text: string): boolean {
  return isIP(text.replace(/%.*$/, "")) !== 0;
}
