import type { IncomingHttpHeaders } from "node:http";
import type { Duplex, Readable } from "node:stream";
import type { Operation } from "../base/operation.ts";
import type { BodyOf, EndpointSpec, PathParams, QueryOf, ResponseOf } from "../client/endpoints/endpoint.ts";

/** A decoded request. */
export interface Call<E extends EndpointSpec> {
  readonly op: Operation;
  /** The API version that the client speaks, such as `1.44`. */
  readonly version: string;
  readonly params: PathParams<E["path"]>;
  readonly query: QueryOf<E>;
  /** Undefined where the request has none. */
  readonly body: BodyOf<E> | undefined;
  /** The body's bytes, for endpoints whose body is `raw`. */
  readonly stream: Readable;
  readonly headers: IncomingHttpHeaders;
  /** True where the client asked to upgrade the connection. */
  readonly upgrade: boolean;
}

/** Values sent one a line as they come; the reader's pace holds the source back. */
export interface Lines<T> {
  readonly source: AsyncIterable<T>;
  /** Send the head before the first value; else a failure before it still gets its own status. */
  readonly flush: boolean;
  /** What to send for a failure after the head. */
  readonly failure: (message: string) => T;
}

export interface Bytes {
  readonly type: string;
  readonly source: Readable | string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A process's stdio for a connection that is taken over. */
export interface Stdio {
  /**
   * Called once the head is on its way: a client that reads its head with a buffer of its own (docker-py) would lose
   * output that comes together with it. A failure is told in the stream, as Docker does.
   */
  readonly open: () => Promise<Duplex | undefined>;
  readonly tty: boolean;
  /** Whether what the client sends is the process's input. */
  readonly stdin: boolean;
}

// biome-ignore lint/suspicious/noConfusingVoidType: a handler of an empty answer is a function that returns nothing
type Nothing<E extends EndpointSpec> = [ResponseOf<E>] extends [undefined] ? void : never;

/** What a handler returns: by the endpoint's kind. */
export type Answer<E extends EndpointSpec> = E["kind"] extends "lines"
  ? Lines<ResponseOf<E>>
  : E["kind"] extends "raw"
    ? Bytes
    : E["kind"] extends "hijack"
      ? Stdio
      : ResponseOf<E> | Nothing<E>;

export interface Route {
  readonly endpoint: EndpointSpec;
  readonly handle: (call: Call<EndpointSpec>) => Promise<unknown>;
  /** For a `hijack` endpoint: whether this request wants the connection (a detached exec does not). */
  readonly takesOver?: (call: Call<EndpointSpec>) => boolean;
}

/** Binds a handler to an endpoint. */
export function route<const E extends EndpointSpec>(
  endpoint: E,
  handle: (call: Call<E>) => Answer<E> | Promise<Answer<E>>,
  options: { readonly takesOver?: (call: Call<E>) => boolean } = {},
): Route {
  return {
    endpoint,
    handle: async (call) => handle(call as unknown as Call<E>),
    ...(options.takesOver && { takesOver: options.takesOver as unknown as Route["takesOver"] }),
  };
}
