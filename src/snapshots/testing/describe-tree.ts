import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import * as files from "../../kernel/files.ts";
import { fileType, flag } from "../../kernel/files.ts";
import { namesIn } from "../remove-tree.ts";

/**
 * Everything that matters of a tree, one line for each file, sorted by name: type and mode, owner, size, time (to the
 * second unless `nanoseconds`), device, link target, hard links, extended attributes, the hash of its bytes.
 */
export function describeTree(path: string, options: { readonly nanoseconds?: boolean } = {}): string[] {
  const folder = files.openFolder(path);
  try {
    const lines: string[] = [];
    describe(folder, "", "", lines, new Map(), options.nanoseconds ?? false);
    return lines.sort();
  } finally {
    files.close(folder);
  }
}

function describe(
  folder: number,
  name: string,
  path: string,
  lines: string[],
  links: Map<bigint, string>,
  nanoseconds: boolean,
): void {
  const stat = files.statAt(folder, name);
  if (typeof stat === "number") throw files.fileError(stat, "stat", path);
  const type = stat.mode & fileType.MASK;
  const parts = [`${path || "."}`, stat.mode.toString(8), `${stat.uid}:${stat.gid}`, `t=${stat.mtime.seconds}`];
  if (nanoseconds) parts.push(`ns=${stat.mtime.nanoseconds}`);
  if (type === fileType.FILE) parts.push(`size=${stat.size}`, contentOf(folder, name, stat.size));
  if (type === fileType.SYMLINK) parts.push(`-> ${files.readlinkat(folder, name)}`);
  if (type === fileType.CHAR || type === fileType.BLOCK) parts.push(`${stat.major}:${stat.minor}`);
  if (type !== fileType.DIRECTORY && stat.links > 1) {
    links.set(stat.inode, links.get(stat.inode) ?? path);
    parts.push(`links=${stat.links} first=${links.get(stat.inode)}`);
  }
  lines.push([...parts, ...xattrsOf(folder, name)].join(" "));
  if (type !== fileType.DIRECTORY) return;
  const inner = name === "" ? folder : files.openat(folder, name, flag.RDONLY | flag.DIRECTORY | flag.NOFOLLOW);
  for (const child of namesIn(inner).sort()) {
    describe(inner, child, path === "" ? child : `${path}/${child}`, lines, links, nanoseconds);
  }
  if (inner !== folder) files.close(inner);
}

function xattrsOf(folder: number, name: string): string[] {
  const keys = files.llistxattr(folder, name);
  if (typeof keys === "number") return [];
  return keys.sort().map((key) => {
    const value = files.lgetxattr(folder, name, key);
    return `${key}=${typeof value === "number" ? value : value.toString("hex")}`;
  });
}

function contentOf(folder: number, name: string, size: number): string {
  // Huge ones are sparse: their first and last bytes will do.
  const fd = files.openat(folder, name, flag.RDONLY | flag.NOFOLLOW);
  try {
    if (size > 1 << 28) return "huge";
    return createHash("sha256")
      .update(readFileSync(`/proc/self/fd/${fd}`))
      .digest("hex")
      .slice(0, 16);
  } finally {
    files.close(fd);
  }
}
