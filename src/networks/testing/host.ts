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
import type { Networks, PortRequest, Sandbox, SandboxRequest } from "../networks.ts";
import { type NetworksOptions, openNetworks } from "../open.ts";

const run = promisify(execFile);

/** A host of a test's own: kernel, store and networks over temporary folders, in the namespaces that the test runs in. */
export class TestHost {
  readonly op = Operation.background("test");
  readonly events = new EventBus();
  readonly folder = mkdtempSync(join(tmpdir(), "keelson-networks-"));
  readonly kernel: Kernel;
  readonly log: string[] = [];
  store: Store;
  networks!: Networks;

  constructor(kernel: Kernel) {
    this.kernel = kernel;
    this.store = openStore(join(this.folder, "store"));
  }

  /** Starts the networks service; again after {@link crash} over the same store. */
  async start(options: Partial<NetworksOptions> = {}): Promise<void> {
    this.networks = await openNetworks({
      kernel: this.kernel,
      store: this.store,
      events: this.events,
      log: createLogger("warn", (line) => this.log.push(line)),
      runRoot: join(this.folder, "run"),
      ...options,
    });
  }

  /** Joins a container of that name to the default bridge. */
  async join(name: string, ports: readonly PortRequest[] = [], more: Partial<SandboxRequest> = {}): Promise<Sandbox> {
    return this.networks.join(this.op, sandboxRequest(name, { ports, ...more }));
  }

  async end(): Promise<void> {
    for (const network of this.networks.list()) {
      for (const { containerId } of this.networks.endpoints(network.id)) {
        const sandbox = this.#sandboxes.get(containerId);
        if (sandbox) await this.networks.leave(this.op, sandbox);
      }
    }
    await this.networks.close();
    await this.kernel.close();
    await this.store.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  readonly #sandboxes = new Map<string, Sandbox>();
}

export async function testHost(options: Partial<NetworksOptions> = {}): Promise<TestHost> {
  const host = new TestHost(await openKernel());
  await host.start(options);
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
