import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { EventBus } from "../../base/events.ts";
import { newId } from "../../base/ids.ts";
import { createLogger } from "../../base/log.ts";
import { Operation } from "../../base/operation.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import { openKernel } from "../../kernel/open.ts";
import { openStore } from "../../store/lmdb.ts";
import type { Store } from "../../store/store.ts";
import { driverOf } from "../drivers/index.ts";
import { tableFor } from "../firewall.ts";
import type { Networks, PortRequest, Sandbox, SandboxRequest } from "../networks.ts";
import { type NetworksOptions, openNetworks } from "../open.ts";
import { Peer } from "./peer.ts";

const run = promisify(execFile);

/** A host of a test's own: kernel, store and networks over temporary folders, in the namespaces that the test runs in. */
export class TestHost {
  readonly op = Operation.background("test");
  readonly events = new EventBus();
  readonly folder = mkdtempSync(join(tmpdir(), "keelson-networks-"));
  readonly kernel: Kernel;
  readonly store: Store;
  readonly log: string[] = [];
  networks!: Networks;
  readonly #peers: Peer[] = [];
  readonly #namespaces: string[] = [];

  constructor(kernel: Kernel) {
    this.kernel = kernel;
    this.store = openStore(join(this.folder, "store"));
  }

  get runRoot(): string {
    return join(this.folder, "run");
  }

  /** Opens the networks; called again, it opens a second service over the same store, as after a crash. */
  async open(options: Partial<NetworksOptions> = {}): Promise<Networks> {
    this.networks = await openNetworks({
      kernel: this.kernel,
      store: this.store,
      events: this.events,
      log: createLogger("warn", (line) => this.log.push(line)),
      runRoot: this.runRoot,
      ...options,
    });
    return this.networks;
  }

  /** Joins a container of that name to the default bridge. */
  async join(name: string, ports: readonly PortRequest[] = [], more: Partial<SandboxRequest> = {}): Promise<Sandbox> {
    return this.networks.join(this.op, sandboxRequest(name, { ports, ...more }));
  }

  /** A program inside a namespace, ended with the host. */
  peer(namespace: string | undefined): Peer {
    const peer = new Peer(namespace);
    this.#peers.push(peer);
    return peer;
  }

  /**
   * Another machine: a namespace that is joined to this host by a cable, `near` and `far` being the addresses at its
   * ends with their prefix length.
   */
  async neighbour(name: string, near: string, far: string): Promise<string> {
    const namespace = join(this.folder, name);
    this.#namespaces.push(namespace);
    await this.kernel.createNetworkNamespace(namespace);
    await this.kernel.network([
      { op: "addVeth", name: `to-${name}`, up: true, peer: { name: "wire", namespace } },
      { op: "addAddress", link: `to-${name}`, address: near },
      { op: "addAddress", namespace, link: "wire", address: far },
      { op: "setLink", namespace, name: "wire", up: true },
    ]);
    return namespace;
  }

  async end(): Promise<void> {
    await Promise.all(this.#peers.map((peer) => peer.stop()));
    await this.networks.close();
    await this.#removeNetworks();
    await Promise.all(this.#namespaces.map((path) => this.kernel.removeNetworkNamespace(path)));
    await this.kernel.close();
    await this.store.close();
    await run("sh", ["-c", 'for f in "$1"/run/netns/*; do umount "$f" 2>/dev/null; done; true', "sh", this.folder]);
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** What a service leaves in the kernel when it closes: its networks' own links, and the firewall. */
  async #removeNetworks(): Promise<void> {
    const networks = this.networks.list().map((network) => driverOf(network.driver).unplan(network));
    await this.kernel.network(networks.flatMap(({ operations }) => operations));
    const [bridge] = networks.flatMap(({ rules }) => (rules ? [rules.bridge] : []));
    for (const table of new Set(["keelson", ...(bridge ? [tableFor(bridge)] : [])])) {
      await run("nft", ["delete", "table", "inet", table]).catch(() => {});
    }
  }
}

export async function testHost(options: Partial<NetworksOptions> = {}): Promise<TestHost> {
  const host = new TestHost(await openKernel());
  await host.open(options);
  return host;
}

export function sandboxRequest(name: string, more: Partial<SandboxRequest> = {}): SandboxRequest {
  return {
    containerId: newId(),
    containerName: name,
    hostname: name,
    mode: { kind: "networks" },
    endpoints: [{ network: "bridge" }],
    ports: [],
    dns: [],
    dnsSearch: [],
    dnsOptions: [],
    extraHosts: [],
    ...more,
  };
}

/** Runs a program inside a network namespace (by path; the test's own when absent); resolves with its output. */
export async function inside(namespace: string | undefined, ...command: readonly string[]): Promise<string> {
  const [program = "", ...args] = namespace ? ["nsenter", `--net=${namespace}`, ...command] : command;
  return (await run(program, args)).stdout;
}

/** The first IPv4 address of a sandbox. */
export function addressOf(sandbox: Sandbox): string {
  return sandbox.endpoints[0]!.ipv4!.split("/")[0]!;
}
