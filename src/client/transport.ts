import type { ClientRequest, IncomingMessage, RequestOptions } from "node:http";
import { createRequire } from "node:module";
import { type Duplex, Readable } from "node:stream";
import { invalid, notImplemented } from "../base/errors.ts";
import { connectionError } from "./failure.ts";

// `import` of node:http makes Node load all of undici for the names that it exports, which takes 45 ms; require does not.
const { Agent, request } = createRequire(import.meta.url)("node:http") as typeof import("node:http");

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

export interface TransportAnswer {
  readonly response: IncomingMessage;
  /** The connection, where the server gave it (101). */
  readonly stream?: Duplex;
}

export interface Transport {
  request(request: TransportRequest): Promise<TransportAnswer>;
  close(): void;
}

/** A way to the engine at `host`. `invalid` for what is no host. */
export function connectTransport(host: string, tls?: TlsOptions): Transport {
  const target = targetOf(host, tls);
  const https = tls === undefined ? undefined : loadHttps();
  const agent = https ? new https.Agent({ keepAlive: true }) : new Agent({ keepAlive: true });
  const open = https ? https.request : request;
  return {
    request: (wanted) =>
      new Promise((resolve, reject) => {
        const made = open({ ...target, agent, ...optionsOf(wanted) });
        made.on("error", (error) => reject(connectionError(error, host, wanted.signal)));
        made.on("response", (response) => resolve({ response }));
        made.on("upgrade", (response, stream, head) => {
          if (head.length > 0) stream.unshift(head);
          resolve({ response, stream });
        });
        sendBody(made, wanted);
      }),
    close: () => agent.destroy(),
  };
}

/** Loaded only where it is needed: TLS takes longer to load than everything else here. */
function loadHttps(): typeof import("node:https") {
  return createRequire(import.meta.url)("node:https") as typeof import("node:https");
}

function targetOf(host: string, tls?: TlsOptions): RequestOptions {
  const [scheme, rest = ""] = host.split("://", 2);
  if (scheme === "unix") return { socketPath: rest, host: "localhost" };
  if (scheme === "tcp" || scheme === "http" || scheme === "https") {
    const url = URL.parse(`http://${rest}`);
    if (!url) throw invalid(`unable to parse docker host \`${host}\``);
    return {
      host: url.hostname.replace(/^\[|\]$/g, ""),
      port: url.port || (tls ? 2376 : 2375),
      ...(tls && { ca: tls.ca, cert: tls.cert, key: tls.key, rejectUnauthorized: tls.verify !== false }),
    };
  }
  if (scheme === "ssh" || scheme === "npipe" || scheme === "fd")
    throw notImplemented(`${scheme}:// hosts are not supported`);
  throw invalid(`unable to parse docker host \`${host}\``);
}

function optionsOf(wanted: TransportRequest): RequestOptions {
  const headers: Record<string, string> = { ...wanted.headers };
  if (wanted.upgrade) Object.assign(headers, { connection: "Upgrade", upgrade: "tcp" });
  if (wanted.body instanceof Readable || wanted.body instanceof Uint8Array)
    headers["content-type"] ??= "application/x-tar";
  else if (wanted.body !== undefined) headers["content-type"] ??= "application/json";
  return { method: wanted.method, path: wanted.path, headers, signal: wanted.signal };
}

function sendBody(made: ClientRequest, wanted: TransportRequest): void {
  const { body } = wanted;
  if (body === undefined) made.end();
  else if (body instanceof Uint8Array) made.end(body);
  else if (body instanceof Readable) {
    body.on("error", (error) => made.destroy(error));
    made.on("close", () => body.destroy());
    body.pipe(made);
  } else made.end(JSON.stringify(body));
}
