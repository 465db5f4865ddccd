import { invalid } from "../base/errors.ts";

/** Fills a path's braces and appends the query, as Docker's decoder reads it: `1` and `0`, JSON for objects. */
export function requestPath(path: string, params: Readonly<Record<string, string>> = {}, query: object = {}): string {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => segmentOf(path, name, params[name]));
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) append(search, name, value);
  const text = search.toString();
  return text === "" ? filled : `${filled}?${text}`;
}

/** Names (of images, that is) keep their slashes and colons, which Docker's router expects. */
function segmentOf(path: string, name: string, value = ""): string {
  if (value.trim() === "") {
    const noun = path.split("/")[1]!.replace(/s$/, "");
    throw invalid(`invalid ${noun} name or ID: value is empty`);
  }
  const escaped = encodeURIComponent(value).replaceAll("%3A", ":").replaceAll("%40", "@");
  return name === "name" ? escaped.replaceAll("%2F", "/") : escaped;
}

function append(search: URLSearchParams, name: string, value: unknown): void {
  if (value === undefined || value === null) return;
  if (typeof value === "boolean") search.append(name, value ? "1" : "0");
  else if (Array.isArray(value)) for (const item of value) search.append(name, String(item));
  else if (typeof value === "object") {
    if (Object.keys(value).length > 0) search.append(name, JSON.stringify(value));
  } else search.append(name, String(value));
}
