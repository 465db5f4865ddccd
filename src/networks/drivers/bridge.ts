import type { DriverPlan, Endpoint, Network, NetworkDriver, NetworkRequest } from "../networks.ts";
import { parseBridgeOptions } from "./bridge-options.ts";

/** The prefix of the host's end of each container's link. Docker's are `veth…`, so that none is taken for another's. */
export const linkPrefix = "kl";

/** Containers on a Linux bridge, one link pair each, the host routing and masquerading for them. */
export const bridgeDriver: NetworkDriver = {
  name: "bridge",
  scope: "local",

  validate(request: NetworkRequest): NetworkRequest {
    parseBridgeOptions("0".repeat(64), request.options ?? {});
    return request;
  },

  plan(network: Network): DriverPlan {
    const { bridge, mtu } = optionsOf(network);
    return {
      operations: [
        { op: "addBridge", name: bridge, ...(mtu ? { mtu } : {}), mac: bridgeMac(network.id), existing: "keep" },
        ...gateways(network).map((address) => ({ op: "addAddress", link: bridge, address, existing: "keep" }) as const),
        // A published port is reachable at 127.0.0.1: such packets are sent on to a container, and answers come back.
        // The firewall drops every other packet from or to a loopback address on this bridge.
        { op: "sysctl", path: `net/ipv4/conf/${bridge}/route_localnet`, value: "1" },
        { op: "setLink", name: bridge, up: true, ...(mtu ? { mtu } : {}) },
      ],
      rules: rulesOf(network),
    };
  },

  unplan(network: Network): DriverPlan {
    return { operations: [{ op: "removeLink", name: optionsOf(network).bridge }], rules: rulesOf(network) };
  },

  join(network: Network, endpoint: Endpoint, namespace: string): DriverPlan {
    const { bridge, mtu, icc } = optionsOf(network);
    const { ifname, hostIfname, mac, ipv4 } = endpoint as Required<Endpoint>;
    return {
      operations: [
        {
          op: "addVeth",
          name: hostIfname,
          master: bridge,
          up: true,
          ...(mtu ? { mtu } : {}),
          peer: { name: ifname, namespace, mac },
        },
        // Where br_netfilter is loaded, DNAT happens within the bridge, and a container that asks for its own published
        // port is answered through the port that it came by. Traffic between ports of one bridge never reaches the
        // firewall elsewhere: the bridge itself keeps those apart that may not talk.
        { op: "setLink", name: hostIfname, hairpin: true, ...(icc ? {} : { isolated: true }) },
        { op: "sysctl", namespace, path: `net/ipv6/conf/${ifname}/disable_ipv6`, value: "1", optional: true },
        { op: "addAddress", namespace, link: ifname, address: ipv4 },
        { op: "setLink", namespace, name: ifname, up: true },
      ],
    };
  },

  leave(_network: Network, endpoint: Endpoint): DriverPlan {
    return { operations: endpoint.hostIfname ? [{ op: "removeLink", name: endpoint.hostIfname }] : [] };
  },
};

function optionsOf(network: Network) {
  return parseBridgeOptions(network.id, network.options);
}

function rulesOf(network: Network) {
  const { bridge, icc, masquerade } = optionsOf(network);
  const subnets = network.ipam.config.flatMap(({ subnet }) => subnet ?? []);
  return { bridge, subnets, icc, internal: network.internal, masquerade };
}

/** The bridge's own addresses: each pool's gateway with the subnet's prefix length. */
function gateways(network: Network): string[] {
  return network.ipam.config.flatMap(({ gateway, subnet }) =>
    gateway && subnet ? [`${gateway}/${subnet.split("/")[1]}`] : [],
  );
}

/** Its own and fixed: a bridge without one takes over one of its ports', and changes it as containers come and go. */
function bridgeMac(networkId: string): string {
  return `02:${networkId.slice(0, 10).match(/../g)!.join(":")}`;
}
