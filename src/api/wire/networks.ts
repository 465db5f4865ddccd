import type { NetworkInspect } from "../../client/endpoints/networks.ts";
import type { Network, Networks } from "../../networks/networks.ts";

/** A network as inspect shows it; lists leave `Containers` empty, as Docker does since 1.28. */
export function networkToWire(network: Network, members: ReturnType<Networks["endpoints"]> = []): NetworkInspect {
  return {
    Name: network.name,
    Id: network.id,
    Created: network.created,
    Scope: network.scope,
    Driver: network.driver,
    EnableIPv4: network.enableIPv4,
    EnableIPv6: network.enableIPv6,
    IPAM: {
      Driver: network.ipam.driver,
      Options: network.ipam.options ? { ...network.ipam.options } : null,
      Config: network.ipam.config.length > 0 ? network.ipam.config.map(poolToWire) : null,
    },
    Internal: network.internal,
    Attachable: network.attachable,
    Ingress: false,
    ConfigFrom: { Network: "" },
    ConfigOnly: false,
    Containers: Object.fromEntries(
      members.map((member) => [
        member.containerId,
        {
          Name: member.containerName,
          EndpointID: member.id,
          MacAddress: member.mac ?? "",
          IPv4Address: member.ipv4 ?? "",
          IPv6Address: member.ipv6 ?? "",
        },
      ]),
    ),
    Options: { ...network.options },
    Labels: { ...network.labels },
  };
}

function poolToWire(pool: Network["ipam"]["config"][number]) {
  return {
    ...(pool.subnet !== undefined && { Subnet: pool.subnet }),
    ...(pool.ipRange !== undefined && { IPRange: pool.ipRange }),
    ...(pool.gateway !== undefined && { Gateway: pool.gateway }),
    ...(pool.auxAddresses && Object.keys(pool.auxAddresses).length > 0
      ? { AuxiliaryAddresses: { ...pool.auxAddresses } }
      : {}),
  };
}
