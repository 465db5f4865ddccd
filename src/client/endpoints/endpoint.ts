import type { Static, TNull, TObject, TOptional, TProperties, TSchema, TUnion } from "@sinclair/typebox";
import { Type } from "@sinclair/typebox";

/**
 * One endpoint of the Engine API, declared once: its types, its validators, its route and its call in the client all
 * come from here. `kind` says what a good answer is: one JSON value, JSON values in a row (`lines`), bytes (`raw`), or
 * a connection taken over for the bytes of a process (`hijack`).
 */
export interface EndpointSpec {
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "DELETE";
  /** As in the contract: `/containers/{id}/json`, without the version. */
  readonly path: string;
  /** The API version that brought it. Older clients are answered all the same, as by Docker. */
  readonly since?: string;
  readonly kind?: "json" | "lines" | "raw" | "hijack";
  readonly query?: TObject;
  /** A JSON body's schema, or `raw` for a body that is a stream of bytes. */
  readonly body?: TSchema | "raw";
  /** The good answers by status; `null` has no body. For `lines`, the schema of one value. */
  readonly responses: Readonly<Record<number, TSchema | null>>;
  /**
   * True where the work goes on when the client hangs up, as in Docker: a half-done stop or start helps nobody.
   * Elsewhere a client that vanishes aborts its operation.
   */
  readonly finishes?: boolean;
}

/** Declares an endpoint. */
export function endpoint<const S extends EndpointSpec>(spec: S): S {
  return spec;
}

/** The names in braces of a path. */
export type PathParams<P extends string> = P extends `${string}{${infer Name}}${infer Rest}`
  ? { readonly [K in Name]: string } & PathParams<Rest>
  : unknown;

export type QueryOf<E extends EndpointSpec> = E["query"] extends TObject ? Static<E["query"]> : Record<never, never>;
export type BodyOf<E extends EndpointSpec> = E["body"] extends TSchema ? Static<E["body"]> : undefined;

/** The value of a good answer (of one line for `lines`); undefined where no answer has a body. */
export type ResponseOf<E extends EndpointSpec> = {
  [S in keyof E["responses"]]: E["responses"][S] extends TSchema ? Static<E["responses"][S]> : undefined;
}[keyof E["responses"]];

/** An object of an answer: a field that is not named here is a mistake of ours, and tests say so. */
export function Answer<T extends TProperties>(properties: T): TObject<T> {
  return Type.Object(properties, { additionalProperties: false });
}

export function Nullable<T extends TSchema>(schema: T): TUnion<[T, TNull]> {
  return Type.Union([schema, Type.Null()]);
}

type Plain<T> = T extends TOptional<infer U> ? U : T;
type AllNullable<T extends TProperties> = { [K in keyof T]: TUnion<[Plain<T[K]> & TSchema, TNull]> };

/** Every field there, each maybe null: how Go writes a struct whose fields are slices and pointers. */
export function nullableFields<T extends TProperties>(properties: T): AllNullable<T> {
  const entries = Object.entries(properties).map(([name, schema]) => [
    name,
    Type.Union([Type.Optional(schema, false), Type.Null()]),
  ]);
  return Object.fromEntries(entries) as AllNullable<T>;
}

/** A query parameter that holds JSON. */
export function JsonText<T extends TSchema>(schema: T): T {
  return { ...schema, contentMediaType: "application/json" };
}

/** The `filters` parameter: a list of values for each filter's name. The decoder also takes the old map of maps. */
export const Filters = JsonText(Type.Record(Type.String(), Type.Array(Type.String())));

export const Strings = Type.Array(Type.String());
export const StringMap = Type.Record(Type.String(), Type.String());
export const Int = Type.Integer();
