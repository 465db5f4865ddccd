import { lstat, opendir } from "node:fs/promises";
import { join } from "node:path";
import { errnoOf } from "../base/errors.ts";

/** Bytes on the disk of everything below a folder: blocks counted, hard links once, as du(1). */
export async function diskUsage(folder: string, seen: Set<string> = new Set()): Promise<number> {
  let sum = 0;
  try {
    for await (const entry of await opendir(folder)) {
      const path = join(folder, entry.name);
      const { blocks, nlink, dev, ino } = await lstat(path);
      const key = `${dev}:${ino}`;
      if (nlink > 1 && !entry.isDirectory() && seen.has(key)) continue;
      seen.add(key);
      sum += blocks * 512;
      if (entry.isDirectory()) sum += await diskUsage(path, seen);
    }
  } catch (error) {
    // Files come and go while they are counted.
    if (errnoOf(error) !== "ENOENT") throw error;
  }
  return sum;
}
