/*
 * The values that templates work on. JSON values stand for Go's: an object is a map, unless it is a {@link Struct}.
 * `undefined` is "no value" (a key that a map does not have).
 */

/** A Go value with named fields, in order. A function among them is a method and is called with the arguments. */
export class Struct {
  /** As Go names the type in messages: `*formatter.ContainerContext`. */
  readonly type: string;
  readonly fields: Readonly<Record<string, unknown>>;
  /** Its JSON escapes `<`, `>` and `&`, as json.Marshal does. */
  readonly escapes: boolean;

  constructor(type: string, fields: Readonly<Record<string, unknown>>, escapes = false) {
    this.type = type;
    this.fields = fields;
    this.escapes = escapes;
  }

  /** As Go's JSON encoder writes it. */
  toJson(): string {
    const text = `{${dataFields(this).map(pair).join(",")}}`;
    return this.escapes ? escapeHtml(text) : text;
  }
}

/** A nil pointer. */
export const nil = Symbol("nil");

const nilCollections = new WeakSet<object>();

/** A nil slice: prints as `[]`, and is `null` in JSON. */
export function nilSlice(): unknown[] {
  const made: unknown[] = [];
  nilCollections.add(made);
  return made;
}

/** A nil map: prints as `map[]`, and is `null` in JSON. */
export function nilMap(): Record<string, unknown> {
  const made = {};
  nilCollections.add(made);
  return made;
}

export type GoMap = Record<string, unknown>;

export function isMap(value: unknown): value is GoMap {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Struct);
}

/** False for what `if` takes as empty (text/template, "Actions"). */
export function isTrue(value: unknown): boolean {
  if (value === undefined || value === null || value === nil) return false;
  if (typeof value === "string" || Array.isArray(value)) return value.length > 0;
  if (isMap(value)) return Object.keys(value).length > 0;
  return Boolean(value);
}

/** The value's Go type, as messages name it. */
export function typeName(value: unknown): string {
  if (value instanceof Struct) return value.type;
  if (typeof value === "string") return "string";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "number") return Number.isInteger(value) ? "int" : "float64";
  if (Array.isArray(value)) return value.every((item) => typeof item === "string") ? "[]string" : "[]interface {}";
  return isMap(value) ? "map[string]interface {}" : "interface {}";
}

/** The value as Go's `fmt.Print` writes it (`%v`). */
export function show(value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value === "number") return showNumber(value);
  if (value === null || value === undefined || value === nil) return "<nil>";
  if (Array.isArray(value)) return `[${value.map(show).join(" ")}]`;
  if (value instanceof Struct)
    return `{${dataFields(value)
      .map(([, field]) => show(field))
      .join(" ")}}`;
  if (isMap(value))
    return `map[${sortedEntries(value)
      .map(([key, item]) => `${key}:${show(item)}`)
      .join(" ")}]`;
  return String(value);
}

/** A number as `%v` writes it: floats in the shortest form, with an exponent below 1e-4 and from 1e21. */
export function showNumber(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
  const small = value !== 0 && Math.abs(value) < 1e-4;
  const text = small ? value.toExponential() : String(value);
  return text.replace(/e([+-])(\d)$/, "e$10$2");
}

/** A map's entries in the order of Go's printing, JSON and `range`. */
export function sortedEntries(value: GoMap): Array<[string, unknown]> {
  return Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}

/** The value as Go's JSON encoder writes it: maps sorted, nothing escaped but where a struct asks for it. */
export function toJson(value: unknown): string {
  if (value instanceof Struct) return value.toJson();
  if (value === undefined || value === null || value === nil) return "null";
  if (typeof value === "object" && nilCollections.has(value)) return "null";
  if (Array.isArray(value)) return `[${value.map(toJson).join(",")}]`;
  if (isMap(value)) return `{${sortedEntries(value).map(pair).join(",")}}`;
  return JSON.stringify(value);
}

function pair([key, value]: [string, unknown]): string {
  return `${JSON.stringify(key)}:${toJson(value)}`;
}

function dataFields(value: Struct): Array<[string, unknown]> {
  return Object.entries(value.fields).filter(([, field]) => typeof field !== "function");
}

function escapeHtml(json: string): string {
  return json.replace(/[<>&\u2028\u2029]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
