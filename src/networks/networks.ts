import type { Operation } from "../base/operation.ts";
import type { NetworkOperation } from "../kernel/kernel.ts";

/**
 * Networks, their endpoints, and the *sandbox* of a container: its network namespace with one endpoint for each network
 * that it is on. A network driver is one file that implements {@link NetworkDriver}.
 */
export interface Networks {
  list(): Network[];
  /** By name, ID or unambiguous ID prefix. `notFound` "network X not found". */
  get(reference: string): Network;
  create(op: Operation, request: NetworkRequest): Promise<Network>;
  /** `forbidden` while endpoints are on it, and for a predefined one: "X is a pre-defined network and cannot be removed". */
  remove(op: Operation, reference: string): Promise<void>;
  /** Throws what `join` would refuse about the request itself (unknown network, bad address, port syntax). */
  check(request: SandboxRequest): void;
  /**
   * Makes the sandbox: namespace, links, addresses, routes, published ports. All of it or, where a step fails, none.
   * Throws `system` (Docker answers 500) where a port is taken, naming the port and who holds it; `exhausted` where
   * addresses ran out. Messages begin with Docker's "failed to set up container networking: ".
   */
  join(op: Operation, request: SandboxRequest): Promise<Sandbox>;
  /** Takes the sandbox down: ports, addresses, links, namespace. What is gone already is no error. */
  leave(op: Operation, sandbox: Sandbox): Promise<void>;
  connect(op: Operation, sandbox: Sandbox, endpoint: EndpointRequest): Promise<Sandbox>;
  disconnect(op: Operation, sandbox: Sandbox, network: string): Promise<Sandbox>;
  /** Who is on a network, for `network inspect`. */
  endpoints(
    networkId: string,
  ): ReadonlyArray<Endpoint & { readonly containerId: string; readonly containerName: string }>;
  /**
   * After a restart: makes the networks' kernel state whole again, takes the given live sandboxes over (addresses, port
   * reservations, nft elements) and removes every link, namespace and nft element that belongs to none of them.
   */
  reconcile(op: Operation, live: readonly Sandbox[]): Promise<void>;
  /** Closes the host's port reservations. Kernel state stays for the containers that go on. */
  close(): Promise<void>;
}

export interface NetworkRequest {
  readonly name: string;
  readonly driver?: string;
  readonly internal?: boolean;
  readonly attachable?: boolean;
  readonly enableIPv4?: boolean;
  readonly enableIPv6?: boolean;
  readonly ipam?: Ipam;
  readonly options?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
}

export interface Ipam {
  readonly driver: string;
  readonly options?: Readonly<Record<string, string>>;
  readonly config: readonly IpamPool[];
}

export interface IpamPool {
  readonly subnet?: string;
  readonly ipRange?: string;
  readonly gateway?: string;
  readonly auxAddresses?: Readonly<Record<string, string>>;
}

/** A network's persisted record. */
export interface Network {
  readonly id: string;
  readonly name: string;
  readonly driver: string;
  readonly scope: "local" | "global" | "swarm";
  /** RFC 3339 with nanoseconds. */
  readonly created: string;
  readonly internal: boolean;
  readonly attachable: boolean;
  readonly enableIPv4: boolean;
  readonly enableIPv6: boolean;
  readonly ipam: Ipam;
  readonly options: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
}

/** What a container asks for. */
export interface SandboxRequest {
  readonly containerId: string;
  readonly containerName: string;
  readonly hostname: string;
  readonly domainname?: string;
  readonly mode: SandboxMode;
  /** For mode `networks`: at least one. */
  readonly endpoints: readonly EndpointRequest[];
  readonly ports: readonly PortRequest[];
  readonly dns: readonly string[];
  readonly dnsSearch: readonly string[];
  readonly dnsOptions: readonly string[];
  /** `name:address`, with `host-gateway` as an address. */
  readonly extraHosts: readonly string[];
}

export type SandboxMode =
  | { readonly kind: "networks" }
  | { readonly kind: "host" }
  | { readonly kind: "none" }
  /** The namespace of another container, whose sandbox is given. */
  | { readonly kind: "container"; readonly sandbox: Sandbox };

export interface EndpointRequest {
  /** Name or ID. */
  readonly network: string;
  readonly aliases?: readonly string[];
  readonly ipv4?: string;
  readonly ipv6?: string;
  readonly linkLocal?: readonly string[];
  readonly mac?: string;
  readonly driverOptions?: Readonly<Record<string, string>>;
  readonly gatewayPriority?: number;
}

/** A port to publish. `hostPort` 0 or absent means any free one; a range means the first free one in it. */
export interface PortRequest {
  readonly containerPort: number;
  readonly protocol: "tcp" | "udp" | "sctp";
  /** Absent or empty: every address, IPv4 and IPv6. */
  readonly hostIp?: string;
  readonly hostPort?: number | { readonly first: number; readonly last: number };
}

/** A published port as it came to be; one for each host address. */
export interface PortMapping {
  readonly containerPort: number;
  readonly protocol: "tcp" | "udp" | "sctp";
  readonly hostIp: string;
  readonly hostPort: number;
}

/** A container's network state: part of its record while it runs, plain data. */
export interface Sandbox {
  /** The container's ID. */
  readonly id: string;
  readonly containerName: string;
  readonly kind: "own" | "host" | "container";
  /** The namespace's path; absent in the host's own. */
  readonly namespace?: string;
  readonly endpoints: readonly Endpoint[];
  readonly ports: readonly PortMapping[];
  /** The names that its own addresses have in its hosts file, `web.example.com web`. */
  readonly hostNames: string;
  /** Contents of the container's own files. */
  readonly hostsFile: string;
  readonly resolvConf: string;
}

export interface Endpoint {
  readonly id: string;
  readonly networkId: string;
  readonly networkName: string;
  readonly request: EndpointRequest;
  /** The link's name inside, `eth0`; absent where there is none. */
  readonly ifname?: string;
  /** The link's name on the host. */
  readonly hostIfname?: string;
  readonly mac?: string;
  /** With prefix length. */
  readonly ipv4?: string;
  readonly ipv6?: string;
  readonly gateway4?: string;
  readonly gateway6?: string;
  readonly dnsNames: readonly string[];
}

/**
 * One kind of network. A driver plans; the networks service keeps records, addresses and ports, and has the plans
 * carried out: every method returns what to do as data.
 */
export interface NetworkDriver {
  readonly name: string;
  readonly scope: "local" | "global";
  /** Refuses options that it does not know or combinations that cannot work (`invalid`), and fills defaults. */
  validate(request: NetworkRequest): NetworkRequest;
  /** Makes the network's own links; planned again at each start of the engine, so what is there already stays. */
  plan(network: Network): DriverPlan;
  /** Takes them down. */
  unplan(network: Network): DriverPlan;
  /** Wires one endpoint into the namespace. */
  join(network: Network, endpoint: Endpoint, namespace: string): DriverPlan;
  leave(network: Network, endpoint: Endpoint): DriverPlan;
}

/** Work for the kernel floor, carried out in this order. */
export interface DriverPlan {
  readonly operations: readonly NetworkOperation[];
  /** A network's part of the firewall, for `plan` and `unplan`. */
  readonly rules?: NetworkRules;
}

/** What the firewall knows of a network. */
export interface NetworkRules {
  readonly bridge: string;
  readonly subnets: readonly string[];
  /** Containers on it may talk to each other. */
  readonly icc: boolean;
  /** No way out, and none in. */
  readonly internal: boolean;
  /** What leaves for elsewhere gets the host's address. */
  readonly masquerade: boolean;
}
