import { readdirSync } from "node:fs";
import * as files from "../kernel/files.ts";
import { type ByteString, errno, flag, must, resolve } from "../kernel/files.ts";

/** Folders deeper than this are moved up before they are emptied, so that open folders and the stack stay bounded. */
const maxDepth = 128;

/** The names in an open folder, as byte strings. */
export function namesIn(folder: number): ByteString[] {
  return readdirSync(`/proc/self/fd/${folder}`, "latin1");
}

/**
 * Removes what `name` in the open folder is, with all that is below. Follows no symbolic link and enters no other
 * mount: one of those below fails with `EXDEV` or `EBUSY`. Nothing there is no error. Synchronous: for workers.
 */
export function removeTree(folder: number, name: ByteString): void {
  const deep: ByteString[] = [];
  removeEntry(folder, name, 0, { top: folder, deep });
  for (let next = deep.pop(); next !== undefined; next = deep.pop())
    removeEntry(folder, next, 0, { top: folder, deep });
}

interface Removal {
  /** Where folders that are too deep go, and their names there. */
  readonly top: number;
  readonly deep: ByteString[];
}

let moved = 0;

function removeEntry(folder: number, name: ByteString, depth: number, removal: Removal): void {
  const unlinked = files.unlinkat(folder, name);
  if (unlinked === 0 || unlinked === -errno.ENOENT) return;
  if (unlinked !== -errno.EISDIR) must(unlinked, "unlink", name);
  if (depth > maxDepth) {
    const to = `.deep-${process.pid}-${moved++}`;
    must(files.renameat(folder, name, removal.top, to), "rename", name);
    removal.deep.push(to);
    return;
  }
  emptyFolder(folder, name, depth, removal);
  const removed = files.unlinkat(folder, name, flag.AT_REMOVEDIR);
  if (removed !== -errno.ENOENT) must(removed, "rmdir", name);
}

function emptyFolder(folder: number, name: ByteString, depth: number, removal: Removal): void {
  // An empty folder goes with one call.
  if (files.unlinkat(folder, name, flag.AT_REMOVEDIR) === 0) return;
  const how = resolve.NO_XDEV | resolve.NO_SYMLINKS | resolve.BENEATH;
  const opened = must(files.openat2(folder, name, flag.RDONLY | flag.DIRECTORY, how), "open", name);
  try {
    for (const child of namesIn(opened)) removeEntry(opened, child, depth + 1, removal);
  } finally {
    files.close(opened);
  }
}
