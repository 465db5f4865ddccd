import type { Socket } from "node:net";
import { Readable } from "node:stream";
import { errnoOf, invalid, notImplemented } from "../base/errors.ts";
import { connectionError } from "./failure.ts";
import { exchange, type HttpAnswer, type HttpRequest } from "./http1.ts";
import { IdleSockets } from "./idle-sockets.ts";

/** PEM texts for a server that asks who we are (mTLS), or whose certificate is not from a known authority. */
export interface TlsOptions {
  readonly ca?: string | Buffer;
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
  /** False takes any certificate. */
  readonly verify?: boolean;
}

export interface TransportRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** A value to send as JSON, or bytes. */
  readonly body?: unknown;
  readonly signal?: AbortSignal;
  /** Ask for the connection itself. */
  readonly upgrade?: boolean;
}

export interface Transport {
  request(request: TransportRequest): Promise<HttpAnswer>;
  close(): void;
}

/** Where the engine listens, and what it is called in the `Host` header. */
interface Target {
  readonly name: string;
  connect(): Socket;
}

/** A way to the engine at `host`. `invalid` for what is no host. */
export function connectTransport(host: string, tls?: TlsOptions): Transport {
  const target = targetOf(host, tls);
  const idle = new IdleSockets();
  const send = async (request: HttpRequest): Promise<HttpAnswer> => {
    const kept = idle.take();
    if (kept) {
      try {
        return await exchange(kept, request, idle);
      } catch (error) {
        if (!isStale(error, request)) throw error;
      }
    }
    return exchange(target.connect(), request, idle);
  };
  return {
    request: (wanted) =>
      send(requestOf(wanted, target.name)).catch((error: unknown) => {
        throw connectionError(error, host, wanted.signal);
      }),
    close: () => idle.close(),
  };
}

/**
 * True where the server may have closed a kept connection just as we used it: what was never read (EPIPE), or changes
 * nothing, can be sent again.
 */
function isStale(error: unknown, { method, body }: HttpRequest): boolean {
  if (body instanceof Readable) return false;
  const errno = errnoOf(error);
  return errno === "EPIPE" || (errno === "ECONNRESET" && (method === "GET" || method === "HEAD"));
}

function targetOf(host: string, tls?: TlsOptions): Target {
  const [scheme, rest = ""] = host.split("://", 2);
  const half = { allowHalfOpen: true };
  if (scheme === "unix") return { name: "localhost", connect: () => net().connect({ path: rest, ...half }) };
  if (scheme === "tcp" || scheme === "http" || scheme === "https") {
    const url = URL.parse(`http://${rest}`);
    if (!url) throw invalid(`unable to parse docker host \`${host}\``);
    const name = url.hostname.replace(/^\[|\]$/g, "");
    const port = Number(url.port || (tls ? 2376 : 2375));
    const options = { host: name, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: 30_000, ...half };
    return {
      name: `${url.hostname}:${port}`,
      connect: () => (tls ? connectTls(options, tls) : net().connect(options)),
    };
  }
  if (scheme === "ssh" || scheme === "npipe" || scheme === "fd")
    throw notImplemented(`${scheme}:// hosts are not supported`);
  throw invalid(`unable to parse docker host \`${host}\``);
}

// Importing node:net by name evaluates its lazy exports too; node:tls takes 20 ms, and few need it.
const net = (): typeof import("node:net") => process.getBuiltinModule("node:net");

function connectTls(options: { host: string; port: number; allowHalfOpen: boolean }, tls: TlsOptions): Socket {
  const { ca, cert, key, verify } = tls;
  return process.getBuiltinModule("node:tls").connect({
    ...options,
    ...{ ca, cert, key, rejectUnauthorized: verify !== false, ALPNProtocols: ["http/1.1"] },
    // An address is no server name (RFC 6066, 3).
    ...(net().isIP(options.host) === 0 && { servername: options.host }),
  });
}

function requestOf(wanted: TransportRequest, name: string): HttpRequest {
  const { method, path: target, signal, upgrade } = wanted;
  const { type, body } = bodyOf(wanted.body);
  const headers = lowerCased(wanted.headers);
  headers["host"] ??= name;
  if (type) headers["content-type"] ??= type;
  return { method, target, headers, body, signal, upgrade };
}

function bodyOf(body: unknown): { readonly type?: string; readonly body?: HttpRequest["body"] } {
  if (body === undefined) return {};
  if (body instanceof Readable || body instanceof Uint8Array) return { type: "application/x-tar", body };
  return { type: "application/json", body: JSON.stringify(body) };
}

/** Names of headers differ in case as users write them; here each must be found by its name. */
function lowerCased(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
