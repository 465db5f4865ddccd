import { chmod, lstat, rm } from "node:fs/promises";
import { createServer, type RequestListener, type Server } from "node:http";
import { connect, type ListenOptions } from "node:net";
import type { Duplex } from "node:stream";
import { conflict, errnoOf, invalid, withKind } from "../base/errors.ts";

/** PEM texts. With `ca`, only clients with a certificate of that authority may speak (mTLS). */
export interface ServerTls {
  readonly cert: string | Buffer;
  readonly key: string | Buffer;
  readonly ca?: string | Buffer;
}

/** Node's limits, changed where Docker's clients need it: uploads of hours, and heads as large as Go takes them. */
const serverOptions = {
  requestTimeout: 0,
  headersTimeout: 60_000,
  keepAliveTimeout: 120_000,
  maxHeaderSize: 256 * 1024,
  noDelay: true,
} as const;

/** Connections that may wait to be taken while this thread is busy; on a unix socket one more is refused. As Go: all that Linux grants. */
const backlog = 4096;

/** How long a client whose request was refused may go on sending, in milliseconds. */
const refusalGrace = 2000;

export interface Listener {
  readonly server: Server;
  /** As it can be connected to: a port of 0 has become a real one. */
  readonly host: string;
}

/** Listens at `unix:///path` or `tcp://address:port`. Throws `conflict` where another one listens there. */
export async function listenAt(host: string, handler: RequestListener, tls?: ServerTls): Promise<Listener> {
  if (host.startsWith("unix://")) return listenUnix(host.slice("unix://".length), handler);
  if (host.startsWith("tcp://")) return listenTcp(host, handler, tls);
  throw invalid(`invalid host ${JSON.stringify(host)}: expected unix:///path or tcp://address:port`);
}

async function listenUnix(path: string, handler: RequestListener): Promise<Listener> {
  if (!path.startsWith("/")) throw invalid(`invalid host "unix://${path}": expected an absolute path`);
  await removeStale(path);
  const server = createServer(serverOptions, handler);
  // Between bind and chmod nobody else may connect.
  const before = process.umask(0o117);
  try {
    await listening(server, { path });
  } finally {
    process.umask(before);
  }
  await chmod(path, 0o660);
  server.once("close", () => void rm(path, { force: true }));
  return { server, host: `unix://${path}` };
}

/** Removes a socket that nobody listens at any more. */
async function removeStale(path: string): Promise<void> {
  const there = await lstat(path).catch(() => undefined);
  if (!there) return;
  if (!there.isSocket()) throw conflict(`can't create unix socket ${path}: a file is in its place`, { path });
  if (await answers(path)) throw conflict(`can't create unix socket ${path}: another daemon listens there`, { path });
  await rm(path, { force: true });
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

async function listenTcp(host: string, handler: RequestListener, tls?: ServerTls): Promise<Listener> {
  const url = parseTcp(host);
  const server = tls ? await createTls(tls, handler) : createServer(serverOptions, handler);
  const address = url.hostname.replace(/^\[|\]$/g, "");
  await listening(server, { host: address, port: Number(url.port || (tls ? 2376 : 2375)) });
  const bound = server.address();
  const port = typeof bound === "object" && bound !== null ? bound.port : url.port;
  return { server, host: `tcp://${url.hostname}:${port}` };
}

function parseTcp(host: string): URL {
  try {
    return new URL(host.replace(/^tcp:/, "http:"));
  } catch (cause) {
    throw invalid(`invalid host ${JSON.stringify(host)}: expected tcp://address:port`, { cause });
  }
}

async function createTls(tls: ServerTls, handler: RequestListener): Promise<Server> {
  const https = await import("node:https");
  const verify = tls.ca === undefined ? {} : { ca: tls.ca, requestCert: true, rejectUnauthorized: true };
  // A half-closed connection is the end of a process's input, over TLS too.
  const options = { ...serverOptions, minVersion: "TLSv1.2" as const, allowHalfOpen: true };
  return https.createServer({ ...options, cert: tls.cert, key: tls.key, ...verify }, handler) as unknown as Server;
}

function listening(server: Server, options: ListenOptions): Promise<void> {
  server.on("clientError", refuseMalformed);
  return new Promise((resolve, reject) => {
    const where = options.path ?? `${options.host}:${options.port}`;
    server.once("error", (error) => {
      const taken = errnoOf(error) === "EADDRINUSE";
      reject(taken ? conflict(`${where}: address already in use`, { cause: error }) : withKind(error));
    });
    server.listen({ backlog, ...options }, () => {
      server.removeAllListeners("error");
      resolve();
    });
  });
}

/** Answers what is not HTTP, unless the connection is broken or an answer is under way. */
function refuseMalformed(error: Error & { code?: string }, socket: Duplex): void {
  if (!socket.writable || error.code === "ECONNRESET") return void socket.destroy();
  const tooLarge = error.code === "HPE_HEADER_OVERFLOW";
  const message = tooLarge ? "the request's headers are too large" : `malformed HTTP request: ${error.message}`;
  const body = `${JSON.stringify({ message })}\n`;
  discard(socket);
  socket.end(
    `HTTP/1.1 ${tooLarge ? "431 Request Header Fields Too Large" : "400 Bad Request"}\r\n` +
      `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}

/**
 * Drops what a refused client still sends, for a while: closing with unread bytes would reset the connection, and the
 * answer would be lost with it.
 */
function discard(socket: Duplex): void {
  const theirs = socket.listeners("data");
  socket.on("data", () => {});
  for (const listener of theirs) socket.off("data", listener as () => void);
  const timer = setTimeout(() => socket.destroy(), refusalGrace);
  socket.once("end", () => socket.destroy());
  socket.once("close", () => clearTimeout(timer));
}
