import { Duplex, Readable, Writable } from "node:stream";
import type { Endpoints, EndpointsOf } from "./endpoints/index.ts";
import { errorOf } from "./failure.ts";
import type { HttpAnswer, HttpResponse } from "./http1.ts";
import { jsonLines, readJson } from "./lines.ts";
import { requestPath } from "./request-path.ts";
import { connectTransport, type TlsOptions, type Transport } from "./transport.ts";

/** The newest API version that this client speaks, and the one assumed of a server that does not say. */
export const newestVersion = "1.51";
const oldestVersion = "1.24";

export interface ClientOptions {
  /** `unix:///path` or `tcp://host:port`. */
  readonly host: string;
  /** Fixes the API version, such as `1.44`; without it the newest that both sides speak. */
  readonly version?: string;
  readonly tls?: TlsOptions;
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>>;
}

type Args<N extends keyof Endpoints> = {
  readonly signal?: AbortSignal;
  readonly headers?: Readonly<Record<string, string>>;
  readonly query?: Endpoints[N]["query"];
} & (keyof Endpoints[N]["params"] extends never ? unknown : { readonly params: Endpoints[N]["params"] }) &
  (Endpoints[N]["body"] extends undefined ? unknown : { readonly body?: Endpoints[N]["body"] });

type Rest<N extends keyof Endpoints> = keyof Endpoints[N]["params"] extends never ? [args?: Args<N>] : [args: Args<N>];

/** Arguments of endpoints whose body may be a stream of bytes. */
type LineArgs<N extends EndpointsOf<"lines">> = Args<N> & { readonly body?: Readable | Uint8Array };
type LineRest<N extends EndpointsOf<"lines">> = keyof Endpoints[N]["params"] extends never
  ? [args?: LineArgs<N>]
  : [args: LineArgs<N>];

/** A connection taken over: reads are the process's output, writes its stdin, `end()` closes stdin. */
export interface Hijacked {
  readonly stream: Duplex;
  /** True where the output comes in Docker's frames (8-byte headers), false where it is raw or the server does not say. */
  readonly multiplexed: boolean;
}

/**
 * A client of any Engine API. Endpoints are named as in the contract, `"POST /containers/{id}/start"`. Failures are
 * {@link KeelsonError}s: the server's message with the kind of its status, `unavailable` where nobody listens,
 * `cancelled` where the signal was aborted. A 304 is no error.
 */
export interface Client {
  readonly host: string;
  /** The API version in use; asks the server the first time. */
  version(): Promise<string>;
  /** One request, one JSON value (undefined where the answer has no body). */
  call<N extends EndpointsOf<"json" | "hijack">>(name: N, ...rest: Rest<N>): Promise<Endpoints[N]["response"]>;
  /** Resolves once the server has answered; the values follow as they come. */
  lines<N extends EndpointsOf<"lines">>(
    name: N,
    ...rest: LineRest<N>
  ): Promise<AsyncIterableIterator<Endpoints[N]["response"]>>;
  /** The bytes of the answer, with its headers. */
  raw<N extends EndpointsOf<"raw">>(name: N, ...rest: Rest<N>): Promise<HttpResponse>;
  /** Takes the connection over, for attach and exec. */
  hijack<N extends EndpointsOf<"hijack">>(name: N, ...rest: Rest<N>): Promise<Hijacked>;
  /** Closes idle connections. */
  close(): void;
}

interface AnyArgs {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: object;
  readonly body?: unknown;
  readonly signal?: AbortSignal;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A client of the engine at `host`. Connects with the first call. */
export function createClient(options: ClientOptions): Client {
  const transport: Transport = connectTransport(options.host, options.tls);
  /** The version in use, once it is known. */
  let known = options.version?.replace(/^v/, "");
  let negotiated: Promise<string> | undefined;
  const version = async (): Promise<string> => {
    if (known !== undefined) return known;
    negotiated ??= negotiate(transport).finally(() => {
      negotiated = undefined;
    });
    known = await negotiated;
    return known;
  };

  const sendAs = (version: string, name: string, args: AnyArgs, upgrade: boolean): Promise<HttpAnswer> => {
    const space = name.indexOf(" ");
    return transport.request({
      method: name.slice(0, space),
      path: `/v${version}${requestPath(name.slice(space + 1), args.params, args.query)}`,
      headers: { ...options.headers, ...args.headers },
      body: args.body,
      signal: args.signal,
      upgrade,
    });
  };
  const send = async (name: string, args: AnyArgs = {}, upgrade = false): Promise<HttpAnswer> => {
    // What can be sent again needs not ask first: a server that is older refuses before it does anything, and says so.
    if (known !== undefined || args.body instanceof Readable) return sendAs(await version(), name, args, upgrade);
    const answer = await sendAs(newestVersion, name, args, upgrade);
    const theirs = versionOf(answer.response);
    if (answer.response.statusCode === 400) {
      const error = await errorOf(answer.response);
      if (theirs === undefined || !/ is too new\b/.test(error.message)) throw error;
      known = olderOf(theirs, newestVersion);
      return sendAs(known, name, args, upgrade);
    }
    known ??= olderOf(theirs ?? newestVersion, newestVersion);
    return answer;
  };
  const answer = async (name: string, args?: AnyArgs): Promise<HttpResponse> => {
    const { response } = await send(name, args);
    if (response.statusCode >= 400) throw await errorOf(response);
    return response;
  };

  return {
    host: options.host,
    version,
    call: async (name, ...[args]) => readJson(await answer(name, args)),
    lines: async (name, ...[args]) => jsonLines(await answer(name, args)),
    raw: (name, ...[args]) => answer(name, args),
    hijack: async (name, ...[args]) => {
      const { response, stream } = await send(name, args, true);
      if (response.statusCode >= 400) throw await errorOf(response);
      const type = response.headers["content-type"] ?? "";
      return { stream: stream ?? readOnly(response), multiplexed: type.endsWith("multiplexed-stream") };
    },
    close: () => transport.close(),
  };
}

async function negotiate(transport: Transport): Promise<string> {
  const { response } = await transport.request({ method: "HEAD", path: "/_ping", headers: {} });
  response.resume();
  return olderOf(versionOf(response) ?? oldestVersion, newestVersion);
}

/** The newest version that the server speaks; it says so with every answer. */
function versionOf({ headers }: HttpResponse): string | undefined {
  const text = headers["api-version"] ?? "";
  return /^\d+\.\d+$/.test(text) ? text : undefined;
}

/** The older of two versions. */
export function olderOf(a: string, b: string): string {
  const [majorA = 0, minorA = 0] = a.split(".").map(Number);
  const [majorB = 0, minorB = 0] = b.split(".").map(Number);
  return majorA < majorB || (majorA === majorB && minorA < minorB) ? a : b;
}

/** A server that answered 200 without the upgrade sends output only; input is dropped. */
function readOnly(response: HttpResponse): Duplex {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  return Duplex.from({ readable: response, writable: nowhere });
}
