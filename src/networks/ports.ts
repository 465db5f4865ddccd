import { isIP } from "node:net";
import { invalid } from "../base/errors.ts";
import type { PortMap } from "../client/endpoints/container-config.ts";
import type { PortRequest } from "./networks.ts";

type Protocol = PortRequest["protocol"];

/**
 * What to publish: the bindings of `HostConfig.PortBindings`, and with `publishAll` a random host port for each exposed
 * port that has none. Sorted by container port, then protocol. Throws `invalid` in Docker's words.
 *
 * A binding of a port that is not exposed is published too; Docker's engine passes over it without a word.
 */
export function parsePortBindings(
  portMap: PortMap | null | undefined,
  exposed: Readonly<Record<string, unknown>> | null | undefined,
  publishAll = false,
): PortRequest[] {
  const requests: PortRequest[] = [];
  const bound = new Set<string>();
  for (const [key, bindings] of Object.entries(portMap ?? {})) {
    const { first, last, protocol } = parseContainerPort(key);
    if (first !== last) throw badPort(key.split("/")[0]!);
    for (const { HostIp, HostPort } of bindings ?? []) {
      bound.add(`${first}/${protocol}`);
      requests.push({
        containerPort: first,
        protocol,
        ...(HostIp ? { hostIp: parseHostIp(HostIp) } : {}),
        ...(HostPort ? { hostPort: parseHostPort(HostPort) } : {}),
      });
    }
  }
  for (const { port, protocol } of parseExposedPorts(exposed)) {
    if (publishAll && !bound.has(`${port}/${protocol}`)) requests.push({ containerPort: port, protocol });
  }
  return requests.sort((a, b) => a.containerPort - b.containerPort || a.protocol.localeCompare(b.protocol));
}

/** The ports of `ExposedPorts` (`80`, `80/udp`, `8000-8010/tcp`), ranges written out. */
export function parseExposedPorts(
  exposed: Readonly<Record<string, unknown>> | null | undefined,
): ReadonlyArray<{ readonly port: number; readonly protocol: Protocol }> {
  return Object.keys(exposed ?? {}).flatMap((key) => {
    const { first, last, protocol } = parseContainerPort(key);
    return Array.from({ length: last - first + 1 }, (_, index) => ({ port: first + index, protocol }));
  });
}

function parseContainerPort(key: string): {
  readonly first: number;
  readonly last: number;
  readonly protocol: Protocol;
} {
  const [ports = "", name = "", ...rest] = key.split("/");
  const protocol = name.toLowerCase() || "tcp";
  if (rest.length > 0) throw badPort(key);
  if (protocol !== "tcp" && protocol !== "udp" && protocol !== "sctp") throw invalid(`invalid proto: ${name}`);
  const range = parseRange(ports);
  if (!range || range.first === 0) throw badPort(ports);
  return { ...range, protocol };
}

function parseHostPort(text: string): PortRequest["hostPort"] {
  const range = parseRange(text);
  if (!range) throw badPort(text);
  return range.first === range.last ? range.first : range;
}

function parseRange(text: string): { readonly first: number; readonly last: number } | undefined {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  if (!match) return undefined;
  const first = Number(match[1]);
  const last = Number(match[2] ?? match[1]);
  return first <= last && last <= 65535 ? { first, last } : undefined;
}

function parseHostIp(text: string): string {
  const bare = /^\[.*\]$/.test(text) ? text.slice(1, -1) : text;
  if (isIP(bare) === 0) throw invalid(`invalid IP address: ${text}`);
  return bare;
}

function badPort(text: string) {
  return invalid(`invalid port specification: ${JSON.stringify(text)}`);
}
