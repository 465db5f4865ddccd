import * as files from "../kernel/files.ts";
import { fileType, flag, must, resolve } from "../kernel/files.ts";
import { namesIn } from "./remove-tree.ts";

/** Bytes on the disk of what is in the open folder, itself counted, hard links once. Enters no other mount. */
export function diskUsage(folder: number): number {
  const seen = new Set<bigint>();
  const self = files.statAt(folder, "");
  return (typeof self === "number" ? 0 : self.blocks * 512) + usageIn(folder, seen);
}

function usageIn(folder: number, seen: Set<bigint>): number {
  let bytes = 0;
  for (const name of namesIn(folder)) {
    const stat = files.statAt(folder, name);
    // Removed meanwhile: the container may be running.
    if (typeof stat === "number") continue;
    if (stat.links > 1 && (stat.mode & fileType.MASK) !== fileType.DIRECTORY) {
      if (seen.has(stat.inode)) continue;
      seen.add(stat.inode);
    }
    bytes += stat.blocks * 512;
    if ((stat.mode & fileType.MASK) !== fileType.DIRECTORY) continue;
    const how = resolve.NO_XDEV | resolve.NO_SYMLINKS | resolve.BENEATH;
    const inner = files.openat2(folder, name, flag.RDONLY | flag.DIRECTORY, how);
    if (inner < 0) continue;
    try {
      bytes += usageIn(inner, seen);
    } finally {
      must(files.close(inner), "close", name);
    }
  }
  return bytes;
}
