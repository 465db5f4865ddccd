import { errnoOf, exhausted, KeelsonError, systemError } from "../../base/errors.ts";
import type { PortMapping, PortRequest } from "../networks.ts";
import { readLocalPorts } from "./local-ports.ts";
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
    const made: Claim[] = [];
    try {
      for (const request of requests) made.push(...(await this.#reserveOne(owner, request)));
      return made.map(({ mapping }) => mapping);
    } catch (error) {
      await Promise.all(made.map((claim) => this.#drop(claim)));
      throw error;
    }
  }

  /** Takes over the ports of a container that outlived the engine. Returns those that somebody else has by now. */
  async adopt(owner: PortOwner, mappings: readonly PortMapping[]): Promise<PortMapping[]> {
    const lost: PortMapping[] = [];
    for (const mapping of mappings) {
      const claim = this.#claim(owner, mapping);
      try {
        claim.listener = await listen(mapping);
      } catch {
        lost.push(mapping);
      }
    }
    return lost;
  }

  /** Points the owner's listeners at an address; undefined: nobody is there to take connections. */
  aim(ownerId: string, address: string | undefined): void {
    for (const { listener, mapping } of this.#owned.get(ownerId) ?? []) {
      if (listener) listener.target = address === undefined ? undefined : { address, port: mapping.containerPort };
    }
  }

  /** Gives up the owner's ports. */
  async release(ownerId: string): Promise<void> {
    await Promise.all([...(this.#owned.get(ownerId) ?? [])].map((claim) => this.#drop(claim)));
  }

  async close(): Promise<void> {
    await Promise.all([...this.#owned.keys()].map((id) => this.release(id)));
  }

  async #reserveOne(owner: PortOwner, request: PortRequest): Promise<Claim[]> {
    let failure: KeelsonError | undefined;
    const chosen = request.hostPort ? namedPorts(request.hostPort) : await this.#anyPorts();
    for (const hostPort of chosen) {
      const result = await this.#tryPort(owner, request, hostPort);
      if (!(result instanceof KeelsonError)) return result;
      failure = result;
    }
    throw request.hostPort && failure
      ? failure
      : exhausted("no free host port: all of net.ipv4.ip_local_port_range are taken");
  }

  /** Takes one port number on every address of the request; the error where one of them is taken. */
  async #tryPort(owner: PortOwner, request: PortRequest, hostPort: number): Promise<Claim[] | KeelsonError> {
    const made: Claim[] = [];
    try {
      for (const hostIp of request.hostIp ? [request.hostIp] : ["0.0.0.0", "::"]) {
        const { containerPort, protocol } = request;
        const mapping = { containerPort, protocol, hostIp, hostPort };
        const other = this.#holder(mapping);
        if (other) throw taken(mapping, `container ${other.owner.name}`);
        const claim = this.#claim(owner, mapping);
        try {
          claim.listener = await listen(mapping);
          made.push(claim);
        } catch (error) {
          await this.#drop(claim);
          const noIpv6 =
            !request.hostIp && hostIp === "::" && ["EAFNOSUPPORT", "EADDRNOTAVAIL"].includes(errnoOf(error)!);
          if (!noIpv6) throw await explain(mapping, error, request.hostPort !== undefined);
        }
      }
      return made;
    } catch (error) {
      await Promise.all(made.map((claim) => this.#drop(claim)));
      if (error instanceof KeelsonError && error.fields.errno === "EADDRINUSE") return error;
      throw error;
    }
  }

  /** Every port of the host's range, from the one after the last given, so that a port is not soon reused. */
  async #anyPorts(): Promise<Iterable<number>> {
    const { first, last, isReserved } = await readLocalPorts();
    const count = last - first + 1;
    return function* (this: HostPorts) {
      for (let tries = 0; tries < count; tries++) {
        const port = this.#cursor >= first && this.#cursor <= last ? this.#cursor : first;
        this.#cursor = port + 1;
        if (!isReserved(port)) yield port;
      }
    }.call(this);
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

async function listen({ protocol, hostIp, hostPort }: PortMapping): Promise<Listener | undefined> {
  if (protocol === "sctp") return undefined;
  return protocol === "tcp" ? listenTcp(hostIp, hostPort) : listenUdp(hostIp, hostPort);
}

function clash(one: string, other: string): boolean {
  const sameFamily = one.includes(":") === other.includes(":");
  return one === other || (sameFamily && [one, other].some((ip) => ip === "0.0.0.0" || ip === "::"));
}

async function explain(mapping: PortMapping, error: unknown, named: boolean): Promise<KeelsonError> {
  const errno = errnoOf(error);
  if (errno !== "EADDRINUSE") return refused(mapping, error);
  // Nobody reads the error of a port that was a guess.
  const holder = named ? await findPortHolder(mapping.protocol, mapping.hostPort) : undefined;
  return taken(mapping, holder ? `process ${holder.pid} ${holder.command}` : "another process", error);
}

function taken(mapping: PortMapping, holder: string, cause?: unknown): KeelsonError {
  const why = cause === undefined ? "" : ": address already in use";
  const text = `Bind for ${hostPortOf(mapping)} failed: port is already allocated${why} (held by ${holder})`;
  return systemError(text, { cause, errno: "EADDRINUSE" });
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
