import * as files from "../../kernel/files.ts";
import { type ByteString, errno, type FileStat, fileType, flag } from "../../kernel/files.ts";
import { splitPath } from "./names.ts";

/** A file of a layer below: its folder, open, and its name there (empty for the layer's root). */
export interface FoundBelow {
  readonly folder: number;
  readonly name: ByteString;
  readonly stat: FileStat;
}

/**
 * Looks paths up in the layers below, as overlayfs would: topmost first, whiteouts, opaque folders and whatever is no
 * folder hide what is further below. Symbolic links are not followed.
 */
export class Below {
  readonly #layers: readonly number[];

  /** `layers` are the layers' folders, topmost first. */
  constructor(layers: readonly string[]) {
    this.#layers = layers.map((path) => files.openFolder(path));
  }

  close(): void {
    for (const fd of this.#layers) files.close(fd);
  }

  /**
   * Calls `use` with what the path is below, and returns its result; undefined where there is nothing. `opaque` are
   * the opaque folders of the layer on top.
   */
  with<T>(path: ByteString, opaque: ReadonlySet<ByteString>, use: (found: FoundBelow) => T): T | undefined {
    for (let up = path; up !== ""; up = splitPath(up)[0]) if (up !== path && opaque.has(up)) return undefined;
    if (opaque.has(path)) return undefined;
    for (const layer of this.#layers) {
      const walk = this.#walk(layer, path);
      if (walk === "below") continue;
      if (walk === "hidden") return undefined;
      try {
        return use(walk);
      } finally {
        if (walk.folder !== layer) files.close(walk.folder);
      }
    }
    return undefined;
  }

  #walk(layer: number, path: ByteString): FoundBelow | "below" | "hidden" {
    const parts = path === "" ? [""] : path.split("/");
    let folder = layer;
    let hides = false;
    const leave = (result: "below" | "hidden"): "below" | "hidden" => {
      if (folder !== layer) files.close(folder);
      return result;
    };
    for (const [index, name] of parts.entries()) {
      const stat = files.statAt(folder, name);
      if (typeof stat === "number") return leave(stat === -errno.ENOENT && !hides ? "below" : "hidden");
      if (index === parts.length - 1) return { folder, name, stat };
      if ((stat.mode & fileType.MASK) !== fileType.DIRECTORY) return leave("hidden");
      const next = files.openat(folder, name, flag.RDONLY | flag.DIRECTORY | flag.NOFOLLOW);
      if (next < 0) return leave("hidden");
      leave("below");
      folder = next;
      hides ||= isOpaque(folder);
    }
    return leave("hidden");
  }
}

function isOpaque(folder: number): boolean {
  const value = files.lgetxattr(folder, "", "trusted.overlay.opaque");
  return typeof value !== "number" && value.toString("latin1") === "y";
}
