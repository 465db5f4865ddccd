/** Fills a path's braces and appends the query, as Docker's decoder reads it: `1` and `0`, JSON for objects. */
export function requestPath(path: string, params: Readonly<Record<string, string>> = {}, query: object = {}): string {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeSegment(params[name] ?? ""));
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) append(search, name, value);
  const text = search.toString();
  return text === "" ? filled : `${filled}?${text}`;
}

/** Image names keep their slashes and colons, which Docker's router expects. */
function encodeSegment(text: string): string {
  return encodeURIComponent(text).replace(/%2F/g, "/").replace(/%3A/g, ":").replace(/%40/g, "@");
}

function append(search: URLSearchParams, name: string, value: unknown): void {
  if (value === undefined || value === null) return;
  if (typeof value === "boolean") search.append(name, value ? "1" : "0");
  else if (Array.isArray(value)) for (const item of value) search.append(name, String(item));
  else if (typeof value === "object") {
    if (Object.keys(value).length > 0) search.append(name, JSON.stringify(value));
  } else search.append(name, String(value));
}
