import * as files from "../../kernel/files.ts";
import { type ByteString, errno, fileType, flag, must, resolve } from "../../kernel/files.ts";
import { removeTree } from "../remove-tree.ts";
import { splitPath } from "./names.ts";

const inRoot = resolve.IN_ROOT | resolve.NO_MAGICLINKS;
const openFolder = flag.RDONLY | flag.DIRECTORY;
const maxOpen = 256;
const opaqueKey = "trusted.overlay.opaque";
const yes = Buffer.from("y");

/** What stood in the way of an entry. */
export type Found = "nothing" | "directory" | "whiteout" | "other";

/**
 * The folder that a layer is unpacked into. Every path is resolved by the kernel as if that folder were the root
 * (`RESOLVE_IN_ROOT`), so that no symbolic link that the archive made leads out. Folders stay open for the entries
 * that follow; whenever a folder or a link is replaced, all of them are closed.
 */
export class LayerRoot {
  readonly fd: number;
  /** Folders that were made because an entry is in them, without an entry of their own: their attributes are open. */
  readonly implicit = new Set<ByteString>();
  /** Folders that hide what the layers below have in them. */
  readonly opaque = new Set<ByteString>();
  readonly #open = new Map<ByteString, number>();

  constructor(fd: number) {
    this.fd = fd;
    // Every root is the same (see extractLayer), whatever the umask is.
    must(files.fchmod(fd, 0o755), "chmod", "/");
  }

  /** The open folder of that path; missing ones are made. */
  folder(path: ByteString): number {
    const known = this.#known(path);
    if (known !== undefined) return known;
    const opened = files.openat2(this.fd, path, openFolder, inRoot);
    if (opened >= 0) return this.keep(path, opened);
    if (opened !== -errno.ENOENT && opened !== -errno.ENOTDIR) must(opened, "open", `/${path}`);
    return this.#make(path);
  }

  /** The open folder of that path, or the negated errno. */
  existingFolder(path: ByteString): number {
    const known = this.#known(path);
    if (known !== undefined) return known;
    const opened = files.openat2(this.fd, path, openFolder, inRoot);
    return opened < 0 ? opened : this.keep(path, opened);
  }

  /** Keeps a folder open for the entries in it. */
  keep(path: ByteString, fd: number): number {
    const before = this.#open.get(path);
    if (before !== undefined) files.close(before);
    else if (this.#open.size >= maxOpen) this.forget();
    this.#open.set(path, fd);
    return fd;
  }

  /** Closes every folder that was kept open. */
  forget(): void {
    for (const fd of this.#open.values()) files.close(fd);
    this.#open.clear();
  }

  /** Removes what stands at the name, but for a folder where `keepFolder`. What it was. */
  clear(folder: number, name: ByteString, path: ByteString, keepFolder: boolean): Found {
    const stat = files.statAt(folder, name);
    if (typeof stat === "number") {
      if (stat !== -errno.ENOENT) must(stat, "stat", `/${path}`);
      return "nothing";
    }
    const type = stat.mode & fileType.MASK;
    if (type === fileType.DIRECTORY && keepFolder) return "directory";
    // A folder that is removed may be among the open ones, and is not where its path leads any more.
    if (type === fileType.DIRECTORY || type === fileType.SYMLINK) {
      const own = dup(folder);
      this.forget();
      try {
        removeTree(own, name);
      } finally {
        files.close(own);
      }
    } else {
      must(files.unlinkat(folder, name), "unlink", `/${path}`);
    }
    return isWhiteout(stat) ? "whiteout" : type === fileType.DIRECTORY ? "directory" : "other";
  }

  /** Hides what the layers below have in the folder. */
  markOpaque(path: ByteString): void {
    must(files.fsetxattr(this.folder(path), opaqueKey, yes), "setxattr", `/${path}`);
    this.opaque.add(path);
  }

  #known(path: ByteString): number | undefined {
    return path === "" ? this.fd : this.#open.get(path);
  }

  /** Makes a folder that no entry made. */
  #make(path: ByteString): number {
    const [above, name] = splitPath(path);
    const folder = this.folder(above);
    let made = files.mkdirat(folder, name, 0o755);
    let hides = false;
    if (made === -errno.EEXIST) {
      const stat = files.statAt(folder, name);
      // A whiteout of this same layer: what comes below is new, and nothing from below shows through.
      hides = typeof stat !== "number" && isWhiteout(stat);
      if (!hides) made = -errno.ENOTDIR;
      else {
        must(files.unlinkat(folder, name), "unlink", `/${path}`);
        made = files.mkdirat(folder, name, 0o755);
      }
    }
    must(made, "mkdir", `/${path}`);
    const opened = files.openat(folder, name, openFolder | flag.NOFOLLOW);
    this.keep(path, must(opened, "open", `/${path}`));
    // Made with what the process's umask left.
    must(files.fchmod(opened, 0o755), "chmod", `/${path}`);
    this.implicit.add(path);
    if (hides) this.markOpaque(path);
    return this.folder(path);
  }
}

/** overlayfs takes a device 0:0 as "removed" (kernel documentation, overlayfs, whiteouts). */
export function isWhiteout(stat: files.FileStat): boolean {
  return (stat.mode & fileType.MASK) === fileType.CHAR && stat.major === 0 && stat.minor === 0;
}

function dup(folder: number): number {
  return must(files.openat(folder, ".", openFolder), "open", ".");
}
