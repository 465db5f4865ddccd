import { writeSync } from "node:fs";
import { errnoOf, invalid, withKind } from "../../base/errors.ts";
import * as files from "../../kernel/files.ts";
import { type ByteString, errno, fileError, fileType, flag, must, type TimeSpec, textOf } from "../../kernel/files.ts";
import type { Entry, TarReader } from "../tar/reader.ts";
import type { LayerRoot } from "./layer-root.ts";
import { cleanName, splitPath } from "./names.ts";

/** A hard link whose target was not in this layer when its turn came. */
export interface PendingLink {
  readonly path: ByteString;
  readonly target: ByteString;
}

/** What is being unpacked into, and what is left for the end. */
export interface Unpacking {
  readonly root: LayerRoot;
  readonly reader: TarReader;
  /** The process's, to know which files were made with the mode that they should have. */
  readonly umask: number;
  /** Modification times of folders, which are set once nothing is made in them any more. */
  readonly folderTimes: Map<ByteString, TimeSpec>;
  readonly pendingLinks: PendingLink[];
}

/** Makes what the entry describes at `path`, replacing what was there but for folders by folders. */
export function writeEntry(to: Unpacking, entry: Entry, path: ByteString): void {
  switch (entry.type) {
    case "file":
      writeFile(to, entry, path);
      break;
    case "directory":
      writeFolder(to, entry, path);
      break;
    case "symlink":
      writeSymlink(to, entry, path);
      break;
    case "link":
      writeLink(to, entry, path);
      break;
    case "char":
    case "block":
    case "fifo":
      writeNode(to, entry, path);
      break;
    case undefined:
      throw invalid(`unhandled tar header type ${entry.typeFlag.charCodeAt(0)}`, { path: textOf(path) });
  }
}

/** Calls `make` in the parent folder, once more after clearing the way where something is there. */
function place(
  { root }: Unpacking,
  path: ByteString,
  make: (folder: number, name: ByteString) => number,
  call: string,
): [folder: number, result: number] {
  const [above, name] = splitPath(path);
  let folder = root.folder(above);
  let result = make(folder, name);
  if (result === -errno.EEXIST) {
    root.clear(folder, name, path, false);
    folder = root.folder(above);
    result = make(folder, name);
  }
  must(result, call, `/${path}`);
  return [folder, result];
}

function writeFile(to: Unpacking, entry: Entry, path: ByteString): void {
  const flags = flag.WRONLY | flag.CREAT | flag.EXCL | flag.NOFOLLOW;
  const created = entry.mode & 0o777;
  const [, fd] = place(to, path, (folder, name) => files.openat(folder, name, flags, created), "open");
  try {
    if (entry.extents) writeSparse(fd, to.reader, entry, path);
    else for (let bytes = to.reader.read(); bytes.length > 0; bytes = to.reader.read()) writeAll(fd, bytes, null, path);
    // Owner first: chown(2) takes away setuid bits and capabilities.
    must(files.fchown(fd, entry.uid, entry.gid), "chown", `/${path}`);
    setXattrs(entry, path, (key, value) => files.fsetxattr(fd, key, value));
    if (entry.mode !== (created & ~to.umask)) must(files.fchmod(fd, entry.mode), "chmod", `/${path}`);
    must(files.futimens(fd, entry.mtime), "utimes", `/${path}`);
  } finally {
    files.close(fd);
  }
}

function writeSparse(fd: number, reader: TarReader, entry: Entry, path: ByteString): void {
  must(files.ftruncate(fd, entry.size), "truncate", `/${path}`);
  for (const { offset, length } of entry.extents ?? []) {
    for (let done = 0; done < length; ) {
      const bytes = reader.read(Math.min(1 << 20, length - done));
      writeAll(fd, bytes, offset + done, path);
      done += bytes.length;
    }
  }
}

function writeAll(fd: number, bytes: Buffer, position: number | null, path: ByteString): void {
  try {
    for (let done = 0; done < bytes.length; ) {
      done += writeSync(fd, bytes, done, bytes.length - done, position === null ? null : position + done);
    }
  } catch (error) {
    const code = errno[errnoOf(error) as keyof typeof errno];
    throw code === undefined ? withKind(error) : fileError(-code, "write", `/${textOf(path)}`);
  }
}

function writeFolder(to: Unpacking, entry: Entry, path: ByteString): void {
  const { root } = to;
  let opened = root.fd;
  if (path !== "") {
    const [above, name] = splitPath(path);
    let folder = root.folder(above);
    let made = files.mkdirat(folder, name, 0o700);
    let found = "nothing";
    if (made === -errno.EEXIST) {
      found = root.clear(folder, name, path, true);
      folder = root.folder(above);
      made = found === "directory" ? 0 : files.mkdirat(folder, name, 0o700);
    }
    must(made, "mkdir", `/${path}`);
    opened = must(files.openat(folder, name, flag.RDONLY | flag.DIRECTORY | flag.NOFOLLOW), "open", `/${path}`);
    root.keep(path, opened);
    if (found === "whiteout") root.markOpaque(path);
  }
  must(files.fchown(opened, entry.uid, entry.gid), "chown", `/${path}`);
  setXattrs(entry, path, (key, value) => files.fsetxattr(opened, key, value));
  must(files.fchmod(opened, entry.mode), "chmod", `/${path}`);
  to.folderTimes.set(path, entry.mtime);
  root.implicit.delete(path);
}

function writeSymlink(to: Unpacking, entry: Entry, path: ByteString): void {
  const [folder] = place(to, path, (parent, name) => files.symlinkat(entry.linkName, parent, name), "symlink");
  const name = splitPath(path)[1];
  must(files.fchownat(folder, name, entry.uid, entry.gid), "chown", `/${path}`);
  setXattrs(entry, path, (key, value) => files.lsetxattr(folder, name, key, value));
  must(files.utimensat(folder, name, entry.mtime), "utimes", `/${path}`);
}

function writeNode(to: Unpacking, entry: Entry, path: ByteString): void {
  const type = { char: fileType.CHAR, block: fileType.BLOCK, fifo: fileType.FIFO }[entry.type as "char"];
  const make = (folder: number, name: ByteString): number =>
    files.mknodat(folder, name, type | 0o600, entry.major, entry.minor);
  const [folder] = place(to, path, make, "mknod");
  const name = splitPath(path)[1];
  must(files.fchownat(folder, name, entry.uid, entry.gid), "chown", `/${path}`);
  setXattrs(entry, path, (key, value) => files.lsetxattr(folder, name, key, value));
  must(files.fchmodat(folder, name, entry.mode), "chmod", `/${path}`);
  must(files.utimensat(folder, name, entry.mtime), "utimes", `/${path}`);
}

function writeLink(to: Unpacking, entry: Entry, path: ByteString): void {
  const target = cleanName(entry.linkName);
  if (target === path) return;
  if (!linkNow(to, path, target)) to.pendingLinks.push({ path, target });
}

/** Makes a hard link within the layer; false where its target is not there. */
export function linkNow(to: Unpacking, path: ByteString, target: ByteString): boolean {
  const { root } = to;
  const [targetAbove, targetName] = splitPath(target);
  const source = root.existingFolder(targetAbove);
  const stat = source < 0 ? source : files.statAt(source, targetName);
  if (typeof stat === "number") {
    if (stat !== -errno.ENOENT && stat !== -errno.ENOTDIR) must(stat, "link", `/${target}`);
    return false;
  }
  const [above, name] = splitPath(path);
  const here = files.statAt(root.folder(above), name);
  if (typeof here !== "number" && here.inode === stat.inode) return true;
  // Opening the one folder may close the other, for only so many are kept: the target's is opened once more.
  const make = (): number => {
    const from = dupOf(must(root.existingFolder(targetAbove), "open", `/${targetAbove}`));
    try {
      return files.linkat(from, targetName, root.folder(above), name);
    } finally {
      files.close(from);
    }
  };
  place(to, path, make, "link");
  return true;
}

function dupOf(folder: number): number {
  return must(files.openat(folder, ".", flag.PATH | flag.DIRECTORY), "open", ".");
}

/**
 * Sets the entry's extended attributes. Those of `trusted.` are the engine's (overlayfs obeys them), and are passed
 * over as containerd does; so are those that the file system or the type of file cannot have.
 */
function setXattrs(entry: Entry, path: ByteString, set: (key: ByteString, value: Buffer) => number): void {
  for (const [key, value] of entry.xattrs ?? []) {
    if (key.startsWith("trusted.")) continue;
    const result = set(key, value);
    if (result === -errno.EOPNOTSUPP) continue;
    if (result === -errno.EPERM && key.startsWith("user.") && entry.type !== "file") continue;
    must(result, `setxattr ${textOf(key)}`, `/${path}`);
  }
}
