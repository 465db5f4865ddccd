import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { NetworkCatalog } from "./catalog.ts";
import type { NetworkContext } from "./context.ts";
import { bareAddress, gatewayEndpoint } from "./endpoint-plan.ts";
import { tableScript } from "./firewall.ts";
import { dropStaleAddresses, mendLinks, readHostState } from "./kernel-state.ts";
import type { Sandbox } from "./networks.ts";
import type { HostPorts } from "./publish/host-ports.ts";
import { publishedPorts } from "./sandboxes.ts";

/** Brings the kernel in line with the records and the live sandboxes, and takes their ports over. */
export async function reconcileNetworks(
  context: NetworkContext,
  catalog: NetworkCatalog,
  ports: HostPorts,
  live: readonly Sandbox[],
): Promise<void> {
  const { kernel, table } = context;
  await catalog.ensureLinks();
  await removeStaleNamespaces(context, live);
  await mend(context, catalog, live);
  await adoptPorts(context, ports, live);
  await kernel.nftScript(tableScript(table, catalog.rules(), live.flatMap(publishedPorts)));
}

async function mend({ kernel }: NetworkContext, catalog: NetworkCatalog, live: readonly Sandbox[]): Promise<void> {
  const host = await readHostState(kernel);
  const plans = catalog.plans();
  const endpoints = live.flatMap((sandbox) => sandbox.endpoints);
  const bridgeOf = new Map(catalog.records.list().map((network, index) => [network.id, plans[index]?.rules?.bridge]));
  const wired = endpoints.flatMap((endpoint) => {
    const bridge = bridgeOf.get(endpoint.networkId);
    return bridge ? [{ ...endpoint, bridge }] : [];
  });
  const links = mendLinks(host, catalog.bridges(), wired);
  await kernel.network([...dropStaleAddresses(plans, host, endpoints), ...links]);
}

async function removeStaleNamespaces({ kernel, runRoot }: NetworkContext, live: readonly Sandbox[]): Promise<void> {
  const folder = join(runRoot, "netns");
  const kept = new Set(live.map(({ namespace }) => namespace));
  const names = await readdir(folder).catch(() => []);
  await Promise.all(
    names
      .map((name) => join(folder, name))
      .flatMap((path) => (kept.has(path) ? [] : kernel.removeNetworkNamespace(path))),
  );
}

async function adoptPorts(context: NetworkContext, ports: HostPorts, live: readonly Sandbox[]): Promise<void> {
  await ports.close();
  await Promise.all(live.map((sandbox) => adoptPortsOf(context, ports, sandbox)));
}

async function adoptPortsOf({ log }: NetworkContext, ports: HostPorts, sandbox: Sandbox): Promise<void> {
  const lost = await ports.adopt({ id: sandbox.id, name: sandbox.containerName }, sandbox.ports);
  const target = gatewayEndpoint(sandbox.endpoints)?.ipv4;
  ports.aim(sandbox.id, target && bareAddress(target));
  for (const { hostIp, hostPort } of lost) {
    const fields = { container: sandbox.id, hostIp, hostPort };
    log.warn("a published port was taken by another process while the engine was down", fields);
  }
}
