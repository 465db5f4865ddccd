import type { ElementChange } from "../kernel/kernel.ts";
import type { NetworkRules, PortMapping } from "./networks.ts";

/*
 * The path of a packet, as one nftables table. Its rules never change: what changes are the elements of its maps and
 * sets, so that a packet's cost does not grow with the number of networks and published ports.
 *
 * Base chains of other tables (another firewall, a Docker engine's `FORWARD` with policy drop) still have their say: an
 * `accept` here ends this table's verdict only.
 *
 * NAT is decided once for a connection, by its first packet. A UDP client that keeps its port and never falls silent
 * for as long as conntrack remembers it goes on to the old container's address after a port has changed hands.
 */

/** Protocol numbers (IANA), as `meta l4proto` has them. */
const protocolNumbers = { tcp: 6, udp: 17, sctp: 132 } as const;

/** A published port, and the container's address that it leads to. */
export interface PublishedPort {
  readonly mapping: PortMapping;
  /** IPv4, without prefix length. */
  readonly address: string;
}

/** The name of an engine's table: engines on one host have a bridge each, and so a table each. */
export function tableFor(bridge: string): string {
  return bridge === "keelson0" ? "keelson" : `keelson-${bridge}`;
}

/** A script that replaces the table by a new one with these elements, in one transaction: no packet sees it missing. */
export function tableScript(table: string, networks: readonly NetworkRules[], ports: readonly PublishedPort[]): string {
  const v4 = ports.filter(({ mapping }) => isIpv4(mapping));
  const wild = v4.filter(({ mapping }) => isWildcard(mapping));
  const named = v4.filter(({ mapping }) => !isWildcard(mapping));
  return `table inet ${table}
delete table inet ${table}
table inet ${table} {
  # Published on every address of the host: protocol . host port : address . port
  map ports_any { type inet_proto . inet_service : ipv4_addr . inet_service;${list(wild.map(portElement))} }
  # Published on one address of the host.
  map ports_addr { type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service;${list(named.map(portElement))} }
${setNames.map((set) => `  set ${set} { ${setTypes[set]};${list(networks.flatMap((rules) => setElements(rules)[set]))} }`).join("\n")}

  chain raw_prerouting {
    type filter hook prerouting priority raw; policy accept;
    # Nothing on a wire has to do with loopback addresses. Our bridges have route_localnet, and a port that is
    # published on 127.0.0.1 would be open to the neighbours.
    iif != "lo" ip daddr 127.0.0.0/8 drop
  }
  chain prerouting {
    type nat hook prerouting priority dstnat; policy accept;
    ${publish}
  }
  chain output {
    type nat hook output priority -100; policy accept;
    ${publish}
  }
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    # To a published port from the same bridge: the answer has to come back through the host.
    ct status dnat ip saddr . oifname @own_bridge masquerade
    ip saddr 127.0.0.0/8 oifname @bridges masquerade
    ip saddr @nat_subnets ip saddr . oifname != @own_bridge masquerade
  }
  chain forward {
    type filter hook forward priority filter; policy accept;
    oifname @bridges jump to_container
    iifname @internal drop
  }
  chain to_container {
    ct state established,related accept
    iifname . oifname @icc accept
    iifname @internal drop
    oifname @internal drop
    ct status dnat accept
    drop
  }
}
`;
}

const publish = `meta nfproto ipv4 fib daddr type local dnat ip to ip daddr . meta l4proto . th dport map @ports_addr
    meta nfproto ipv4 fib daddr type local dnat ip to meta l4proto . th dport map @ports_any`;

const setTypes = {
  bridges: "type ifname",
  internal: "type ifname",
  /** Pairs of one bridge with itself, where containers may talk to each other. */
  icc: "type ifname . ifname",
  nat_subnets: "type ipv4_addr; flags interval",
  own_bridge: "type ipv4_addr . ifname; flags interval",
} as const;
type SetName = keyof typeof setTypes;
const setNames = Object.keys(setTypes) as SetName[];

function setElements({ bridge, subnets, icc, internal, masquerade }: NetworkRules): Record<SetName, string[]> {
  return {
    bridges: [`"${bridge}"`],
    internal: internal ? [`"${bridge}"`] : [],
    icc: icc ? [`"${bridge}" . "${bridge}"`] : [],
    nat_subnets: masquerade && !internal ? [...subnets] : [],
    own_bridge: subnets.map((subnet) => `${subnet} . "${bridge}"`),
  };
}

/** A script that adds a network's elements to the table's sets, or deletes them. */
export function networkScript(table: string, verb: "add" | "delete", rules: NetworkRules): string {
  return setNames
    .map((set) => [set, setElements(rules)[set]] as const)
    .filter(([, elements]) => elements.length > 0)
    .map(([set, elements]) => `${verb} element inet ${table} ${set} { ${elements.join(", ")} }\n`)
    .join("");
}

/** What publishing (or taking back) these ports changes in the table's maps. IPv6 host addresses are forwarded instead. */
export function portChanges(action: "add" | "remove", ports: readonly PublishedPort[]): ElementChange[] {
  return ports
    .filter(({ mapping }) => isIpv4(mapping))
    .map(({ mapping, address }) => ({
      action,
      set: isWildcard(mapping) ? "ports_any" : "ports_addr",
      key: [
        ...(isWildcard(mapping) ? [] : [{ type: "ipv4", value: mapping.hostIp } as const]),
        { type: "proto", value: protocolNumbers[mapping.protocol] },
        { type: "port", value: mapping.hostPort },
      ],
      value: [
        { type: "ipv4", value: address },
        { type: "port", value: mapping.containerPort },
      ],
    }));
}

function portElement({ mapping, address }: PublishedPort): string {
  const host = isWildcard(mapping) ? "" : `${mapping.hostIp} . `;
  return `${host}${mapping.protocol} . ${mapping.hostPort} : ${address} . ${mapping.containerPort}`;
}

function isIpv4({ hostIp }: PortMapping): boolean {
  return !hostIp.includes(":");
}

function isWildcard({ hostIp }: PortMapping): boolean {
  return hostIp === "0.0.0.0";
}

function list(elements: readonly string[]): string {
  return elements.length === 0 ? "" : ` elements = { ${elements.join(", ")} };`;
}
