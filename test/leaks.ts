import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** What the machine has of ours: mounts, namespaces, links, processes, nft tables and cgroups, each as a line. */
export function traces(): Set<string> {
  return new Set([
    ...lines("/proc/self/mountinfo")
      .filter((line) => line.includes("keelson"))
      .map((line) => `mount ${line}`),
    ...folder("/run/netns").map((name) => `namespace ${name}`),
    ...command("ip", ["-o", "link"]).map((line) => `link ${/^\d+: ([^@:]+)/.exec(line)?.[1]}`),
    ...command("nft", ["list", "tables"]).map((line) => `nft ${line}`),
    ...processes().map((line) => `process ${line}`),
    ...cgroups().map((path) => `cgroup ${path}`),
    ...folder("/tmp")
      .filter((name) => name.startsWith("keelson-"))
      .map((name) => `file /tmp/${name}`),
  ]);
}

function processes(): string[] {
  return folder("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return `${pid} ${readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim()}`;
      } catch {
        return "";
      }
    })
    .filter((line) => /keelson-shim|keelson-host-|bin\/keelson daemon/.test(line));
}

function cgroups(): string[] {
  const base = "/sys/fs/cgroup";
  return [base, ...folder(base).map((name) => join(base, name))]
    .map((tree) => join(tree, "keelson"))
    .flatMap((tree) =>
      folder(tree)
        .filter((name) => /^[0-9a-f]{64}/.test(name))
        .map((name) => join(tree, name)),
    );
}

function folder(path: string): string[] {
  return existsSync(path) ? readdirSync(path) : [];
}

function lines(path: string): string[] {
  return readFileSync(path, "utf8").split("\n").filter(Boolean);
}

function command(name: string, args: string[]): string[] {
  try {
    return execFileSync(name, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] })
      .split("\n")
      .filter(Boolean);
  } catch {
    return [];
  }
}
