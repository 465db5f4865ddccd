import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { describe, it } from "node:test";
import { promisify } from "node:util";
import { type ErrorKind, isKind } from "../base/errors.ts";
import { type Client, createClient, olderOf } from "./client.ts";
import { requestPath } from "./request-path.ts";

/** A server of an Engine API on a socket of its own. */
async function serve(
  handler: RequestListener,
  options: { version?: string; upgrade?: (request: IncomingMessage, server: Server) => string } = {},
): Promise<AsyncDisposable & { readonly client: Client; readonly seen: IncomingMessage[] }> {
  const dir = await mkdtemp(join(tmpdir(), "keelson-client-"));
  const path = join(dir, "api.sock");
  const seen: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    seen.push(request);
    if (request.url === "/_ping") {
      response.setHeader("Api-Version", options.version ?? "1.51");
      return void response.end();
    }
    handler(request, response);
  });
  if (options.upgrade) {
    server.on("upgrade", (request, socket) => {
      seen.push(request);
      socket.write(options.upgrade!(request, server));
      socket.on("data", (chunk) => socket.write(String(chunk).toUpperCase()));
      socket.on("end", () => socket.end("."));
    });
  }
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const client = createClient({ host: `unix://${path}` });
  return {
    client,
    seen,
    [Symbol.asyncDispose]: async () => {
      client.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await rm(dir, { recursive: true, force: true });
    },
  };
}

const failsWith = (kind: ErrorKind, message: string | RegExp) => (error: unknown) => {
  assert.ok(isKind(error, kind), String(error));
  if (typeof message === "string") assert.equal(error.message, message);
  else assert.match(error.message, message);
  return true;
};

/** Refuses requests of a newer version, as engines do. */
const upTo =
  (newest: string, handler: RequestListener): RequestListener =>
  (request, response) => {
    response.setHeader("Api-Version", newest);
    const asked = /^\/v([\d.]+)\//.exec(request.url!)![1]!;
    if (olderOf(asked, newest) === asked) return handler(request, response);
    const message = `client version ${asked} is too new. Maximum supported API version is ${newest}`;
    response.writeHead(400).end(JSON.stringify({ message }));
  };

describe("the version", () => {
  for (const [theirs, paths] of [
    ["1.51", ["/v1.51/containers/json", "/v1.51/containers/json"]],
    ["1.60", ["/v1.51/containers/json", "/v1.51/containers/json"]],
    ["1.41", ["/v1.51/containers/json", "/v1.41/containers/json", "/v1.41/containers/json"]],
  ] as const) {
    it(`of a server that speaks ${theirs} is learned from its answers`, async () => {
      await using server = await serve(upTo(theirs, (_, response) => void response.end("[]")));
      assert.deepEqual(await server.client.call("GET /containers/json"), []);
      assert.deepEqual(await server.client.call("GET /containers/json"), []);
      assert.deepEqual(
        server.seen.map(({ url }) => url),
        paths,
      );
    });
  }

  for (const [theirs, used] of [
    ["1.51", "1.51"],
    ["1.41", "1.41"],
    ["1.60", "1.51"],
    ["nonsense", "1.24"],
  ] as const) {
    it(`of a server that speaks ${theirs} is asked for before a stream is sent: ${used}`, async () => {
      await using server = await serve((request, response) => request.resume().on("end", () => response.end()), {
        version: theirs,
      });
      const body = Readable.from([Buffer.from("tar")]);
      for await (const _ of await server.client.lines("POST /images/load", { body }));
      assert.equal(await server.client.version(), used);
      assert.deepEqual(
        server.seen.map(({ url }) => url),
        ["/_ping", `/v${used}/images/load`],
      );
    });
  }

  it("is not tried again where a request is wrong for another reason", async () => {
    await using server = await serve(upTo("1.41", () => {}));
    await using wrong = await serve((_, response) => {
      response.writeHead(400, { "Api-Version": "1.41" }).end('{"message":"it is too long"}');
    });
    await assert.rejects(wrong.client.call("GET /info"), failsWith("invalid", "it is too long"));
    assert.equal(wrong.seen.length, 1);
    const fixed = createClient({ host: server.client.host, version: "1.45" });
    await assert.rejects(fixed.call("GET /info"), failsWith("invalid", /client version 1.45 is too new/));
    fixed.close();
  });

  it("is compared by its parts", () => {
    assert.equal(olderOf("1.9", "1.10"), "1.9");
    assert.equal(olderOf("2.0", "1.51"), "1.51");
  });
});

describe("a path", () => {
  it("is filled and queried as Docker reads it", () => {
    assert.equal(
      requestPath("/images/{name}/json", { name: "h:5000/a b@sha256:0" }),
      "/images/h:5000/a%20b@sha256:0/json",
    );
    assert.equal(
      requestPath("/x", {}, { a: true, b: false, c: undefined, d: ["1", "2"], e: 0 }),
      "/x?a=1&b=0&d=1&d=2&e=0",
    );
    assert.equal(requestPath("/x", {}, { filters: { a: ["b"] } }), "/x?filters=%7B%22a%22%3A%5B%22b%22%5D%7D");
    assert.equal(requestPath("/x", {}, { filters: {} }), "/x");
    assert.equal(requestPath("/containers/{id}/json", { id: "../info" }), "/containers/..%2Finfo/json");
    assert.throws(
      () => requestPath("/containers/{id}/json", { id: " " }),
      failsWith("invalid", "invalid container name or ID: value is empty"),
    );
  });
});

describe("a call", () => {
  it("sends JSON and returns JSON", async () => {
    let body = "";
    await using server = await serve(async (request, response) => {
      body = await text(request);
      response.writeHead(201).end('{"Id":"x","Warnings":[]}');
    });
    const made = await server.client.call("POST /containers/create", { query: { name: "n" }, body: { Image: "ü" } });
    assert.deepEqual(made, { Id: "x", Warnings: [] });
    assert.equal(body, '{"Image":"ü"}');
    assert.equal(server.seen.at(-1)!.headers["content-type"], "application/json");
  });

  it("without an answer is undefined, and 304 is no failure", async () => {
    await using server = await serve((_, response) => void response.writeHead(304).end());
    assert.equal(await server.client.call("POST /containers/{id}/start", { params: { id: "x" } }), undefined);
  });

  for (const [status, kind] of [
    [400, "invalid"],
    [401, "unauthorized"],
    [403, "forbidden"],
    [404, "notFound"],
    [409, "conflict"],
    [418, "invalid"],
    [500, "system"],
    [501, "notImplemented"],
    [503, "unavailable"],
  ] as const) {
    it(`that is answered ${status} fails as ${kind}, with the server's message`, async () => {
      await using server = await serve((_, response) => void response.writeHead(status).end('{"message":"why"}'));
      await assert.rejects(server.client.call("GET /info"), failsWith(kind, "why"));
    });
  }

  it("takes a message that is plain text, or none", async () => {
    await using plain = await serve((_, response) => void response.writeHead(404).end("No such container: x\r\n"));
    await assert.rejects(plain.client.call("GET /info"), failsWith("notFound", "No such container: x"));
    await using empty = await serve((_, response) => void response.writeHead(500).end());
    await assert.rejects(empty.client.call("GET /info"), failsWith("system", /500 without a message/));
  });

  it("fails when the answer breaks off or is no JSON", async () => {
    await using broken = await serve((_, response) => {
      response.writeHead(200, { "Content-Length": "100" }).write("{");
      setImmediate(() => response.destroy());
    });
    await assert.rejects(broken.client.call("GET /info"), failsWith("unavailable", /closed the connection/));
    await using wrong = await serve((_, response) => void response.end("<html>"));
    await assert.rejects(wrong.client.call("GET /info"), failsWith("corrupt", /not valid JSON/));
  });

  it("is given up by its signal", async () => {
    await using server = await serve(() => {});
    const abort = new AbortController();
    const call = server.client.call("GET /info", { signal: abort.signal });
    setImmediate(() => abort.abort());
    await assert.rejects(call, failsWith("cancelled", "context canceled"));
  });
});

describe("a connection", () => {
  it("carries one request after the other", async () => {
    await using server = await serve((_, response) => void response.end("{}"));
    for (let i = 0; i < 3; i++) await server.client.call("GET /info");
    assert.equal(new Set(server.seen.map(({ socket }) => socket)).size, 1);
  });

  it("that the server has closed meanwhile is replaced", async () => {
    await using server = await serve((request, response) => {
      response.end("{}");
      // After the answer, and before the client can know of it.
      response.on("finish", () => request.socket.destroySoon());
    });
    for (let i = 0; i < 20; i++) await server.client.call("GET /info");
    assert.equal(server.seen.length, 20);
  });

  it("that waits for the next request keeps no program running", async () => {
    await using server = await serve((_, response) => void response.end("{}"));
    const script = `
      const { createClient } = await import(${JSON.stringify(new URL("./client.ts", import.meta.url).href)});
      console.log(await createClient({ host: ${JSON.stringify(server.client.host)} }).call("GET /info"));
    `;
    const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", script], {
      timeout: 20_000,
    });
    assert.equal(stdout, "{}\n");
  });
});

describe("no server", () => {
  it("is told in Docker's words", async () => {
    await assert.rejects(
      createClient({ host: "unix:///nonexistent/api.sock" }).call("GET /info"),
      failsWith(
        "unavailable",
        "Cannot connect to the Docker daemon at unix:///nonexistent/api.sock. Is the docker daemon running?",
      ),
    );
    await assert.rejects(
      createClient({ host: "tcp://127.0.0.1:1" }).call("GET /info"),
      failsWith(
        "unavailable",
        "Cannot connect to the Docker daemon at tcp://127.0.0.1:1. Is the docker daemon running?",
      ),
    );
  });

  it("can be had at hosts of a known kind only", () => {
    assert.throws(() => createClient({ host: "nonsense" }), failsWith("invalid", /unable to parse docker host/));
    assert.throws(() => createClient({ host: "ssh://x" }), failsWith("notImplemented", /ssh/));
    assert.throws(() => createClient({ host: "tcp://a b" }), failsWith("invalid", /unable to parse docker host/));
  });
});

describe("lines", () => {
  it("come one by one, whole, however they are cut", async () => {
    const all = '{"status":"ü"}\n\n{"status":"b"}\r\n{"stream":"c"}';
    await using server = await serve((_, response) => {
      const bytes = Buffer.from(all);
      let at = 0;
      const next = (): void => {
        if (at >= bytes.length) return void response.end();
        response.write(bytes.subarray(at, ++at), () => setImmediate(next));
      };
      next();
    });
    const lines = await server.client.lines("POST /images/load", { body: Buffer.from("tar") });
    const got: unknown[] = [];
    for await (const line of lines) got.push(line);
    assert.deepEqual(got, [{ status: "ü" }, { status: "b" }, { stream: "c" }]);
  });

  it("stop when nobody wants more", async () => {
    const closed = Promise.withResolvers<void>();
    await using server = await serve((_, response) => {
      response.write('{"Type":"x"}\n');
      response.on("close", () => closed.resolve());
    });
    for await (const event of await server.client.lines("GET /events")) {
      assert.equal(event.Type, "x");
      break;
    }
    await closed.promise;
  });

  it("of a stream that is sent fail where that stream fails", async () => {
    await using server = await serve((request) => void request.resume());
    const body = new Readable({
      read() {
        this.destroy(new Error("disk error"));
      },
    });
    await assert.rejects(server.client.lines("POST /images/load", { body }), /disk error/);
  });
});

describe("a hijacked connection", () => {
  const type = "application/vnd.docker.multiplexed-stream";
  it("carries bytes both ways, those with the head too", async () => {
    await using server = await serve(() => {}, {
      upgrade: () => `HTTP/1.1 101 UPGRADED\r\nContent-Type: ${type}\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nhi `,
    });
    const { stream, multiplexed } = await server.client.hijack("POST /containers/{id}/attach", { params: { id: "x" } });
    assert.equal(multiplexed, true);
    stream.end("you");
    assert.equal(await text(stream), "hi YOU.");
  });

  it("may be output only", async () => {
    await using server = await serve((_, response) => void response.end("out"));
    const { stream, multiplexed } = await server.client.hijack("POST /exec/{id}/start", {
      params: { id: "x" },
      body: {},
    });
    stream.write("dropped");
    assert.equal(await text(stream), "out");
    assert.equal(multiplexed, false);
  });

  it("fails as a call does", async () => {
    await using server = await serve((_, response) => void response.writeHead(409).end('{"message":"not running"}'));
    await assert.rejects(
      server.client.hijack("POST /exec/{id}/start", { params: { id: "x" } }),
      failsWith("conflict", "not running"),
    );
  });
});

describe("the module", () => {
  it("loads nothing that makes a command line slow", () => {
    const script = `
      import { registerHooks } from "node:module";
      const loaded = [];
      registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) });
      const { createClient } = await import(${JSON.stringify(new URL("./client.ts", import.meta.url).href)});
      createClient({ host: "unix:///x" });
      console.log(loaded.filter((url) => /node_modules|endpoints|node:(https|tls)$/.test(url)).join());
      console.log(loaded.some((url) => url.endsWith("/client.ts")));
    `;
    const out = execFileSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" });
    assert.equal(out, "\ntrue\n");
  });
});
