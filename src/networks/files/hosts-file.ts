import { isIP } from "node:net";
import { invalid } from "../../base/errors.ts";

const standard = `127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::\tip6-localnet
ff00::\tip6-mcastprefix
ff02::1\tip6-allnodes
ff02::2\tip6-allrouters
`;

export interface HostsFileParts {
  /** What it begins with; Docker's standard lines when absent. */
  readonly base?: string;
  /** `name:address`, with `host-gateway` as an address. */
  readonly extraHosts: readonly string[];
  /** What `host-gateway` stands for. */
  readonly hostGateway: string | undefined;
  /** The container's own addresses, and the names that they have. */
  readonly addresses: readonly string[];
  readonly names: string;
}

/** The text of a container's `/etc/hosts`. */
export function hostsFile({ base, extraHosts, hostGateway, addresses, names }: HostsFileParts): string {
  const begin = base === undefined || base === "" || base.endsWith("\n") ? (base ?? standard) : `${base}\n`;
  const extra = extraHosts.map((entry) => {
    const { name, address } = parseExtraHost(entry);
    if (address !== "host-gateway") return `${address}\t${name}\n`;
    if (!hostGateway) throw invalid("unable to derive the IP value for host-gateway");
    return `${hostGateway}\t${name}\n`;
  });
  return begin + extra.join("") + addresses.map((address) => ownLine(address, names)).join("");
}

/** The file with one more address of the container's own. */
export function withAddress(file: string, address: string, names: string): string {
  return file + ownLine(address, names);
}

/** The file without the lines of an address that the container no longer has. */
export function withoutAddress(file: string, address: string, names: string): string {
  return file.split(ownLine(address, names)).join("");
}

/** `web.example.com web`, as the container's own line has it. */
export function namesOf(hostname: string, domainname: string | undefined): string {
  if (domainname) return `${hostname}.${domainname} ${hostname}`;
  const short = hostname.split(".")[0]!;
  return short === hostname ? hostname : `${hostname} ${short}`;
}

/** Splits at the first colon, for an IPv6 address has some of its own; `invalid` in Docker's words. */
export function parseExtraHost(entry: string): { readonly name: string; readonly address: string } {
  const colon = entry.indexOf(":");
  const name = entry.slice(0, colon);
  const text = entry.slice(colon + 1);
  if (colon < 1 || text === "") throw invalid(`bad format for add-host: ${JSON.stringify(entry)}`);
  const address = /^\[.*\]$/.test(text) ? text.slice(1, -1) : text;
  if (address !== "host-gateway" && isIP(address) === 0) {
    throw invalid(`invalid IP address in add-host: ${JSON.stringify(text)}`);
  }
  return { name, address };
}

function ownLine(address: string, names: string): string {
  return `${address}\t${names}\n`;
}
