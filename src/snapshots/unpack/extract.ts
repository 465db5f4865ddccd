import { invalid, isKind, KeelsonError, withKind } from "../../base/errors.ts";
import * as files from "../../kernel/files.ts";
import { type ByteString, errno, fileType, must, textOf } from "../../kernel/files.ts";
import { TarReader } from "../tar/reader.ts";
import { type Unpacking, writeEntry } from "./entries.ts";
import { LayerRoot } from "./layer-root.ts";
import { cleanName, splitPath, whiteoutOf } from "./names.ts";
import { checkRing, type Ring, RingReader } from "./ring.ts";

/** An archive that was read to its end into its folder; {@link finishLayer} does what is left. */
export interface Extracted extends Unpacking {
  /** Sum of the files' sizes, in bytes. */
  readonly size: number;
  /** True where what is left needs the layers below. */
  readonly needsBelow: boolean;
  /** Throws where the work was stopped. */
  readonly check: () => void;
}

/** Unpacks the archive that comes through the ring into the empty folder. */
export function extractLayer(ring: Ring, folder: string): Extracted {
  const source = new RingReader(ring);
  const root = new LayerRoot(files.openFolder(folder));
  const reader = new TarReader(source);
  const to: Unpacking = { root, reader, umask: process.umask(), folderTimes: new Map(), pendingLinks: [] };
  let size = 0;
  try {
    for (let entry = reader.next(); entry; entry = reader.next()) {
      checkRing(ring);
      const path = cleanName(entry.name);
      try {
        // As Docker counts: a symbolic link is as long as its target.
        size += entry.type === "symlink" ? entry.linkName.length : entry.size;
        if (!takeWhiteout(to, path)) {
          if (path === "" && entry.type !== "directory") throw invalid("the root of the layer is not a directory");
          // The root's own entry is passed over, as Docker does: a tar of a private folder (mode 0700) would else lock
          // every user but root out of the container.
          if (path !== "") writeEntry(to, entry, path);
        }
      } catch (error) {
        throw archiveError(error, path);
      }
    }
    source.drain();
  } catch (error) {
    closeLayer(to);
    throw error;
  }
  const needsBelow = root.implicit.size > 0 || to.pendingLinks.length > 0;
  return { ...to, size, needsBelow, check: () => checkRing(ring) };
}

/** Closes what an unpacking holds open. */
export function closeLayer({ root }: Unpacking): void {
  root.forget();
  files.close(root.fd);
}

/** Carries out a whiteout; false for an ordinary name. */
function takeWhiteout({ root }: Unpacking, path: ByteString): boolean {
  const whiteout = whiteoutOf(path);
  if (!whiteout) return false;
  const above = splitPath(path)[0];
  if (whiteout.kind === "opaque") root.markOpaque(above);
  if (whiteout.kind !== "remove") return true;
  const { name } = whiteout;
  const folder = root.folder(above);
  const made = files.mknodat(folder, name, fileType.CHAR, 0, 0);
  if (made !== -errno.EEXIST) {
    must(made, "mknod", `/${path}`);
    return true;
  }
  // The layer has the name too: it stays, for a whiteout is about the layers below, and only a folder has to hide them.
  const stat = files.statAt(folder, name);
  const isFolder = typeof stat !== "number" && (stat.mode & fileType.MASK) === fileType.DIRECTORY;
  if (isFolder) root.markOpaque(above === "" ? name : `${above}/${name}`);
  return true;
}

/** What the kernel refuses because of how the archive is made is the archive's fault. */
const archiveFaults = new Set(["ENAMETOOLONG", "ELOOP", "ENOTDIR", "ENOENT", "EISDIR", "EXDEV", "EINVAL", "EMLINK"]);

export function archiveError(error: unknown, path: ByteString): KeelsonError {
  const kinded = withKind(error);
  if (!isKind(kinded, "system") || !archiveFaults.has(kinded.fields.errno ?? "")) return kinded;
  const fields = { ...kinded.fields, cause: error, path: textOf(path) };
  return new KeelsonError("invalid", kinded.message, fields);
}
