import { isIP } from "node:net";
import { messageOf } from "../../base/errors.ts";
import type { PortMap } from "../../client/endpoints/container-config.ts";
import { parseUnsigned } from "./sizes.ts";

/** What `-p` and `--expose` ask for. */
export interface PortRequest {
  readonly bindings: PortMap;
  readonly exposed: Record<string, Record<string, never>>;
}

interface Binding {
  readonly port: string;
  readonly HostIp: string;
  readonly HostPort: string;
}

/** The ports of `-p` and `--expose`. Throws an Error with Docker's words. */
export function parsePorts(publish: readonly string[], expose: readonly string[]): PortRequest {
  const bindings: Record<string, Array<{ HostIp: string; HostPort: string }>> = {};
  const exposed: Record<string, Record<string, never>> = {};
  for (const { port, ...binding } of publish.flatMap(parsePublish)) {
    exposed[port] = {};
    bindings[port] = [...(bindings[port] ?? []), binding];
  }
  for (const port of expose.flatMap(parseExpose)) exposed[port] = {};
  return { bindings, exposed };
}

/** One `-p`: `[[address:][host port]:]container port[/protocol]`, ports also as ranges; or `published=…,target=…`. */
export function parsePublish(text: string): Binding[] {
  const spec = text.includes("=") ? longForm(text) : text;
  const parts = spec.split(":");
  const [protocol, inside] = splitProtocol(parts.at(-1)!);
  if (inside === "") throw new Error(`no port specified: ${spec}<empty>`);
  if (!["tcp", "udp", "sctp"].includes(protocol)) throw new Error(`invalid proto: ${protocol}`);
  const HostIp = parseAddress(parts.slice(0, -2).join(":"));
  const outside = parts.at(-2) ?? "";
  const [first, last] = rangeOf(inside, `invalid containerPort: ${inside}`);
  const [hostFirst, hostLast] = outside === "" ? [0, 0] : rangeOf(outside, `invalid hostPort: ${outside}`);
  if (outside !== "" && last > first && last - first !== hostLast - hostFirst)
    throw new Error(`invalid ranges specified for container and host Ports: ${inside} and ${outside}`);
  // One port of the container and several of the host: any one of those that is free.
  const choice = first === last && hostLast > hostFirst ? `-${hostLast}` : "";
  return Array.from({ length: last - first + 1 }, (_, index) => ({
    port: `${first + index}/${protocol}`,
    HostIp,
    HostPort: outside === "" ? "" : `${hostFirst + index}${choice}`,
  }));
}

/** `published=8080,target=80,protocol=tcp` as the short form. */
function longForm(text: string): string {
  const fields: Record<string, string> = {};
  for (const part of text.split(",")) {
    const [name, value] = part.split("=", 2) as [string, string?];
    if (value === undefined) throw new Error(`invalid publish opts format (should be name=value but got '${part}')`);
    fields[name] = value;
  }
  return `${fields["published"] ?? ""}:${fields["target"] ?? ""}/${fields["protocol"] ?? "tcp"}`;
}

function parseAddress(text: string): string {
  if (text === "") return "";
  if (text.startsWith("[") && !text.endsWith("]"))
    throw new Error(`invalid IP address ${text}: address ${text}:: missing ']' in address`);
  const address = text.startsWith("[") ? text.slice(1, -1) : text;
  if (isIP(address.replace(/%.*$/, "")) === 0) throw new Error(`invalid IP address: ${text}`);
  return address;
}

/** One `--expose`: `port[-port][/protocol]`, as `80/tcp` texts. */
export function parseExpose(text: string): string[] {
  if (text.includes(":")) throw new Error(`invalid port format for --expose: ${text}`);
  const [protocol, ports] = splitProtocol(text);
  try {
    const [first, last] = parseRange(ports);
    return Array.from({ length: last - first + 1 }, (_, index) => `${first + index}/${protocol}`);
  } catch (error) {
    throw new Error(`invalid range format for --expose: ${text}, error: ${messageOf(error)}`);
  }
}

function splitProtocol(text: string): [protocol: string, ports: string] {
  const slash = text.indexOf("/");
  if (slash === -1) return ["tcp", text];
  return [text.slice(slash + 1).toLowerCase() || "tcp", text.slice(0, slash)];
}

function rangeOf(text: string, complaint: string): [number, number] {
  try {
    return parseRange(text);
  } catch {
    throw new Error(complaint);
  }
}

function parseRange(text: string): [first: number, last: number] {
  if (text === "") throw new Error("empty string specified for ports");
  const dash = text.indexOf("-");
  const first = parseUnsigned(dash === -1 ? text : text.slice(0, dash), 65535);
  const last = dash === -1 ? first : parseUnsigned(text.slice(dash + 1), 65535);
  if (last < first) throw new Error(`invalid range specified for port: ${text}`);
  return [first, last];
}
