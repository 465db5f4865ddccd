import type { HostConfig } from "../../client/endpoints/container-config.ts";
import type { LinuxSpec } from "../../oci/runtime-spec.ts";
import type { HostFeatures } from "./host.ts";

export interface NamespaceRequest {
  readonly hostConfig: HostConfig;
  /** The path of the network namespace. */
  readonly network: string | "host";
  /** Paths of another container's namespaces, where the mode is `container:…`. */
  readonly joined?: { readonly pid?: string; readonly ipc?: string };
  readonly host: Pick<HostFeatures, "cgroup">;
}

/** The namespaces of a container: its own, another's by path, or (left out) the host's. */
export function namespaces({ hostConfig, network, joined, host }: NamespaceRequest): LinuxSpec["namespaces"] {
  const list: Array<LinuxSpec["namespaces"][number]> = [{ type: "mount" }];
  if (network !== "host") list.push({ type: "network", path: network });
  if (hostConfig.UTSMode !== "host") list.push({ type: "uts" });
  if (hostConfig.PidMode !== "host") list.push(joined?.pid ? { type: "pid", path: joined.pid } : { type: "pid" });
  if (hostConfig.IpcMode !== "host") list.push(joined?.ipc ? { type: "ipc", path: joined.ipc } : { type: "ipc" });
  if (privateCgroup(hostConfig, host)) list.push({ type: "cgroup" });
  return list;
}

/** Docker's default: a cgroup namespace of its own on v2, the host's on v1. */
function privateCgroup({ CgroupnsMode }: HostConfig, host: Pick<HostFeatures, "cgroup">): boolean {
  return CgroupnsMode ? CgroupnsMode === "private" : host.cgroup === "v2";
}

/**
 * The kernel parameters of a container: those that the user asked for, its domain name, and in a network namespace of
 * its own Docker's two: any user may bind low ports and send echo requests.
 */
export function sysctls(hostConfig: HostConfig, domainname: string | undefined): Readonly<Record<string, string>> {
  const set: Record<string, string> = {};
  const mode = hostConfig.NetworkMode ?? "";
  if (domainname && hostConfig.UTSMode !== "host") set["kernel.domainname"] = domainname;
  if (mode !== "host" && !mode.startsWith("container:")) {
    set["net.ipv4.ip_unprivileged_port_start"] = "0";
    set["net.ipv4.ping_group_range"] = "0 2147483647";
  }
  return Object.assign(set, hostConfig.Sysctls);
}
