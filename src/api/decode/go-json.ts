import { KindGuard, type TObject, type TSchema } from "@sinclair/typebox";
import { invalid } from "../../base/errors.ts";

/**
 * Turns parsed JSON into what the schema says, by the rules of Go's encoding/json: field names match in any case,
 * unknown fields are dropped, `null` is absent, and a value of the wrong type is an error that names the field.
 */
export function decodeJson(schema: TSchema, value: unknown): unknown {
  return decode(schema, value, "");
}

function decode(schema: TSchema, value: unknown, path: string): unknown {
  if (value === null || value === undefined) return undefined;
  if (KindGuard.IsUnion(schema)) return decodeUnion(schema.anyOf, value, path);
  if (KindGuard.IsIntersect(schema) || KindGuard.IsObject(schema))
    return decodeObject(fieldsOf(schema), isObject(value) ? value : mismatch(value, path, "struct"), path);
  if (KindGuard.IsRecord(schema)) return decodeMap(valueSchema(schema), value, path);
  if (KindGuard.IsArray(schema)) {
    if (!Array.isArray(value)) return mismatch(value, path, typeName(schema));
    return value.map((item, index) => decode(schema.items, item, `${path}.${index}`) ?? zero(schema.items));
  }
  if (KindGuard.IsInteger(schema)) return decodeInteger(value, path);
  if (KindGuard.IsString(schema)) return typeof value === "string" ? value : mismatch(value, path, "string");
  if (KindGuard.IsBoolean(schema)) return typeof value === "boolean" ? value : mismatch(value, path, "bool");
  return value;
}

function decodeUnion(variants: readonly TSchema[], value: unknown, path: string): unknown {
  const fitting = variants.find((variant) => kindOf(value) === jsonKind(variant));
  return fitting ? decode(fitting, value, path) : mismatch(value, path, variants.map(typeName)[0]!);
}

function decodeObject(fields: ReadonlyMap<string, Field>, value: object, path: string): object {
  const decoded: Array<[string, unknown]> = [];
  for (const [key, item] of Object.entries(value)) {
    const field = fields.get(key.toLowerCase());
    const result = field && decode(field.schema, item, `${path}.${key}`);
    if (result !== undefined) decoded.push([field!.name, result]);
  }
  return Object.fromEntries(decoded);
}

function decodeMap(schema: TSchema, value: unknown, path: string): object {
  if (!isObject(value)) return mismatch(value, path, `map[string]${typeName(schema)}`);
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, decode(schema, item, `${path}.${key}`) ?? zero(schema)]),
  );
}

function decodeInteger(value: unknown, path: string): number {
  if (typeof value !== "number") return mismatch(value, path, "int64");
  if (!Number.isInteger(value) || Math.abs(value) > 2 ** 63)
    throw invalid(`invalid JSON: json: cannot unmarshal number ${value} into Go struct field ${path} of type int64`);
  return value;
}

interface Field {
  readonly name: string;
  readonly schema: TSchema;
}

const cache = new WeakMap<TSchema, ReadonlyMap<string, Field>>();

/** The fields of an object, or of all parts of an intersection, by lower-case name. */
function fieldsOf(schema: TSchema): ReadonlyMap<string, Field> {
  const known = cache.get(schema);
  if (known) return known;
  const parts = KindGuard.IsIntersect(schema) ? schema.allOf : [schema];
  const fields = new Map<string, Field>();
  for (const part of parts) {
    if (KindGuard.IsIntersect(part)) for (const [name, field] of fieldsOf(part)) fields.set(name, field);
    else
      for (const [name, property] of Object.entries((part as TObject).properties))
        fields.set(name.toLowerCase(), { name, schema: property });
  }
  cache.set(schema, fields);
  return fields;
}

/** Go's zero value, which stands for a null inside a list or a map. */
function zero(schema: TSchema): unknown {
  if (KindGuard.IsString(schema)) return "";
  if (KindGuard.IsInteger(schema)) return 0;
  if (KindGuard.IsBoolean(schema)) return false;
  if (KindGuard.IsArray(schema)) return [];
  if (KindGuard.IsUnion(schema)) return null;
  return {};
}

function valueSchema(schema: TSchema): TSchema {
  return Object.values((schema as unknown as { patternProperties: Record<string, TSchema> }).patternProperties)[0]!;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function kindOf(value: unknown): string {
  return Array.isArray(value) ? "array" : typeof value === "boolean" ? "bool" : typeof value;
}

function jsonKind(schema: TSchema): string {
  if (KindGuard.IsArray(schema)) return "array";
  if (KindGuard.IsString(schema)) return "string";
  if (KindGuard.IsInteger(schema)) return "number";
  if (KindGuard.IsBoolean(schema)) return "bool";
  return KindGuard.IsNull(schema) ? "null" : "object";
}

function typeName(schema: TSchema): string {
  if (KindGuard.IsArray(schema)) return `[]${typeName(schema.items)}`;
  if (KindGuard.IsRecord(schema)) return `map[string]${typeName(valueSchema(schema))}`;
  if (KindGuard.IsUnion(schema)) return typeName(schema.anyOf[0]!);
  return { number: "int64", object: "struct" }[jsonKind(schema)] ?? jsonKind(schema);
}

function mismatch(value: unknown, path: string, wanted: string): never {
  const into = path === "" ? `Go value of type ${wanted}` : `Go struct field ${path} of type ${wanted}`;
  throw invalid(`invalid JSON: json: cannot unmarshal ${kindOf(value)} into ${into}`);
}
