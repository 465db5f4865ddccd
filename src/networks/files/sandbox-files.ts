import type { NetworkContext } from "../context.ts";
import { bareAddress } from "../endpoint-plan.ts";
import type { Endpoint, Network, Sandbox, SandboxRequest } from "../networks.ts";
import { readHosts, readResolvConf } from "./host-files.ts";
import { hostsFile, namesOf } from "./hosts-file.ts";
import { hostResolvConf, resolvConf } from "./resolv-conf.ts";

/** The files of a sandbox, and the names that its own addresses have in them. */
export type SandboxFiles = Pick<Sandbox, "hostNames" | "hostsFile" | "resolvConf">;

/** Builds a container's hosts file and resolv.conf. `defaultBridge` gives `host-gateway` its address. */
export async function sandboxFiles(
  { hostFiles }: NetworkContext,
  request: SandboxRequest,
  endpoints: readonly Endpoint[],
  defaultBridge: Network,
): Promise<SandboxFiles> {
  const inHost = request.mode.kind === "host";
  const [hosts, resolver] = await Promise.all([
    inHost ? readHosts(hostFiles) : undefined,
    readResolvConf(hostFiles, !inHost),
  ]);
  const names = namesOf(request.hostname, request.domainname);
  return {
    hostNames: names,
    hostsFile: hostsFile({
      ...(hosts === undefined ? {} : { base: hosts }),
      extraHosts: request.extraHosts,
      hostGateway: defaultBridge.ipam.config[0]?.gateway,
      addresses: endpoints.flatMap(({ ipv4 }) => (ipv4 ? [bareAddress(ipv4)] : [])),
      names,
    }),
    resolvConf: (inHost ? hostResolvConf : resolvConf)(resolver, request),
  };
}
