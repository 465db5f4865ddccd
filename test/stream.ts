/** Connections to a daemon as a test wants them: read slowly or not at all, ended in the middle. */
import { once } from "node:events";
import { Agent, type IncomingMessage, request } from "node:http";
import { connect, type Socket } from "node:net";
import { type Answer, callApi } from "./compat/target.ts";

/** A connection that speaks what the test writes. */
export async function rawConnection(socketPath: string): Promise<Socket> {
  const socket = connect({ path: socketPath, allowHalfOpen: true });
  socket.on("error", () => {});
  await once(socket, "connect");
  return socket;
}

/** The head of a request in HTTP/1.1. */
export function head(method: string, path: string, headers: Readonly<Record<string, string>> = {}): string {
  const lines = Object.entries({ Host: "docker", ...headers }).map(([name, value]) => `${name}: ${value}`);
  return `${method} ${path} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`;
}

/** Everything until the other side closes, as text. */
export async function rest(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("latin1");
}

/** Sends a request's head and resolves with the connection once the answer's head is there; paused at what follows. */
export async function openStream(
  socketPath: string,
  method: string,
  path: string,
  headers: Readonly<Record<string, string>> = {},
  body = "",
): Promise<{ readonly socket: Socket; readonly status: number }> {
  const socket = await rawConnection(socketPath);
  const length: Record<string, string> = body
    ? { "Content-Type": "application/json", "Content-Length": String(Buffer.byteLength(body)) }
    : {};
  socket.write(head(method, path, { ...length, ...headers }) + body);
  let text = Buffer.alloc(0);
  while (!text.includes("\r\n\r\n")) {
    const chunk = socket.read() as Buffer | null;
    if (chunk) text = Buffer.concat([text, chunk]);
    else if (socket.readableEnded || socket.destroyed) throw new Error(`no answer's head: ${text.toString()}`);
    else await Promise.race([once(socket, "readable"), once(socket, "end"), once(socket, "close")]);
  }
  const end = text.indexOf("\r\n\r\n") + 4;
  if (end < text.length) socket.unshift(text.subarray(end));
  return { socket, status: Number(/^HTTP\/1\.1 (\d+)/.exec(text.toString())?.[1]) };
}

/** The API over a few connections that are used again and again, as an SDK's. */
export class KeptAlive implements Disposable {
  readonly #agent: Agent;
  readonly #socketPath: string;

  constructor(socketPath: string, connections: number) {
    this.#socketPath = socketPath;
    this.#agent = new Agent({ keepAlive: true, maxSockets: connections });
  }

  call(method: string, path: string, body?: unknown): Promise<Answer> {
    return callApi(this.#socketPath, method, `/v1.51${path}`, body, {}, this.#agent);
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }
}

/** A request whose answer is left to the test. */
export function respond(socketPath: string, method: string, path: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const req = request({ socketPath, method, path, agent: false }, resolve);
    req.on("error", reject);
    req.end();
  });
}

/** Splits Docker's framed stream (Engine API, ContainerAttach) into what was written to each. */
export function unframe(bytes: Buffer): { readonly stdout: string; readonly stderr: string } {
  const parts: [Buffer[], Buffer[]] = [[], []];
  for (let at = 0; at + 8 <= bytes.length; ) {
    const length = bytes.readUInt32BE(at + 4);
    parts[bytes[at] === 2 ? 1 : 0].push(bytes.subarray(at + 8, at + 8 + length));
    at += 8 + length;
  }
  return { stdout: Buffer.concat(parts[0]).toString(), stderr: Buffer.concat(parts[1]).toString() };
}
