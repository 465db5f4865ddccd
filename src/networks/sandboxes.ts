import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { isKind, KeelsonError, systemError, withKind } from "../base/errors.ts";
import type { Operation } from "../base/operation.ts";
import { settleAll } from "../base/undo.ts";
import type { NetworkOperation } from "../kernel/kernel.ts";
import type { NetworkCatalog } from "./catalog.ts";
import type { NetworkContext } from "./context.ts";
import { Departures } from "./departures.ts";
import { parseBridgeOptions } from "./drivers/bridge-options.ts";
import { driverOf } from "./drivers/index.ts";
import { bareAddress, bridgeEndpoint, gatewayEndpoint, plainEndpoint } from "./endpoint-plan.ts";
import { withAddress, withoutAddress } from "./files/hosts-file.ts";
import { type SandboxFiles, sandboxFiles } from "./files/sandbox-files.ts";
import { type PublishedPort, portChanges } from "./firewall.ts";
import type { NetworkMembers } from "./members.ts";
import type {
  Endpoint,
  EndpointRequest,
  Network,
  PortMapping,
  PortRequest,
  Sandbox,
  SandboxRequest,
} from "./networks.ts";
import type { HostPorts } from "./publish/host-ports.ts";

/** The published ports of a sandbox and where they lead; none without an endpoint that has a way out. */
export function publishedPorts({ endpoints, ports }: Pick<Sandbox, "endpoints" | "ports">): PublishedPort[] {
  const address = gatewayEndpoint(endpoints)?.ipv4;
  return address ? ports.map((mapping) => ({ mapping, address: bareAddress(address) })) : [];
}

/** Makes containers' sandboxes and takes them down. */
export class Sandboxes {
  readonly #context: NetworkContext;
  readonly #catalog: NetworkCatalog;
  readonly #members: NetworkMembers;
  readonly #ports: HostPorts;
  readonly #departures: Departures;
  #folder: Promise<unknown> | undefined;

  constructor(context: NetworkContext, catalog: NetworkCatalog, members: NetworkMembers, ports: HostPorts) {
    this.#context = context;
    this.#catalog = catalog;
    this.#members = members;
    this.#ports = ports;
    this.#departures = new Departures(context.kernel, context.log, (endpoint) => members.release(endpoint));
  }

  async join(op: Operation, request: SandboxRequest): Promise<Sandbox> {
    const { mode } = request;
    const before = this.#members.get(request.containerId);
    if (before) await this.#takeDown(before);
    if (mode.kind === "container") return this.#share(request, mode.sandbox);
    const sandbox = this.#draft(request);
    this.#members.set(sandbox);
    try {
      const made = await this.#make(request, sandbox);
      op.step("network sandbox made");
      op.check();
      this.#members.set(made);
      return made;
    } catch (error) {
      await this.#takeDown(this.#members.get(sandbox.id) ?? sandbox);
      throw error;
    }
  }

  /** Returns the endpoints that it took down; none where it was down already. */
  async leave(sandbox: Sandbox): Promise<readonly Endpoint[]> {
    const own = this.#members.get(sandbox.id);
    if (own) {
      await this.#takeDown(own);
      return own.endpoints;
    }
    if (sandbox.kind === "own" && sandbox.namespace)
      await this.#context.kernel.removeNetworkNamespace(sandbox.namespace);
    return [];
  }

  async connect(
    sandbox: Sandbox,
    network: Network,
    request: EndpointRequest,
  ): Promise<{ readonly changed: Sandbox; readonly endpoint: Endpoint }> {
    const owner = { containerId: sandbox.id, containerName: sandbox.containerName, hostname: hostnameOf(sandbox) };
    const address = this.#takeAddress(sandbox.id, network, request);
    const endpoint = bridgeEndpoint(owner, network, request, address, freeIndex(sandbox));
    const endpoints = [...sandbox.endpoints, endpoint];
    const hostsFile = withAddress(sandbox.hostsFile, bareAddress(endpoint.ipv4!), sandbox.hostNames);
    const changed = { ...sandbox, endpoints, hostsFile };
    const driver = driverOf(network.driver);
    try {
      const { operations } = driver.join(network, endpoint, sandbox.namespace!);
      await this.#context.kernel.network([...operations, ...moveDefaultRoute(sandbox, changed)]);
    } catch (error) {
      this.#members.release(endpoint);
      throw error;
    }
    try {
      await this.#movePorts(sandbox, changed);
    } catch (error) {
      await this.disconnect(changed, network, endpoint).catch(() => {});
      throw error;
    }
    this.#members.set(changed);
    return { changed, endpoint };
  }

  async disconnect(sandbox: Sandbox, network: Network, endpoint: Endpoint): Promise<Sandbox> {
    const { hostsFile, hostNames } = sandbox;
    const changed = {
      ...sandbox,
      endpoints: sandbox.endpoints.filter(({ id }) => id !== endpoint.id),
      hostsFile: endpoint.ipv4 ? withoutAddress(hostsFile, bareAddress(endpoint.ipv4), hostNames) : hostsFile,
    };
    const { operations } = driverOf(network.driver).leave(network, endpoint);
    await this.#movePorts(sandbox, changed);
    const lostGateway = gatewayEndpoint(sandbox.endpoints)?.id === endpoint.id;
    await this.#context.kernel.network(operations);
    // The old default route went with its link.
    if (lostGateway) await this.#context.kernel.network(moveDefaultRoute(undefined, changed));
    this.#members.release(endpoint);
    this.#members.set(changed);
    return changed;
  }

  /** Resolves when the links of those that left are gone. */
  async idle(): Promise<void> {
    await this.#departures.finish();
  }

  /** Everything that can be known without asking anybody. Takes addresses. */
  #draft(request: SandboxRequest): Sandbox {
    const { containerId, containerName, mode } = request;
    const endpoints: Endpoint[] = [];
    try {
      for (const [index, wanted] of this.#wanted(request).entries()) {
        const network = this.#catalog.records.find(wanted.network);
        const plain = network.driver !== "bridge";
        endpoints.push(
          plain
            ? plainEndpoint(network, wanted)
            : bridgeEndpoint(request, network, wanted, this.#takeAddress(containerId, network, wanted), index),
        );
      }
    } catch (error) {
      for (const endpoint of endpoints) this.#members.release(endpoint);
      throw error;
    }
    return {
      id: containerId,
      containerName,
      kind: mode.kind === "host" ? "host" : "own",
      ...(mode.kind === "host" ? {} : { namespace: join(this.#context.runRoot, "netns", containerId) }),
      endpoints,
      ports: [],
      hostNames: "",
      hostsFile: "",
      resolvConf: "",
    };
  }

  #takeAddress(containerId: string, network: Network, { ipv4 }: EndpointRequest): string {
    const space = this.#members.spaceOf(network);
    const again = this.#departures.reclaim(network.id, (owner, address) =>
      ipv4 ? bareAddress(address) === ipv4 : owner === containerId,
    );
    if (again) return again;
    try {
      return space.take(ipv4);
    } catch (error) {
      const any = isKind(error, "exhausted") && this.#departures.reclaim(network.id, () => true);
      if (!any) throw error;
      return any;
    }
  }

  #wanted({ mode, endpoints }: SandboxRequest): readonly EndpointRequest[] {
    return mode.kind === "networks" ? endpoints : [{ network: mode.kind === "host" ? "host" : "none" }];
  }

  /** The kernel's work, the reservation of ports and the files go on side by side; what fails is undone by the caller. */
  async #make(request: SandboxRequest, draft: Sandbox): Promise<Sandbox> {
    const gateway = gatewayEndpoint(draft.endpoints);
    const bridge = this.#catalog.records.find("bridge");
    const [files, ports] = await settleAll<[SandboxFiles, PortMapping[], unknown]>([
      sandboxFiles(this.#context, request, draft.endpoints, bridge),
      gateway ? this.#reserve(draft, gateway, request.ports) : Promise.resolve([]),
      this.#wire(draft),
    ]);
    const sandbox = { ...draft, ...files, ports };
    this.#members.set(sandbox);
    const { kernel, table } = this.#context;
    const changes = portChanges("add", publishedPorts(sandbox));
    if (changes.length > 0) await kernel.nftElements(table, changes);
    return sandbox;
  }

  async #wire(sandbox: Sandbox): Promise<void> {
    if (!sandbox.namespace) return;
    const { kernel, runRoot } = this.#context;
    this.#folder ??= mkdir(join(runRoot, "netns"), { recursive: true });
    await this.#folder.catch((error) => {
      this.#folder = undefined;
      throw error;
    });
    const namespace = sandbox.namespace;
    const operations = sandbox.endpoints.flatMap((endpoint) => {
      const network = this.#catalog.records.byId(endpoint.networkId)!;
      return driverOf(network.driver).join(network, endpoint, namespace).operations;
    });
    // The worker takes calls in order, so that the second can be sent before the first is answered.
    await settleAll([
      kernel.createNetworkNamespace(namespace),
      ...(operations.length > 0 ? [kernel.network([...operations, ...moveDefaultRoute(undefined, sandbox)])] : []),
    ]);
  }

  async #reserve(sandbox: Sandbox, gateway: Endpoint, requests: readonly PortRequest[]): Promise<PortMapping[]> {
    const { options } = this.#catalog.records.find(gateway.networkId);
    const { hostBinding } = parseBridgeOptions(gateway.networkId, options);
    const bound = requests.map((request) => ({ ...request, hostIp: request.hostIp || hostBinding }));
    try {
      const ports = await this.#ports.reserve({ id: sandbox.id, name: sandbox.containerName }, bound as PortRequest[]);
      this.#ports.aim(sandbox.id, bareAddress(gateway.ipv4!));
      return ports;
    } catch (error) {
      const { kind, message, fields } = withKind(error);
      const where = `driver failed programming external connectivity on endpoint ${sandbox.containerName} (${gateway.id})`;
      throw new KeelsonError(kind, `${where}: ${message}`, { ...fields, cause: error });
    }
  }

  #share(request: SandboxRequest, other: Sandbox): Sandbox {
    if (other.kind === "own" && !this.#members.get(other.id)) {
      throw systemError(`the network namespace of container ${other.id} is gone`);
    }
    const sandbox: Sandbox = {
      ...other,
      id: request.containerId,
      containerName: request.containerName,
      kind: "container",
      endpoints: [],
      ports: [],
    };
    this.#members.set(sandbox);
    return sandbox;
  }

  /**
   * Takes down what there is of a sandbox: its ports, and the name of its namespace, with which the links go
   * (see {@link Departures}).
   */
  async #takeDown(sandbox: Sandbox): Promise<void> {
    const { kernel, table } = this.#context;
    this.#members.delete(sandbox.id);
    if (sandbox.kind !== "own") return;
    const changes = portChanges("remove", publishedPorts(sandbox));
    try {
      await settleAll([
        this.#ports.release(sandbox.id),
        ...(changes.length > 0 ? [kernel.nftElements(table, changes)] : []),
        ...(sandbox.namespace ? [kernel.removeNetworkNamespace(sandbox.namespace)] : []),
      ]);
    } finally {
      for (const endpoint of sandbox.endpoints) this.#departures.add(sandbox.id, endpoint);
    }
  }

  /** Ports follow the endpoint that has the default route. */
  async #movePorts(before: Sandbox, after: Sandbox): Promise<void> {
    const [old, now] = [publishedPorts(before), publishedPorts(after)];
    if (old[0]?.address === now[0]?.address) return;
    this.#ports.aim(after.id, now[0]?.address);
    await this.#context.kernel.nftElements(this.#context.table, [
      ...portChanges("remove", old),
      ...portChanges("add", now),
    ]);
  }
}

/** Gives the namespace the default route that `after` should have, where `before` had another. */
function moveDefaultRoute(before: Sandbox | undefined, after: Sandbox): NetworkOperation[] {
  const old = before && gatewayEndpoint(before.endpoints);
  const now = gatewayEndpoint(after.endpoints);
  const namespace = after.namespace!;
  if (old?.id === now?.id) return [];
  return [
    ...(old ? [{ op: "removeRoute", namespace, to: "default", via: old.gateway4!, link: old.ifname! } as const] : []),
    ...(now ? [{ op: "addRoute", namespace, to: "default", via: now.gateway4!, link: now.ifname! } as const] : []),
  ];
}

/** The lowest number that no link of the sandbox has in its name. */
function freeIndex({ endpoints }: Sandbox): number {
  const used = new Set(endpoints.map(({ ifname }) => Number(/\d+$/.exec(ifname ?? "")?.[0])));
  let index = 0;
  while (used.has(index)) index++;
  return index;
}

function hostnameOf({ hostNames }: Sandbox): string {
  return hostNames.split(" ").pop()!;
}
