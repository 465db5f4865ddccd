import { KindGuard, type TObject, type TSchema } from "@sinclair/typebox";
import { invalid } from "../../base/errors.ts";
import { parseFilters } from "./filters.ts";

/** Splits a query string. Throws `invalid` for what Go's parser refuses: a broken escape, or a semicolon. */
export function parseQuery(text: string): URLSearchParams {
  const broken = /%(?![0-9a-f]{2}).{0,2}/i.exec(text);
  if (broken) throw invalid(`invalid URL escape ${JSON.stringify(broken[0])}`);
  if (text.includes(";")) throw invalid("invalid semicolon separator in query");
  return new URLSearchParams(text);
}

/** Reads a query string by its schema, with the rules of Docker's decoder. Parameters without a name here are dropped. */
export function decodeQuery(schema: TObject | undefined, search: URLSearchParams): Record<string, unknown> {
  const decoded: Record<string, unknown> = {};
  for (const [name, property] of Object.entries(schema?.properties ?? {})) {
    const value = decodeParameter(name, property, search);
    if (value !== undefined) decoded[name] = value;
  }
  return decoded;
}

function decodeParameter(name: string, schema: TSchema, search: URLSearchParams): unknown {
  if (KindGuard.IsArray(schema)) {
    const all = search.getAll(name);
    return all.length > 0 ? all : undefined;
  }
  const text = search.get(name);
  if (text === null) return undefined;
  if (KindGuard.IsBoolean(schema)) return booleanOf(text);
  if (KindGuard.IsInteger(schema)) return text === "" ? undefined : integerOf(name, text);
  if (name === "filters") return text === "" ? undefined : parseFilters(text);
  return text;
}

/** Docker's rule: empty, `0`, `no`, `false` and `none` are false, everything else is true. */
export function booleanOf(text: string): boolean {
  return !["", "0", "no", "false", "none"].includes(text.trim().toLowerCase());
}

function integerOf(name: string, text: string): number {
  const value = Number(text);
  if (!/^[+-]?\d+$/.test(text) || !Number.isSafeInteger(value))
    throw invalid(`invalid value for '${name}': strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`);
  return value;
}
