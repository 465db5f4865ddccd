import { conflict } from "../base/errors.ts";
import { shortId } from "../base/ids.ts";
import type { EndpointConfig } from "../client/endpoints/container-config.ts";
import type { EndpointRequest, PortRequest, SandboxMode, SandboxRequest } from "../networks/networks.ts";
import { parsePortBindings } from "../networks/ports.ts";
import type { Container } from "./containers.ts";
import type { Context } from "./context.ts";

/** What a container asks of the networks, from its record. `conflict` where the container that it joins does not run. */
export function sandboxRequest(context: Pick<Context, "records">, container: Container): SandboxRequest {
  const { config, hostConfig } = container;
  const mode = sandboxMode(context, container);
  return {
    containerId: container.id,
    containerName: container.name,
    hostname: config.Hostname ?? shortId(container.id),
    domainname: config.Domainname || undefined,
    mode,
    endpoints: mode.kind === "networks" ? endpointRequests(container) : [],
    ports: mode.kind === "networks" ? portRequests(container) : [],
    dns: hostConfig.Dns ?? [],
    dnsSearch: hostConfig.DnsSearch ?? [],
    dnsOptions: hostConfig.DnsOptions ?? [],
    extraHosts: hostConfig.ExtraHosts ?? [],
  };
}

/** The ports to publish. Throws `invalid` for malformed ones, so creation calls it too. */
export function portRequests(container: Pick<Container, "config" | "hostConfig">): PortRequest[] {
  const { hostConfig, config } = container;
  return parsePortBindings(
    hostConfig.PortBindings ?? {},
    config.ExposedPorts ?? {},
    hostConfig.PublishAllPorts ?? false,
  );
}

/** `default` and an empty mode are `bridge`. */
export function networkModeOf(container: Pick<Container, "config" | "hostConfig">): string {
  if (container.config.NetworkDisabled) return "none";
  const mode = container.hostConfig.NetworkMode ?? "";
  return mode === "" || mode === "default" ? "bridge" : mode;
}

function sandboxMode(context: Pick<Context, "records">, container: Container): SandboxMode {
  const mode = networkModeOf(container);
  if (mode === "host" || mode === "none") return { kind: mode };
  if (!mode.startsWith("container:")) return { kind: "networks" };
  const other = context.records.resolve(mode.slice("container:".length));
  if (other.state.status !== "running" || !other.sandbox)
    throw conflict(`cannot join network of a non running container: ${other.id}`, { id: other.id });
  return { kind: "container", sandbox: other.sandbox };
}

/** The mode's own network first, then those that creation or `network connect` added. */
function endpointRequests(container: Container): EndpointRequest[] {
  const mode = networkModeOf(container);
  const wanted = container.networking.EndpointsConfig ?? {};
  const names = [
    mode,
    ...Object.keys(wanted).filter((name) => name !== mode && !(mode === "bridge" && name === "default")),
  ];
  return names.map((network) => {
    const own = wanted[network] ?? (network === "bridge" ? wanted["default"] : undefined) ?? {};
    return endpointRequest(network, network === mode ? { MacAddress: container.config.MacAddress, ...own } : own);
  });
}

/** An endpoint in the networks' own words. */
export function endpointRequest(network: string, own: EndpointConfig): EndpointRequest {
  return {
    network,
    aliases: own.Aliases,
    ipv4: own.IPAMConfig?.IPv4Address || undefined,
    ipv6: own.IPAMConfig?.IPv6Address || undefined,
    linkLocal: own.IPAMConfig?.LinkLocalIPs,
    mac: own.MacAddress || undefined,
    driverOptions: own.DriverOpts,
    gatewayPriority: own.GwPriority,
  };
}
