import { forbidden, invalid, KeelsonError, systemError, withKind } from "../base/errors.ts";
import { shortId } from "../base/ids.ts";
import type { Operation } from "../base/operation.ts";
import { KeyedQueue } from "../base/queue.ts";
import { NetworkCatalog } from "./catalog.ts";
import type { NetworkContext } from "./context.ts";
import { checkEndpoint } from "./endpoint-plan.ts";
import { parseExtraHost } from "./files/hosts-file.ts";
import { NetworkMembers } from "./members.ts";
import type {
  Endpoint,
  EndpointRequest,
  Network,
  NetworkRequest,
  Networks,
  Sandbox,
  SandboxRequest,
} from "./networks.ts";
import { HostPorts } from "./publish/host-ports.ts";
import { reconcileNetworks } from "./reconcile.ts";
import { Sandboxes } from "./sandboxes.ts";

/** Changes of the set of networks go one after another; those of one container, too. */
const catalogKey = "networks";

/** The networks service: checks requests, orders changes, and says what happened. */
export class NetworkService implements Networks {
  readonly #context: NetworkContext;
  readonly #catalog: NetworkCatalog;
  readonly #members = new NetworkMembers();
  readonly #ports = new HostPorts();
  readonly #sandboxes: Sandboxes;
  readonly #queue = new KeyedQueue();

  constructor(context: NetworkContext) {
    this.#context = context;
    this.#catalog = new NetworkCatalog(context);
    this.#sandboxes = new Sandboxes(context, this.#catalog, this.#members, this.#ports);
  }

  /** See `openNetworks`. */
  async open(): Promise<void> {
    await this.#catalog.ensurePredefined();
    await this.#catalog.ensureLinks();
    await this.#catalog.ensureTable();
  }

  list(): Network[] {
    return this.#catalog.records.list();
  }

  get(reference: string): Network {
    return this.#catalog.records.find(reference);
  }

  async create(op: Operation, request: NetworkRequest): Promise<Network> {
    return this.#queue.run(catalogKey, () => {
      op.check();
      return this.#catalog.create(request);
    });
  }

  async remove(op: Operation, reference: string): Promise<void> {
    await this.#queue.run(catalogKey, async () => {
      op.check();
      const network = this.get(reference);
      const members = this.#members.on(network.id);
      if (members.length > 0 && network.driver === "bridge") refuseRemoval(network, members);
      await this.#catalog.remove(network);
      this.#members.forgetNetwork(network.id);
    });
  }

  check({ mode, endpoints, extraHosts }: SandboxRequest): void {
    for (const entry of extraHosts) parseExtraHost(entry);
    if (mode.kind !== "networks") return;
    if (endpoints.length === 0) throw invalid("a container needs a network");
    for (const endpoint of endpoints) {
      checkEndpoint(this.get(endpoint.network), endpoint, `invalid config for network ${endpoint.network}: `);
    }
  }

  async join(op: Operation, request: SandboxRequest): Promise<Sandbox> {
    try {
      op.check();
      this.check(request);
      const sandbox = await this.#queue.run(request.containerId, () => this.#sandboxes.join(op, request));
      for (const endpoint of sandbox.endpoints) this.#report("connect", sandbox, endpoint);
      return sandbox;
    } catch (error) {
      throw inDockersWords(error);
    }
  }

  async leave(_op: Operation, sandbox: Sandbox): Promise<void> {
    const endpoints = await this.#queue.run(sandbox.id, () => this.#sandboxes.leave(sandbox));
    for (const endpoint of endpoints) this.#report("disconnect", sandbox, endpoint);
  }

  async connect(op: Operation, sandbox: Sandbox, request: EndpointRequest): Promise<Sandbox> {
    op.check();
    const network = this.get(request.network);
    refuseConnection(sandbox, network);
    checkEndpoint(network, request);
    const { changed, endpoint } = await this.#queue.run(sandbox.id, () =>
      this.#sandboxes.connect(sandbox, network, request),
    );
    this.#report("connect", changed, endpoint);
    return changed;
  }

  async disconnect(op: Operation, sandbox: Sandbox, reference: string): Promise<Sandbox> {
    op.check();
    const network = this.get(reference);
    if (network.driver === "host") {
      throw invalid("cannot disconnect container from host network - container was created in host network mode");
    }
    const endpoint = sandbox.endpoints.find(({ networkId }) => networkId === network.id);
    // A `system` error, for Docker answers 500.
    if (!endpoint) throw systemError(`container ${sandbox.id} is not connected to network ${network.name}`);
    const changed = await this.#queue.run(sandbox.id, () => this.#sandboxes.disconnect(sandbox, network, endpoint));
    this.#report("disconnect", changed, endpoint);
    return changed;
  }

  endpoints(networkId: string): ReturnType<Networks["endpoints"]> {
    return this.#members.on(networkId);
  }

  async reconcile(op: Operation, live: readonly Sandbox[]): Promise<void> {
    await this.#queue.run(catalogKey, async () => {
      op.check();
      this.#members.reset(live, this.list());
      await reconcileNetworks(this.#context, this.#catalog, this.#ports, live);
    });
  }

  async close(): Promise<void> {
    await this.#queue.idle();
    await this.#sandboxes.idle();
    await this.#ports.close();
  }

  #report(action: "connect" | "disconnect", sandbox: Sandbox, endpoint: Endpoint): void {
    const network = this.#catalog.records.byId(endpoint.networkId);
    this.#context.events.emit("network", action, endpoint.networkId, {
      container: sandbox.id,
      name: endpoint.networkName,
      type: network?.driver ?? "bridge",
    });
  }
}

function refuseRemoval(network: Network, members: ReturnType<Networks["endpoints"]>): never {
  const list = members.map(({ containerName, id }) => `name:"${containerName}" id:"${shortId(id)}"`).join(", ");
  throw forbidden(`error while removing network: network ${network.name} has active endpoints (${list})`);
}

function refuseConnection(sandbox: Sandbox, network: Network): void {
  if (network.driver === "host") {
    throw invalid("cannot connect container to host network - container must be created in host network mode");
  }
  if (sandbox.kind !== "own") {
    throw invalid(
      "container sharing network namespace with another container or host cannot be connected to any other network",
    );
  }
  if (network.driver === "null" || sandbox.endpoints.some(({ networkName }) => networkName === "none")) {
    throw invalid("container cannot be connected to multiple networks with one of the networks in private (none) mode");
  }
  if (sandbox.endpoints.some(({ networkId }) => networkId === network.id)) {
    throw forbidden(`endpoint with name ${sandbox.containerName} already exists in network ${network.name}`);
  }
}

/** Docker puts this before everything that goes wrong between a container's start and its network. */
function inDockersWords(error: unknown): KeelsonError {
  const { kind, message, fields } = withKind(error);
  if (kind === "cancelled" || kind === "deadline" || kind === "invalid") return withKind(error);
  return new KeelsonError(kind, `failed to set up container networking: ${message}`, { ...fields, cause: error });
}
