import { writeFileSync } from "node:fs";
import { conflict, forbidden, isKind } from "../base/errors.ts";
import type { Operation } from "../base/operation.ts";
import type { EndpointConfig } from "../client/endpoints/container-config.ts";
import type { Sandbox } from "../networks/networks.ts";
import { ownFiles } from "./bundle.ts";
import type { Container } from "./containers.ts";
import type { Context } from "./context.ts";
import { endpointRequest, networkModeOf } from "./sandbox-request.ts";

/** Puts a container on a network: at once where it runs, else at its next start. */
export async function connectNetwork(
  context: Context,
  op: Operation,
  container: Container,
  network: string,
  endpoint: EndpointConfig,
): Promise<void> {
  const { name } = context.networks.get(network);
  refuseMode(container, "connected to");
  await context.queue.run(container.id, async () => {
    const now = context.records.get(container.id);
    const wanted = { ...now.networking.EndpointsConfig, [name]: endpoint };
    const joined = context.live.has(now.id) && now.sandbox;
    if (!joined && name in (now.networking.EndpointsConfig ?? {}))
      throw forbidden(`endpoint with name ${now.name} already exists in network ${name}`);
    const sandbox = joined ? await context.networks.connect(op, joined, endpointRequest(name, endpoint)) : now.sandbox;
    await keep(context, now, { EndpointsConfig: wanted }, sandbox);
  });
}

/** Takes a container off a network. `force` passes over one that is not on it. */
export async function disconnectNetwork(
  context: Context,
  op: Operation,
  container: Container,
  network: string,
  { force }: { readonly force: boolean },
): Promise<void> {
  const { name } = context.networks.get(network);
  refuseMode(container, "disconnected from");
  await context.queue.run(container.id, async () => {
    const now = context.records.get(container.id);
    const { [name]: removed, ...rest } = now.networking.EndpointsConfig ?? {};
    const joined = context.live.has(now.id) && now.sandbox;
    if (!joined && !removed && !force && networkModeOf(now) !== name)
      throw forbidden(`container ${now.id} is not connected to network ${name}`, { id: now.id });
    const sandbox = joined ? await leave(context, op, joined, name, force) : now.sandbox;
    await keep(context, now, { EndpointsConfig: rest }, sandbox);
  });
}

async function leave(
  context: Context,
  op: Operation,
  sandbox: Sandbox,
  name: string,
  force: boolean,
): Promise<Sandbox> {
  try {
    return await context.networks.disconnect(op, sandbox, name);
  } catch (error) {
    if (force && isKind(error, "notFound")) return sandbox;
    throw error;
  }
}

/** The host's namespace and another container's are not ours to change. */
function refuseMode(container: Container, what: string): void {
  const mode = networkModeOf(container);
  if (mode === "host") throw forbidden(`container cannot be ${what} host network`);
  if (mode.startsWith("container:"))
    throw conflict(
      "container sharing network namespace with another container or host cannot be connected to any other network",
    );
}

async function keep(
  context: Context,
  container: Container,
  networking: Container["networking"],
  sandbox: Sandbox | undefined,
): Promise<void> {
  await context.records.update(container.id, { networking, sandbox });
  if (!sandbox || !context.live.has(container.id)) return;
  const files = ownFiles(context, container.id);
  writeFileSync(files.hosts, sandbox.hostsFile);
  writeFileSync(files.resolvConf, sandbox.resolvConf);
}
