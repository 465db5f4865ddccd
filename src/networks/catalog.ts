import { conflict, forbidden, invalid, notImplemented } from "../base/errors.ts";
import type { NetworkContext } from "./context.ts";
import { defaultBridgeRecord, hostSubnets } from "./default-bridge.ts";
import { parseBridgeOptions } from "./drivers/bridge-options.ts";
import { driverOf } from "./drivers/index.ts";
import { networkScript, tableScript } from "./firewall.ts";
import { completeIpam } from "./ipam/ipam-config.ts";
import { parseCidr, type Subnet } from "./ipam/ipv4.ts";
import type { DriverPlan, Network, NetworkRequest, NetworkRules } from "./networks.ts";
import { isPredefined, NetworkRecords, newNetwork } from "./records.ts";

/** The networks there are: their records, and their own part of the kernel's state. */
export class NetworkCatalog {
  readonly records: NetworkRecords;
  readonly #context: NetworkContext;

  constructor(context: NetworkContext) {
    this.#context = context;
    this.records = new NetworkRecords(context.store);
  }

  /** Makes the predefined networks' records where they are missing. */
  async ensurePredefined(): Promise<void> {
    const known = this.records.list();
    for (const [name, driver] of [
      ["host", "host"],
      ["none", "null"],
    ] as const) {
      if (known.some((network) => network.name === name)) continue;
      await this.records.put(newNetwork({ name, driver, ipam: { driver: "default", config: [] } }));
    }
    const old = known.find(({ name }) => name === "bridge");
    const others = this.#subnets(known.filter((network) => network !== old));
    const bridge = await defaultBridgeRecord(this.#context.kernel, this.#context.defaultBridge, old, others);
    if (JSON.stringify(bridge) !== JSON.stringify(old)) await this.records.put(bridge);
  }

  /** Makes what the kernel lacks of the networks' links and addresses. */
  async ensureLinks(): Promise<void> {
    await this.#context.kernel.network([
      { op: "sysctl", path: "net/ipv4/ip_forward", value: "1" },
      ...this.plans().flatMap(({ operations }) => operations),
    ]);
  }

  /** Makes the firewall's table where there is none. */
  async ensureTable(): Promise<void> {
    const { kernel, table } = this.#context;
    if ((await kernel.nftRead(table, "bridges")) === undefined) {
      await kernel.nftScript(tableScript(table, this.rules(), []));
    }
  }

  plans(): DriverPlan[] {
    return this.records.list().map((network) => driverOf(network.driver).plan(network));
  }

  rules(): NetworkRules[] {
    return this.plans().flatMap(({ rules }) => rules ?? []);
  }

  /** The Linux bridges of all networks. */
  bridges(): Set<string> {
    return new Set(this.rules().map(({ bridge }) => bridge));
  }

  /** Record first, then the links: where the engine dies between the two, the next start makes them. */
  async create(request: NetworkRequest): Promise<Network> {
    const { kernel, events, table } = this.#context;
    const network = await this.#complete(request);
    const { operations, rules } = driverOf(network.driver).plan(network);
    await this.records.put(network);
    try {
      await kernel.network(operations);
      if (rules) await kernel.nftScript(networkScript(table, "add", rules));
    } catch (error) {
      await this.#undo(network);
      throw error;
    }
    events.emit("network", "create", network.id, { name: network.name, type: network.driver });
    return network;
  }

  /** Links first, then the record. The caller has seen to it that nobody is on the network. */
  async remove(network: Network): Promise<void> {
    const { kernel, events, table } = this.#context;
    if (isPredefined(network)) {
      throw forbidden(`${network.name} is a pre-defined network and cannot be removed`, { id: network.id });
    }
    const { operations, rules } = driverOf(network.driver).unplan(network);
    await kernel.network(operations);
    if (rules) await kernel.nftScript(networkScript(table, "delete", rules));
    await this.records.remove(network.id);
    events.emit("network", "destroy", network.id, { name: network.name, type: network.driver });
  }

  async #undo(network: Network): Promise<void> {
    const { kernel, log } = this.#context;
    try {
      await kernel.network(driverOf(network.driver).unplan(network).operations);
      await this.records.remove(network.id);
    } catch (error) {
      log.warn("a network that could not be made could not be removed", { network: network.id, error });
    }
  }

  async #complete(request: NetworkRequest): Promise<Network> {
    this.records.checkName(request.name);
    const driver = driverOf(request.driver || "bridge");
    if (driver.name !== "bridge") throw forbidden(`only one instance of "${driver.name}" network is allowed`);
    if (request.enableIPv6) throw notImplemented("IPv6 networks are not implemented yet");
    if (request.enableIPv4 === false) throw invalid("IPv4 or IPv6 must be enabled");
    const valid = driver.validate(request);
    const known = this.records.list();
    const inUse = { networks: this.#subnets(known), host: await hostSubnets(this.#context.kernel) };
    const ipam = completeIpam(valid.ipam, this.#context.defaultBridge.pools, inUse);
    const network = newNetwork({ ...valid, driver: driver.name, ipam });
    this.#checkBridge(network, known);
    return network;
  }

  #checkBridge(network: Network, known: readonly Network[]): void {
    const bridgeOf = ({ id, options }: Network) => parseBridgeOptions(id, options).bridge;
    const bridge = bridgeOf(network);
    const other = known.find((one) => one.driver === "bridge" && bridgeOf(one) === bridge);
    if (!other) return;
    throw conflict(
      `cannot create network ${network.id} (${bridge}): conflicts with network ${other.id} (${bridge}): networks have same bridge name`,
    );
  }

  #subnets(networks: readonly Network[]): Subnet[] {
    return networks.flatMap(({ ipam }) => ipam.config.flatMap(({ subnet }) => parseCidr(subnet ?? "")?.subnet ?? []));
  }
}
