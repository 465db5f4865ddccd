import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { errnoOf } from "../base/errors.ts";

const base = "/sys/fs/cgroup";

/** Every process in the cgroup of `pid` and in those below it, from the hierarchy that tells: v2's, else v1's `pids`. */
export async function processesOf(pid: number): Promise<number[]> {
  const folder = await cgroupFolder(pid);
  return folder === undefined ? [pid] : collect(folder);
}

/** Where the cgroup of a process is mounted: in the v2 tree, or in v1's pids (or memory) hierarchy. */
export async function cgroupFolder(pid: number): Promise<string | undefined> {
  const lines = (await readFile(`/proc/${pid}/cgroup`, "utf8").catch(() => "")).trim().split("\n");
  const byController = new Map<string, string>();
  for (const line of lines) {
    const [, controllers = "", path = "/"] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    for (const name of controllers.split(",")) byController.set(name, path);
  }
  for (const name of ["pids", "memory"]) {
    const path = byController.get(name);
    if (path !== undefined && path !== "/" && existsSync(join(base, name, path))) return join(base, name, path);
  }
  const unified = byController.get("");
  return unified !== undefined && unified !== "/" && existsSync(join(base, unified)) ? join(base, unified) : undefined;
}

async function collect(folder: string): Promise<number[]> {
  try {
    const own = (await readFile(join(folder, "cgroup.procs"), "utf8")).split("\n").filter(Boolean).map(Number);
    const below = (await readdir(folder, { withFileTypes: true })).filter((entry) => entry.isDirectory());
    const rest = await Promise.all(below.map((entry) => collect(join(folder, entry.name))));
    return [...own, ...rest.flat()];
  } catch (error) {
    if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ENODEV") return [];
    throw error;
  }
}
