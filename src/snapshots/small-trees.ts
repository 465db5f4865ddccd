import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";

/** So few files take well under a millisecond to delete. */
const fewFiles = 64;
/** And so many trees at once still delay nobody. */
const fewTrees = 32;

/**
 * Deletes the small ones among the trees of a folder, at once; true where nothing is left. What most containers leave
 * behind is a handful of files, for which a worker thread would cost far more than the work.
 */
export function removeSmallTrees(folder: string): boolean {
  const names = readdirSync(folder);
  for (const name of names.slice(0, fewTrees)) {
    const path = join(folder, name);
    // rm follows no symbolic links, and nothing is ever mounted in the trash.
    if (isSmall(path)) rmSync(path, { recursive: true, force: true });
  }
  return readdirSync(folder).length === 0;
}

function isSmall(path: string): boolean {
  let left = fewFiles;
  const pending = [path];
  for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      if (--left < 0) return false;
      if (entry.isDirectory()) pending.push(join(folder, entry.name));
    }
  }
  return true;
}
