import { existsSync, readFileSync, statfsSync } from "node:fs";
import type { KernelFeatures } from "./kernel.ts";
import { getLink, macvlanMode, type NewLink, newLink } from "./net/links.ts";
import type { Namespaces } from "./net/namespaces.ts";
import { NETLINK_ROUTE, NetlinkSocket } from "./net/socket.ts";
import { runScript } from "./nft/script.ts";

const CGROUP2_SUPER_MAGIC = 0x63677270;

/** Finds out what this kernel offers by trying it, in a namespace that is thrown away. */
export function probeFeatures(namespaces: Namespaces): KernelFeatures {
  return namespaces.throwaway(() => ({
    ...probeLinks(),
    nftables: works(() => runScript(nftProbe)),
    overlay: /\toverlay$/m.test(text("/proc/filesystems")),
    ipv6: existsSync("/proc/sys/net/ipv6"),
    cgroup: cgroupLayout("/sys/fs/cgroup"),
    apparmor: text("/sys/module/apparmor/parameters/enabled").startsWith("Y"),
    seccomp: /^Seccomp:/m.test(text("/proc/thread-self/status")),
  }));
}

function probeLinks(): Pick<KernelFeatures, "macvlan" | "ipvlan" | "vxlan" | "wireguard"> {
  const socket = new NetlinkSocket(NETLINK_ROUTE);
  const makes = (link: NewLink): boolean => works(() => newLink(socket, link));
  try {
    const parent = makes({ name: "parent", kind: "veth" }) ? getLink(socket, "parent").index : undefined;
    const above = (link: NewLink): boolean => parent !== undefined && makes({ ...link, parent });
    return {
      macvlan: above({ name: "a", kind: "macvlan", data: macvlanMode("bridge") }),
      ipvlan: above({ name: "b", kind: "ipvlan" }),
      vxlan: makes({ name: "c", kind: "vxlan", data: (w) => w.attributeU32(1, 1) }),
      wireguard: makes({ name: "d", kind: "wireguard" }),
    };
  } finally {
    socket.close();
  }
}

/** What the engine's own table needs: the inet family, NAT, sets of concatenations and fib look-ups. */
const nftProbe = `table inet probe {
  map ports { type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service; }
  chain out { type nat hook postrouting priority srcnat; masquerade; }
  chain in {
    type nat hook prerouting priority dstnat;
    fib daddr type local dnat ip to ip daddr . meta l4proto . th dport map @ports;
  }
}`;

/** The layout at `root`, where cgroups are mounted. */
export function cgroupLayout(root: string): KernelFeatures["cgroup"] {
  if (isCgroup2(root)) return "v2";
  return isCgroup2(`${root}/unified`) ? "hybrid" : "v1";
}

function isCgroup2(path: string): boolean {
  try {
    return statfsSync(path).type === CGROUP2_SUPER_MAGIC;
  } catch {
    return false;
  }
}

function works(attempt: () => void): boolean {
  try {
    attempt();
    return true;
  } catch {
    return false;
  }
}

function text(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
