import { readFile } from "node:fs/promises";
import { isResolvedStub } from "./resolv-conf.ts";

/** Where the host keeps what containers inherit. */
export interface HostFilePaths {
  readonly hosts: string;
  readonly resolvConf: string;
  /** systemd-resolved's list of the real servers, for hosts whose own file names but its stub. */
  readonly resolvedConf: string;
}

export const defaultHostFiles: HostFilePaths = {
  hosts: "/etc/hosts",
  resolvConf: "/etc/resolv.conf",
  resolvedConf: "/run/systemd/resolve/resolv.conf",
};

/** The host's hosts file; undefined where there is none. */
export async function readHosts(paths: HostFilePaths): Promise<string | undefined> {
  return readFile(paths.hosts, "utf8").catch(() => undefined);
}

/** The host's resolv.conf; with `reachable`, the one that means something outside of the host's own namespace. */
export async function readResolvConf(paths: HostFilePaths, reachable: boolean): Promise<string> {
  const text = await readFile(paths.resolvConf, "utf8").catch(() => "");
  if (!reachable || !isResolvedStub(text)) return text;
  return readFile(paths.resolvedConf, "utf8").catch(() => text);
}
