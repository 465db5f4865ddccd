import type { EndpointConfig } from "../../client/endpoints/container-config.ts";
import type { NetworkEndpoint } from "../../client/endpoints/container-parts.ts";
import type { Container } from "../../containers/containers.ts";
import type { Endpoint } from "../../networks/networks.ts";

/** True while the container has its network. */
export function hasNetwork(container: Container): boolean {
  return container.state.status === "running" || container.state.status === "paused";
}

/** The network mode as Docker 28 shows it. */
export function networkModeOf(container: Container): string {
  const mode = container.hostConfig.NetworkMode;
  return mode === undefined || mode === "" || mode === "default" ? "bridge" : mode;
}

/** Every network of the container: its endpoints while it runs, else what it will be on. */
export function networksOf(container: Container): Record<string, NetworkEndpoint> {
  const asked = container.networking.EndpointsConfig ?? {};
  const known = container.sandbox?.endpoints ?? [];
  const live = hasNetwork(container);
  const names = new Set(live && known.length > 0 ? known.map((endpoint) => endpoint.networkName) : Object.keys(asked));
  const mode = networkModeOf(container);
  if (names.size === 0 && !mode.startsWith("container:")) names.add(mode);
  return Object.fromEntries(
    [...names].map((name) => {
      const endpoint = known.find((one) => one.networkName === name || one.networkId === name);
      return [name, endpointOf(asked[name] ?? {}, endpoint, live)];
    }),
  );
}

function endpointOf(asked: EndpointConfig, endpoint: Endpoint | undefined, live: boolean): NetworkEndpoint {
  const now = live ? endpoint : undefined;
  const [ipv4 = "", prefix4 = "0"] = now?.ipv4?.split("/") ?? [];
  const [ipv6 = "", prefix6 = "0"] = now?.ipv6?.split("/") ?? [];
  const names = now?.dnsNames ?? [];
  return {
    IPAMConfig: asked.IPAMConfig ?? null,
    Links: asked.Links ?? null,
    Aliases: asked.Aliases ?? null,
    MacAddress: now?.mac ?? asked.MacAddress ?? "",
    DriverOpts: asked.DriverOpts ?? null,
    GwPriority: asked.GwPriority ?? 0,
    NetworkID: endpoint?.networkId ?? "",
    EndpointID: now?.id ?? "",
    Gateway: now?.gateway4 ?? "",
    IPAddress: ipv4,
    IPPrefixLen: Number(prefix4),
    IPv6Gateway: now?.gateway6 ?? "",
    GlobalIPv6Address: ipv6,
    GlobalIPv6PrefixLen: Number(prefix6),
    DNSNames: names.length > 0 ? [...names] : null,
  };
}
