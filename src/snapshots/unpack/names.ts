import { invalid } from "../../base/errors.ts";
import { type ByteString, textOf } from "../../kernel/files.ts";

/**
 * An archive's name as a path below the root, `a/b/c`, and "" for the root itself. Leading slashes are dropped and
 * `..` is resolved in the text, both as Docker does; `invalid` with its words where that leads out of the root.
 */
export function cleanName(name: ByteString): ByteString {
  if (!/(?:^|\/)\.{0,2}(?:\/|$)/.test(name)) return name;
  const out: ByteString[] = [];
  for (const part of name.split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") out.push(part);
    else if (out.pop() === undefined && !name.startsWith("/")) {
      throw invalid(`${JSON.stringify(textOf(name))} is outside of the root of the layer`, { path: textOf(name) });
    }
  }
  return out.join("/");
}

/** The folder's path and the last component. */
export function splitPath(path: ByteString): readonly [folder: ByteString, name: ByteString] {
  const slash = path.lastIndexOf("/");
  return slash < 0 ? ["", path] : [path.slice(0, slash), path.slice(slash + 1)];
}

/** What a name in an archive means for the layers below (OCI image-spec, layer.md, Whiteouts). */
export type Whiteout = { readonly kind: "remove"; readonly name: ByteString } | { readonly kind: "opaque" | "ignore" };

/** The whiteout that the last component is; undefined for an ordinary name. `invalid` where it removes no name. */
export function whiteoutOf(path: ByteString): Whiteout | undefined {
  // AUFS kept its own files (.wh..wh.plnk, .wh..wh.aufs) at the top; old images have them.
  if (path.startsWith(".wh..wh.") && path !== ".wh..wh..opq") return { kind: "ignore" };
  const name = splitPath(path)[1];
  if (!name.startsWith(".wh.")) return undefined;
  if (name === ".wh..wh..opq") return { kind: "opaque" };
  if (name.startsWith(".wh..wh.")) return { kind: "ignore" };
  const hidden = name.slice(4);
  if (hidden === "" || hidden === "." || hidden === "..") {
    throw invalid(`invalid whiteout name: ${JSON.stringify(textOf(path))}`, { path: textOf(path) });
  }
  return { kind: "remove", name: hidden };
}
