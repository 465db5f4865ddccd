/** A request's path without its version, ready for the router. */
export interface VersionedPath {
  /** Undefined where the path names none. */
  readonly version: string | undefined;
  readonly path: string;
  /** Without the question mark. */
  readonly query: string;
}

/** Splits `/v1.44/images/a%2Fb:1/json?x=1`. */
export function splitPath(url: string): VersionedPath {
  const mark = url.indexOf("?");
  const full = mark < 0 ? url : url.slice(0, mark);
  const query = mark < 0 ? "" : url.slice(mark + 1);
  const match = /^\/v([0-9.]+)(\/.*)$/.exec(full);
  return match ? { version: match[1], path: match[2]!, query } : { version: undefined, path: full, query };
}

const imageVerbs = new Set(["json", "create", "load", "prune", "search", "get"]);

/**
 * Image names hold slashes, which no router's parameter takes: they are escaped here, and the router unescapes them.
 * What follows the name is told apart as Docker does, by the last segment.
 */
export function escapeNames(method: string, path: string): string {
  const images = /^\/images\/(.+)$/.exec(path);
  if (!images || imageVerbs.has(images[1]!)) return path;
  const rest = images[1]!;
  const suffix = method === "DELETE" ? undefined : /^(.+)(\/(?:json|history|tag|push|get))$/.exec(rest);
  const name = suffix ? suffix[1]! : rest;
  return `/images/${name.replaceAll("/", "%2F")}${suffix ? suffix[2] : ""}`;
}
