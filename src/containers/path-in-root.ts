import { lstat, readlink } from "node:fs/promises";
import { posix } from "node:path";
import { errnoOf } from "../base/errors.ts";

/** As many as the kernel follows in one path. */
const maxLinks = 40;

/**
 * Where a path of a container's root is on the host, with every symbolic link resolved *inside* the root; undefined where
 * nothing is there. For roots that nobody changes meanwhile, such as an image's own layers.
 */
export async function pathInRoot(root: string, path: string): Promise<string | undefined> {
  let pending = path.split("/").filter(Boolean);
  let at: string[] = [];
  for (let links = 0; pending.length > 0; ) {
    const [name, ...rest] = pending;
    pending = rest;
    if (name === ".") continue;
    if (name === "..") {
      at = at.slice(0, -1);
      continue;
    }
    const here = posix.join(root, ...at, name!);
    const target = await linkTarget(here);
    if (target === undefined) return undefined;
    if (target === "") {
      at = [...at, name!];
      continue;
    }
    if (++links > maxLinks) return undefined;
    if (target.startsWith("/")) at = [];
    pending = [...target.split("/").filter(Boolean), ...pending];
  }
  return posix.join(root, ...at);
}

/** A link's target; empty for what is no link, undefined for nothing. */
async function linkTarget(path: string): Promise<string | undefined> {
  try {
    return (await lstat(path)).isSymbolicLink() ? await readlink(path) : "";
  } catch (error) {
    if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ENOTDIR") return undefined;
    throw error;
  }
}
