import { errnoOf, exhausted, type KeelsonError, systemError } from "../../base/errors.ts";
import type { PortMapping, PortRequest } from "../networks.ts";
import { type LocalPorts, readLocalPorts } from "./local-ports.ts";
import { findPortHolder } from "./port-holder.ts";
import { type Listener, listenTcp } from "./tcp-forward.ts";
import { listenUdp } from "./udp-forward.ts";

/** Whose ports they are, with the name that a conflict's error shows. */
export interface PortOwner {
  readonly id: string;
  readonly name: string;
}

interface Claim {
  readonly owner: PortOwner;
  readonly mapping: PortMapping;
  /** Absent for sctp, for which Node has no sockets, and for a port that was taken while the engine was down. */
  listener?: Listener;
}

/** A port that somebody has: a container of ours, or whoever made the kernel refuse. */
interface Busy {
  readonly mapping: PortMapping;
  readonly holder?: string;
  readonly cause?: unknown;
}

/**
 * The published ports of this host. Each is reserved by a socket that the engine itself listens on: a second taker,
 * container or not, gets a clear error, and what DNAT does not reach (IPv6, as containers have IPv4 only) is forwarded.
 */
export class HostPorts {
  /** By protocol and port. */
  readonly #claims = new Map<string, Claim[]>();
  readonly #owned = new Map<string, Claim[]>();
  #cursor = 0;

  /** Reserves all of them, or none: then `system` with Docker's words and the name of the holder. */
  async reserve(owner: PortOwner, requests: readonly PortRequest[]): Promise<PortMapping[]> {
    const anyPort = requests.every(({ hostPort }) => hostPort) ? undefined : await readLocalPorts();
    const results = await Promise.allSettled(
      requests.map((request) =>
        this.#reserveOne(owner, request, request.hostPort ? namedPorts(request.hostPort) : this.#localPorts(anyPort!)),
      ),
    );
    const claims = results.flatMap((result) => (result.status === "fulfilled" ? result.value : []));
    const failed = results.find((result) => result.status === "rejected");
    if (!failed) return claims.map(({ mapping }) => mapping);
    await this.#dropAll(claims);
    throw failed.reason;
  }

  /** Takes over the ports of a container that outlived the engine. Returns those that somebody else has by now. */
  async adopt(owner: PortOwner, mappings: readonly PortMapping[]): Promise<PortMapping[]> {
    const claims = mappings.map((mapping) => this.#claim(owner, mapping));
    const results = await Promise.allSettled(claims.map(open));
    return mappings.filter((_, index) => results[index]?.status === "rejected");
  }

  /** Points the owner's listeners at an address; undefined: nobody is there to take connections. */
  aim(ownerId: string, address: string | undefined): void {
    for (const { listener, mapping } of this.#owned.get(ownerId) ?? []) {
      if (listener) listener.target = address === undefined ? undefined : { address, port: mapping.containerPort };
    }
  }

  /** Gives up the owner's ports. */
  async release(ownerId: string): Promise<void> {
    await this.#dropAll([...(this.#owned.get(ownerId) ?? [])]);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#owned.keys()].map((id) => this.release(id)));
  }

  async #reserveOne(owner: PortOwner, request: PortRequest, candidates: Iterable<number>): Promise<Claim[]> {
    let busy: Busy | undefined;
    for (const hostPort of candidates) {
      const result = await this.#tryPort(owner, request, hostPort);
      if (Array.isArray(result)) return result;
      busy = result;
    }
    if (request.hostPort && busy) throw await explain(busy);
    throw exhausted("no free host port: all of net.ipv4.ip_local_port_range are taken");
  }

  /** Takes one port number on every address of the request, or on none where one of them is taken. */
  async #tryPort(owner: PortOwner, request: PortRequest, hostPort: number): Promise<Claim[] | Busy> {
    const { containerPort, protocol, hostIp } = request;
    const mappings = (hostIp ? [hostIp] : ["0.0.0.0", "::"]).map((ip) => ({
      containerPort,
      protocol,
      hostIp: ip,
      hostPort,
    }));
    for (const mapping of mappings) {
      const holder = this.#holder(mapping)?.owner.name;
      if (holder !== undefined) return { mapping, holder };
    }
    const claims = mappings.map((mapping) => this.#claim(owner, mapping));
    const results = await Promise.allSettled(claims.map(open));
    const failures = results.flatMap((result, index) =>
      result.status === "rejected" ? [{ claim: claims[index]!, cause: result.reason as unknown }] : [],
    );
    const real = failures.filter(({ claim, cause }) => hostIp || claim.mapping.hostIp !== "::" || !isNoIpv6(cause));
    await this.#dropAll(real.length > 0 ? claims : failures.map(({ claim }) => claim));
    if (!real[0]) return claims.filter((_, index) => results[index]?.status === "fulfilled");
    const { mapping } = real[0].claim;
    if (errnoOf(real[0].cause) !== "EADDRINUSE") throw refused(mapping, real[0].cause);
    return { mapping, cause: real[0].cause };
  }

  /** Every port of the host's range, from the one after the last given, so that a port is not soon reused. */
  *#localPorts({ first, last, isReserved }: LocalPorts): Generator<number> {
    for (let tries = last - first; tries >= 0; tries--) {
      const port = this.#cursor >= first && this.#cursor <= last ? this.#cursor : first;
      this.#cursor = port + 1;
      if (!isReserved(port)) yield port;
    }
  }

  #claim(owner: PortOwner, mapping: PortMapping): Claim {
    const claim: Claim = { owner, mapping };
    for (const [map, key] of [
      [this.#claims, keyOf(mapping)],
      [this.#owned, owner.id],
    ] as const) {
      const known = map.get(key);
      if (known) known.push(claim);
      else map.set(key, [claim]);
    }
    return claim;
  }

  #holder(mapping: PortMapping): Claim | undefined {
    return this.#claims.get(keyOf(mapping))?.find((claim) => clash(claim.mapping.hostIp, mapping.hostIp));
  }

  async #dropAll(claims: readonly Claim[]): Promise<void> {
    await Promise.all(claims.map((claim) => this.#drop(claim)));
  }

  async #drop(claim: Claim): Promise<void> {
    for (const [map, key] of [
      [this.#claims, keyOf(claim.mapping)],
      [this.#owned, claim.owner.id],
    ] as const) {
      const rest = map.get(key)?.filter((other) => other !== claim) ?? [];
      if (rest.length > 0) map.set(key, rest);
      else map.delete(key);
    }
    await claim.listener?.close();
  }
}

function keyOf({ protocol, hostPort }: PortMapping): string {
  return `${protocol}/${hostPort}`;
}

function* namedPorts(ports: number | { readonly first: number; readonly last: number }): Generator<number> {
  const { first, last } = typeof ports === "number" ? { first: ports, last: ports } : ports;
  for (let port = first; port <= last; port++) yield port;
}

async function open(claim: Claim): Promise<void> {
  const { protocol, hostIp, hostPort } = claim.mapping;
  if (protocol === "sctp") return;
  claim.listener = await (protocol === "tcp" ? listenTcp : listenUdp)(hostIp, hostPort);
}

function clash(one: string, other: string): boolean {
  const sameFamily = one.includes(":") === other.includes(":");
  return one === other || (sameFamily && [one, other].some((ip) => ip === "0.0.0.0" || ip === "::"));
}

function isNoIpv6(error: unknown): boolean {
  return ["EAFNOSUPPORT", "EADDRNOTAVAIL"].includes(errnoOf(error) ?? "");
}

async function explain({ mapping, holder, cause }: Busy): Promise<KeelsonError> {
  const at = `Bind for ${hostPortOf(mapping)} failed: port is already allocated`;
  if (holder !== undefined) return systemError(`${at} (held by container ${holder})`, { errno: "EADDRINUSE" });
  const found = await findPortHolder(mapping.protocol, mapping.hostPort);
  const by = found ? `process ${found.pid} ${found.command}` : "another process";
  return systemError(`${at}: address already in use (held by ${by})`, { cause, errno: "EADDRINUSE" });
}

function refused(mapping: PortMapping, cause: unknown): KeelsonError {
  const errno = errnoOf(cause);
  const reason =
    errno === "EADDRNOTAVAIL"
      ? "cannot assign requested address"
      : errno === "EACCES"
        ? "permission denied"
        : errno === "EMFILE"
          ? "too many open files"
          : errno;
  const { containerPort, protocol } = mapping;
  return systemError(`failed to bind host port for ${hostPortOf(mapping)}:${containerPort}/${protocol}: ${reason}`, {
    cause,
    errno,
  });
}

function hostPortOf({ hostIp, hostPort }: PortMapping): string {
  return hostIp.includes(":") ? `[${hostIp}]:${hostPort}` : `${hostIp}:${hostPort}`;
}
