import { readdir, readFile, readlink } from "node:fs/promises";
import type { PortRequest } from "../networks.ts";

/** A process that has a port of the host. */
export interface PortHolder {
  readonly pid: number;
  readonly command: string;
}

/**
 * Finds the process that listens on a port of the host (of the engine's network namespace), for the text of an error:
 * it reads every process's descriptors, so it is no thing for the hot path. Undefined where nobody is found, such as a
 * process in another PID namespace.
 */
export async function findPortHolder(protocol: PortRequest["protocol"], port: number): Promise<PortHolder | undefined> {
  const inodes = new Set<string>();
  for (const table of [protocol, `${protocol}6`]) {
    for (const inode of socketInodes(await read(`/proc/self/net/${table}`), protocol, port)) inodes.add(inode);
  }
  if (inodes.size === 0) return undefined;
  for (const pid of await readdir("/proc")) {
    if (/^\d+$/.test(pid) && (await holdsAny(pid, inodes))) return { pid: Number(pid), command: await commandOf(pid) };
  }
  return undefined;
}

/** The inodes of the sockets bound to `port` in the text of `/proc/net/tcp` or its like (proc(5)). */
export function socketInodes(table: string, protocol: string, port: number): string[] {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  return table
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[1]?.endsWith(suffix) && (protocol !== "tcp" || fields[3] === "0A"))
    .map((fields) => fields[9]!)
    .filter((inode) => inode !== undefined && inode !== "0");
}

async function holdsAny(pid: string, inodes: ReadonlySet<string>): Promise<boolean> {
  const folder = `/proc/${pid}/fd`;
  const descriptors = await readdir(folder).catch(() => []);
  for (const descriptor of descriptors) {
    const target = await readlink(`${folder}/${descriptor}`).catch(() => "");
    const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1];
    if (inode !== undefined && inodes.has(inode)) return true;
  }
  return false;
}

async function commandOf(pid: string): Promise<string> {
  const [name = ""] = (await read(`/proc/${pid}/cmdline`)).split("\0");
  return name.split("/").pop()?.split(" ")[0] || (await read(`/proc/${pid}/comm`)).trim() || "?";
}

async function read(path: string): Promise<string> {
  return await readFile(path, "utf8").catch(() => "");
}
