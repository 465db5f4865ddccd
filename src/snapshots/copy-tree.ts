import { cancelled } from "../base/errors.ts";
import * as files from "../kernel/files.ts";
import { byteString, fileError, fileType, flag, must, resolve } from "../kernel/files.ts";
import { copyAttributes, copyFile } from "./copy-file.ts";
import { namesIn } from "./remove-tree.ts";

interface Copying {
  /** Where a file with several links was copied to: its folder's path below the target, and its name. */
  readonly links: Map<string, string>;
  readonly target: number;
  readonly stop: Int32Array;
}

/**
 * Copies what is in the folder `from` into the existing folder `to`, and gives `to` the attributes of `from`:
 * owners, modes, extended attributes, times, hard links, devices, holes. Symbolic links are copied, never followed.
 * Ends with `cancelled` once `stop[0]` is 1. Synchronous: for workers.
 */
export function copyInto(from: string, to: string, stop: Int32Array): void {
  const source = files.openFolder(from);
  const target = files.openFolder(to);
  try {
    copyFolder(source, target, "", { links: new Map(), target, stop });
  } finally {
    files.close(source);
    files.close(target);
  }
}

function copyFolder(source: number, target: number, path: string, copying: Copying): void {
  for (const name of namesIn(source)) {
    if (Atomics.load(copying.stop, 0) !== 0) throw cancelled("copy: stopped");
    const stat = files.statAt(source, name);
    if (typeof stat === "number") throw fileError(stat, "stat", byteString(name));
    const inner = path === "" ? name : `${path}/${name}`;
    if ((stat.mode & fileType.MASK) === fileType.DIRECTORY) copyChild(source, target, name, inner, copying);
    else if (!linkCopied(stat, target, name, inner, copying)) copyFile(source, name, stat, target, name);
  }
  const stat = files.statAt(source, "");
  if (typeof stat === "number") throw fileError(stat, "stat", path);
  copyAttributes(source, "", stat, target, "");
}

function copyChild(source: number, target: number, name: string, path: string, copying: Copying): void {
  const flags = flag.RDONLY | flag.DIRECTORY | flag.NOFOLLOW;
  const from = must(files.openat(source, name, flags), "open", path);
  try {
    const made = files.mkdirat(target, name, 0o700);
    if (made < 0 && made !== -files.errno.EEXIST) must(made, "mkdir", path);
    const to = must(files.openat(target, name, flags), "open", path);
    try {
      copyFolder(from, to, path, copying);
    } finally {
      files.close(to);
    }
  } finally {
    files.close(from);
  }
}

/** Links to the copy of another name of the same file, where there is one. */
function linkCopied(
  stat: files.FileStat,
  target: number,
  name: string,
  path: string,
  { links, target: top }: Copying,
): boolean {
  if (stat.links < 2) return false;
  const key = `${stat.device}:${stat.inode}`;
  const known = links.get(key);
  if (known === undefined) {
    links.set(key, path);
    return false;
  }
  const slash = known.lastIndexOf("/");
  const how = resolve.BENEATH | resolve.NO_SYMLINKS;
  const folder = files.openat2(top, slash < 0 ? "." : known.slice(0, slash), flag.PATH | flag.DIRECTORY, how);
  must(folder, "open", known);
  try {
    must(files.linkat(folder, known.slice(slash + 1), target, name), "link", path);
  } finally {
    files.close(folder);
  }
  return true;
}
