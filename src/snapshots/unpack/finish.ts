import * as files from "../../kernel/files.ts";
import { errno, fileError, fileType, flag, must, resolve, textOf } from "../../kernel/files.ts";
import { copyAttributes, copyFile } from "../copy-file.ts";
import { Below } from "./below.ts";
import { linkNow, type PendingLink } from "./entries.ts";
import { archiveError, closeLayer, type Extracted } from "./extract.ts";
import { splitPath } from "./names.ts";

/** What a finished layer is, beside its files. */
export interface Finished {
  /** Sum of the files' sizes, in bytes. */
  readonly size: number;
  /** Mode (without the type) and owner of the layer's root. */
  readonly root: { readonly mode: number; readonly uid: number; readonly gid: number };
  /** True where the layer hides everything that is below it. */
  readonly opaque: boolean;
}

/**
 * The end of an unpacking, once the layers below are whole: hard links to files that only they have, the attributes of
 * folders that the archive did not describe (an upper folder hides those of the one below), and folders' times.
 * `below` are the folders of the layers below, topmost first.
 */
export function finishLayer(layer: Extracted, below: readonly string[]): Finished {
  const lookup = new Below(below);
  try {
    for (const link of layer.pendingLinks) {
      layer.check();
      finishLink(layer, lookup, link);
    }
    adoptAttributes(layer, lookup);
    setFolderTimes(layer);
    const stat = files.statAt(layer.root.fd, "");
    if (typeof stat === "number") throw fileError(stat, "stat", "/");
    const root = { mode: stat.mode & 0o7777, uid: stat.uid, gid: stat.gid };
    return { size: layer.size, root, opaque: layer.root.opaque.has("") };
  } finally {
    lookup.close();
    closeLayer(layer);
  }
}

/** A link whose target came later in the archive, or is in a layer below and is copied up, as overlayfs would. */
function finishLink(layer: Extracted, lookup: Below, { path, target }: PendingLink): void {
  const { root } = layer;
  const [above, name] = splitPath(path);
  // A later entry of that name has replaced the link.
  if (files.statAt(root.folder(above), name) !== -errno.ENOENT) return;
  if (linkNow(layer, path, target)) return;
  const copied = lookup.with(target, root.opaque, (found) => {
    const type = found.stat.mode & fileType.MASK;
    if (type === fileType.DIRECTORY || type === fileType.CHAR) return false;
    const [folder, base] = splitPath(target);
    copyFile(found.folder, found.name, found.stat, root.folder(folder), base);
    return true;
  });
  if (copied !== true || !linkNow(layer, path, target)) {
    throw archiveError(fileError(-errno.ENOENT, "link", `/${textOf(target)} /${textOf(path)}`), path);
  }
}

/** Gives folders that were made on the way the attributes of the same folder below. */
function adoptAttributes(layer: Extracted, lookup: Below): void {
  for (const path of layer.root.implicit) {
    layer.check();
    const folder = layer.root.existingFolder(path);
    if (folder < 0) continue;
    const time = lookup.with(path, layer.root.opaque, (found) => {
      if ((found.stat.mode & fileType.MASK) !== fileType.DIRECTORY) return undefined;
      copyAttributes(found.folder, found.name, found.stat, folder, "");
      return found.stat.mtime;
    });
    if (time) layer.folderTimes.set(path, time);
  }
}

function setFolderTimes({ root, folderTimes, check }: Extracted): void {
  const how = resolve.IN_ROOT | resolve.NO_MAGICLINKS;
  for (const [path, time] of folderTimes) {
    check();
    const flags = flag.RDONLY | flag.DIRECTORY | flag.NOFOLLOW;
    const folder = files.openat2(root.fd, path === "" ? "." : path, flags, how);
    // Replaced by something else since.
    if (folder < 0) continue;
    must(files.futimens(folder, time), "utimes", `/${path}`);
    files.close(folder);
  }
}
