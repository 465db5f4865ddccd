import { lookup } from "node:dns/promises";
import { readdir, readFile } from "node:fs/promises";
import { BlockList, isIP } from "node:net";
import { join } from "node:path";
import { rootCertificates } from "node:tls";
import type { Trust } from "./http.ts";

/** One place where a registry may answer. */
export interface Endpoint {
  readonly base: URL;
  readonly trust: Trust;
  /** Its failures are passed over in favour of the next endpoint. */
  readonly mirror: boolean;
}

export interface EndpointOptions {
  readonly insecureRegistries: readonly string[];
  readonly mirrors: readonly string[];
  readonly certificates?: string;
}

/** Docker Hub's API does not live at the name by which its images are known. */
const hub = { domain: "docker.io", host: "registry-1.docker.io" };

/**
 * Where to ask for a registry's images, in order: mirrors (for Docker Hub), https, and for an insecure registry plain
 * http last. Loopback addresses are always insecure, as in Docker.
 */
export async function endpointsOf(domain: string, options: EndpointOptions): Promise<Endpoint[]> {
  const host = domain === hub.domain ? hub.host : domain;
  const mirrors = domain === hub.domain ? options.mirrors : [];
  const found: Endpoint[] = [];
  for (const mirror of mirrors) {
    const base = new URL(mirror);
    found.push({ base, trust: await trustOf(base.host, options), mirror: true });
  }
  const trust = await trustOf(host, options);
  found.push({ base: new URL(`https://${host}/`), trust, mirror: false });
  if (trust.insecure) found.push({ base: new URL(`http://${host}/`), trust, mirror: false });
  return found;
}

async function trustOf(host: string, options: EndpointOptions): Promise<Trust> {
  const insecure = await isInsecure(host, options.insecureRegistries);
  if (options.certificates === undefined) return { insecure };
  return { insecure, ...(await certificatesOf(join(options.certificates, host))) };
}

/** By name, or by an address in one of the networks. */
async function isInsecure(host: string, insecure: readonly string[]): Promise<boolean> {
  if (insecure.includes(host)) return true;
  const networks = new BlockList();
  for (const entry of ["127.0.0.0/8", "::1/128", ...insecure]) addNetwork(networks, entry);
  const { hostname } = new URL(`http://${host}/`);
  const name = hostname.replace(/^\[|\]$/g, "");
  const addresses = isIP(name) ? [name] : await addressesOf(name);
  return addresses.some((address) => networks.check(address, isIP(address) === 6 ? "ipv6" : "ipv4"));
}

function addNetwork(networks: BlockList, entry: string): void {
  const [address = "", prefix = ""] = entry.split("/");
  const family = isIP(address);
  if (family === 0 || !/^\d{1,3}$/.test(prefix)) return;
  networks.addSubnet(address, Number(prefix), family === 6 ? "ipv6" : "ipv4");
}

async function addressesOf(name: string): Promise<string[]> {
  try {
    return (await lookup(name, { all: true })).map(({ address }) => address);
  } catch {
    return [];
  }
}

/** A registry's own folder as Docker lays it out: `*.crt` authorities, `*.cert` with the `*.key` of the same name. */
async function certificatesOf(folder: string): Promise<Partial<Trust>> {
  const names = await readdir(folder).catch((): string[] => []);
  const read = (name: string): Promise<string> => readFile(join(folder, name), "utf8");
  const authorities = await Promise.all(names.filter((name) => name.endsWith(".crt")).map(read));
  const certificate = names.find((name) => name.endsWith(".cert"));
  const key = certificate?.replace(/\.cert$/, ".key");
  return {
    ...(authorities.length === 0 ? {} : { authorities: [...rootCertificates, ...authorities] }),
    ...(certificate && key && names.includes(key)
      ? { identity: { certificate: await read(certificate), key: await read(key) } }
      : {}),
  };
}
