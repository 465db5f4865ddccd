import { invalid } from "../../base/errors.ts";

/** Values by filter name. */
export type FilterMap = Readonly<Record<string, readonly string[]>>;

/**
 * Parses the `filters` parameter: `{"status":["exited"]}`, or the form of old clients, `{"status":{"exited":true}}`.
 */
export function parseFilters(text: string): FilterMap {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw invalid("invalid filter", { cause });
  }
  if (parsed === null) return {};
  if (typeof parsed !== "object" || Array.isArray(parsed)) throw invalid("invalid filter");
  return Object.fromEntries(Object.entries(parsed).map(([name, values]) => [name, valuesOf(values)]));
}

function valuesOf(values: unknown): string[] {
  if (values === null) return [];
  if (Array.isArray(values) && values.every((value) => typeof value === "string")) return values;
  if (typeof values === "object" && !Array.isArray(values) && Object.values(values).every(isBoolean))
    return Object.entries(values as Record<string, boolean>).flatMap(([value, on]) => (on ? [value] : []));
  throw invalid("invalid filter");
}

function isBoolean(value: unknown): boolean {
  return typeof value === "boolean";
}

/** A filter that was asked for and that nothing here knows is an error. */
export function checkFilters(filters: FilterMap, known: readonly string[]): void {
  for (const name of Object.keys(filters)) if (!known.includes(name)) throw invalid(`invalid filter '${name}'`);
}

/** A filter with one boolean value; undefined where it was not given. */
export function booleanFilter(filters: FilterMap, name: string): boolean | undefined {
  const values = filters[name];
  if (values === undefined || values.length === 0) return undefined;
  const isTrue = values.some((value) => value === "1" || value === "true");
  const isFalse = values.some((value) => value === "0" || value === "false");
  if (isTrue === isFalse) throw invalid(`invalid filter '${name}=[${values.join(" ")}]'`);
  return isTrue;
}

/** True where no value was asked for, or one of them is `text`. */
export function matchesExactly(values: readonly string[] | undefined, text: string): boolean {
  return values === undefined || values.length === 0 || values.includes(text);
}

/** True where no value was asked for, or one of them is `text` or a regular expression that is found in it. */
export function matchesPattern(values: readonly string[] | undefined, text: string): boolean {
  return values === undefined || values.length === 0 || values.some((value) => value === text || found(value, text));
}

function found(pattern: string, text: string): boolean {
  try {
    return new RegExp(pattern).test(text);
  } catch {
    return false;
  }
}

/** True where no value was asked for, or one of them begins `text`. */
export function matchesPrefix(values: readonly string[] | undefined, text: string): boolean {
  return values === undefined || values.length === 0 || values.some((value) => text.startsWith(value));
}

/** True where every `key` or `key=value` asked for is among the labels. */
export function matchesLabels(
  values: readonly string[] | undefined,
  labels: Readonly<Record<string, string>> | null | undefined,
): boolean {
  return (values ?? []).every((wanted) => hasLabel(wanted, labels ?? {}));
}

/** True where one of the `key` or `key=value` asked not to be there is. */
export function hasUnwantedLabel(
  values: readonly string[] | undefined,
  labels: Readonly<Record<string, string>> | null | undefined,
): boolean {
  return (values ?? []).some((unwanted) => hasLabel(unwanted, labels ?? {}));
}

function hasLabel(wanted: string, labels: Readonly<Record<string, string>>): boolean {
  const at = wanted.indexOf("=");
  const key = at < 0 ? wanted : wanted.slice(0, at);
  return Object.hasOwn(labels, key) && (at < 0 || labels[key] === wanted.slice(at + 1));
}
