/** Several words, `'…'` around those with spaces. */
export function words(line: string): string[] {
  return [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain!);
}

/** A value without what is empty, keys sorted: an empty field and none mean the same to the engine. */
export function pruned(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = value.map((item) => (typeof item === "string" ? item : pruned(item)));
    return items.some((item) => item !== undefined) ? items : undefined;
  }
  if (value === null || value === "" || value === 0 || value === false) return undefined;
  if (typeof value !== "object") return value;
  const entries = Object.entries(value)
    .map(([key, item]) => [key, pruned(item)] as const)
    .filter(([, item]) => item !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return entries.length > 0 ? Object.fromEntries(entries) : undefined;
}
