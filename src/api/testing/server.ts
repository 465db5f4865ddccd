import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Client, createClient } from "../../client/client.ts";
import { type Api, type ApiOptions, createApi } from "../api.ts";
import type { ApiServices } from "../services.ts";

/** An API on a socket of its own, with every answer held against its schema. */
export interface TestServer extends AsyncDisposable {
  readonly api: Api;
  readonly host: string;
  readonly path: string;
  readonly client: Client;
  /** One request without the client's help; the body is read as text. */
  fetch(method: string, path: string, options?: FetchOptions): Promise<Fetched>;
  /** Sends bytes as they are. */
  raw(text: string): Promise<RawConnection>;
}

export interface FetchOptions {
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Fetched {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  readonly json: unknown;
}

export interface RawConnection {
  readonly socket: Socket;
  /** Resolves with all that came once `pattern` is found in it. */
  until(pattern: RegExp | string): Promise<string>;
  /** Resolves with all that came once the server has ended its side. */
  ended(): Promise<string>;
}

export async function startServer(services: ApiServices, options: ApiOptions = {}): Promise<TestServer> {
  const dir = await mkdtemp(join(tmpdir(), "keelson-api-"));
  const path = join(dir, "api.sock");
  const api = await createApi(services, { validateResponses: true, ...options });
  const [host] = await api.listen([`unix://${path}`]);
  const client = createClient({ host: host! });
  const raw = (text: string): Promise<RawConnection> => openRaw(connect({ path, allowHalfOpen: true }), text);
  return {
    api,
    host: host!,
    path,
    client,
    raw,
    fetch: async (method, target, { body, headers = {} } = {}) => {
      const all: Record<string, string> = { Host: "localhost", Connection: "close", ...headers };
      if (body !== undefined) {
        all["Content-Type"] ??= "application/json";
        all["Content-Length"] = String(Buffer.byteLength(body));
      }
      const head = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
      const connection = await raw(`${method} ${target} HTTP/1.1\r\n${head.join("")}\r\n${body ?? ""}`);
      return parse(await connection.ended());
    },
    [Symbol.asyncDispose]: async () => {
      client.close();
      await api.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** Wraps a connection that is under way. */
export async function openRaw(socket: Socket, text: string): Promise<RawConnection> {
  let got = "";
  let isEnded = false;
  let wake = (): void => {};
  socket.setEncoding("latin1");
  socket.on("data", (chunk: string) => {
    got += chunk;
    wake();
  });
  const end = (): void => {
    isEnded = true;
    wake();
  };
  socket.on("end", end).on("close", end).on("error", end);
  await once(socket, "connect");
  socket.write(text);
  const waitFor = async (test: () => boolean): Promise<string> => {
    while (!test()) {
      if (isEnded) throw new Error(`the connection ended; before it came ${JSON.stringify(got)}`);
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    return got;
  };
  return {
    socket,
    until: (pattern) => waitFor(() => (typeof pattern === "string" ? got.includes(pattern) : pattern.test(got))),
    ended: async () => {
      await waitFor(() => isEnded || socket.destroyed).catch(() => got);
      socket.end();
      return got;
    },
  };
}

function parse(answer: string): Fetched {
  const split = answer.indexOf("\r\n\r\n");
  const [first = "", ...lines] = answer.slice(0, split).split("\r\n");
  const headers = Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(":")).toLowerCase(), line.slice(line.indexOf(":") + 2)]),
  );
  const body = answer.slice(split + 4);
  const text = headers["transfer-encoding"] === "chunked" ? unchunk(body) : body;
  const isJson = headers["content-type"] === "application/json" && text.trim() !== "";
  const lines2 = isJson ? text.trim().split("\n") : [];
  const json: unknown =
    lines2.length > 1 ? lines2.map((line) => JSON.parse(line)) : isJson ? JSON.parse(text) : undefined;
  return { status: Number(first.split(" ")[1]), headers, text, json };
}

function unchunk(body: string): string {
  let text = "";
  let rest = body;
  while (rest.length > 0) {
    const line = rest.indexOf("\r\n");
    const size = Number.parseInt(rest.slice(0, line), 16);
    if (!(size > 0)) break;
    text += rest.slice(line + 2, line + 2 + size);
    rest = rest.slice(line + 2 + size + 2);
  }
  return text;
}
