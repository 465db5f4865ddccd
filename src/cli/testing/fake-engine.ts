import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What the fake answers, by `METHOD /path` without version and query; a text is sent as it is. */
export type Answers = Readonly<Record<string, unknown>>;

export interface SeenRequest {
  readonly line: string;
  readonly query: URLSearchParams;
  readonly body: unknown;
}

export interface FakeEngine extends AsyncDisposable {
  readonly host: string;
  readonly seen: SeenRequest[];
}

/** A server on a socket of its own that gives fixed answers, so that two clients can be compared. */
export async function startFakeEngine(answers: Answers): Promise<FakeEngine> {
  const folder = mkdtempSync(join(tmpdir(), "keelson-cli-"));
  const seen: SeenRequest[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer);
    } catch {
      // The client gave up.
      return;
    }
    const url = new URL(request.url!, "http://engine");
    const line = `${request.method} ${url.pathname.replace(/^\/v1\.\d+/, "")}`;
    response.setHeader("Api-Version", "1.50");
    response.setHeader("Ostype", "linux");
    if (line.endsWith("/_ping")) return void response.end(request.method === "HEAD" ? undefined : "OK");
    const text = Buffer.concat(chunks).toString();
    seen.push({ line, query: url.searchParams, body: text === "" ? undefined : parse(text) });
    const answer = answers[line];
    response.setHeader("Content-Type", "application/json");
    if (answer === undefined) response.statusCode = 404;
    else if (line === "POST /containers/create") response.statusCode = 201;
    response.end(answer === undefined ? notFound(line) : typeof answer === "string" ? answer : JSON.stringify(answer));
  });
  server.listen(join(folder, "engine.sock"));
  await once(server, "listening");
  return {
    host: `unix://${join(folder, "engine.sock")}`,
    seen,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      rmSync(folder, { recursive: true });
    },
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Docker's words for a thing of the kind that the path names. */
function notFound(line: string): string {
  const [, kind = "page", name = ""] = /^\w+ \/(\w+)\/([^/]+)/.exec(line) ?? [];
  const words: Readonly<Record<string, string>> = {
    containers: `No such container: ${name}`,
    images: `No such image: ${name}`,
    networks: `network ${name} not found`,
    volumes: `get ${name}: no such volume`,
  };
  return JSON.stringify({ message: words[kind] ?? "page not found" });
}
