import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { Readable } from "node:stream";
import { buffer, text } from "node:stream/consumers";
import { describe, it } from "node:test";
import { isKind } from "../base/errors.ts";
import { exchange, type HttpAnswer, type HttpRequest, UnexpectedEnd } from "./http1.ts";
import { bodyReader } from "./http1-body.ts";
import { encodeHead, HeadReader, headLimit } from "./http1-head.ts";

interface Read {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: string;
  /** What follows the answer; undefined while its end has not come. */
  readonly rest: string | undefined;
}

/** Reads one answer that comes in pieces of these lengths. */
function read(bytes: Buffer, method: string, cut: (at: number) => number): Read {
  const head = new HeadReader();
  let found: ReturnType<HeadReader["push"]>;
  let body: ReturnType<typeof bodyReader>;
  const pieces: Buffer[] = [];
  let rest: Buffer | undefined;
  for (let at = 0, end = 0; at < bytes.length; at = end) {
    end = Math.min(bytes.length, at + cut(at));
    let piece = bytes.subarray(at, end);
    if (rest) {
      rest = Buffer.concat([rest, piece]);
      continue;
    }
    if (!found) {
      found = head.push(piece);
      if (!found) continue;
      body = bodyReader(found.head, method);
      piece = found.rest;
      if (!body) rest = piece;
    }
    if (body) rest = body.push(piece, (bytes) => pieces.push(bytes));
  }
  return {
    status: found!.head.status,
    headers: { ...found!.head.headers },
    body: Buffer.concat(pieces).toString(),
    rest: rest?.toString(),
  };
}

const answers: ReadonlyArray<readonly [name: string, bytes: string, method: string, expected: Read]> = [
  [
    "a length",
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nApi-Version: 1.51\r\n\r\nhellorest",
    "GET",
    { status: 200, headers: { "content-length": "5", "api-version": "1.51" }, body: "hello", rest: "rest" },
  ],
  [
    "a length said twice, and lines that end in LF alone",
    "HTTP/1.1 201\nContent-Length: 2\nContent-length:2\n\nok",
    "POST",
    { status: 201, headers: { "content-length": "2, 2" }, body: "ok", rest: "" },
  ],
  [
    "chunks with extensions and a trailer",
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n5;a="b"\r\nhello\r\n00A \r\n 0123\r\n\r\n\r\r\n0;x\r\nDigest: z\r\n\r\nHTTP',
    "GET",
    { status: 200, headers: { "transfer-encoding": "Chunked" }, body: "hello 0123\r\n\r\n\r", rest: "HTTP" },
  ],
  [
    "chunks, though a length is said too",
    "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    "GET",
    { status: 200, headers: { "content-length": "1", "transfer-encoding": "chunked" }, body: "abc", rest: "" },
  ],
  [
    "no length",
    "HTTP/1.0 200 OK\r\n\r\nall\r\n\r\n",
    "GET",
    { status: 200, headers: {}, body: "all\r\n\r\n", rest: undefined },
  ],
  [
    "an answer to HEAD",
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
    "HEAD",
    { status: 200, headers: { "content-length": "5" }, body: "", rest: "" },
  ],
  [
    "204",
    "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\nx",
    "POST",
    { status: 204, headers: { "transfer-encoding": "chunked" }, body: "", rest: "x" },
  ],
  [
    "304",
    "HTTP/1.1 304 Not Modified\r\nX: \t y\t\r\n\r\n",
    "POST",
    { status: 304, headers: { x: "y" }, body: "", rest: "" },
  ],
  [
    "a length of nothing, and a header of the name of a property",
    "HTTP/1.1 500 \r\nContent-Length: 0\r\n__proto__: x\r\n\r\n",
    "GET",
    {
      status: 500,
      headers: Object.fromEntries([
        ["content-length", "0"],
        ["__proto__", "x"],
      ]),
      body: "",
      rest: "",
    },
  ],
];

describe("an answer is read wherever it is cut:", () => {
  for (const [name, raw, method, expected] of answers)
    it(name, () => {
      const bytes = Buffer.from(raw, "latin1");
      for (let first = 1; first <= bytes.length; first++)
        assert.deepEqual(
          read(bytes, method, (at) => (at === 0 ? first : bytes.length)),
          expected,
        );
      for (const size of [1, 2, 3, 7])
        assert.deepEqual(
          read(bytes, method, () => size),
          expected,
        );
    });
});

const broken: ReadonlyArray<readonly [name: string, bytes: string]> = [
  ["another protocol", "SSH-2.0-OpenSSH_9.2\r\n"],
  ["another protocol, before its line ends", "hello"],
  ["TLS", "\x15\x03\x01\x00\x02\x02\x50"],
  ["HTTP/2", "HTTP/2 200\r\n\r\n"],
  ["a status of two digits", "HTTP/1.1 20 OK\r\n\r\n"],
  ["a header without a colon", "HTTP/1.1 200 OK\r\nnonsense\r\n\r\n"],
  ["a header with a space in its name", "HTTP/1.1 200 OK\r\nA b: c\r\n\r\n"],
  ["a folded header", "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n"],
  ["a header with a NUL", "HTTP/1.1 200 OK\r\nA: b\0\r\n\r\n"],
  ["a head without end", `HTTP/1.1 200 OK\r\nA: ${"b".repeat(headLimit)}`],
  ["a head that is too long", `HTTP/1.1 200 OK\r\nA: ${"b".repeat(headLimit)}\r\n\r\n`],
  ["a length that is no number", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"],
  ["two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"],
  ["an unknown coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"],
  ["a chunk size that is none", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"],
  ["an empty chunk size", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n"],
  ["a chunk size beyond all numbers", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n"],
  ["a chunk that is longer than it says", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n"],
  ["a chunk line without end", `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;${"x".repeat(headLimit)}`],
  ["trailers without end", `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n${"a: b\r\n".repeat(headLimit)}`],
];

describe("what is no HTTP is refused:", () => {
  for (const [name, raw] of broken)
    it(name, () => {
      const bytes = Buffer.from(raw, "latin1");
      const isCorrupt = (error: unknown) => isKind(error, "corrupt") && error.fields.cause !== undefined;
      assert.throws(() => read(bytes, "GET", () => bytes.length), isCorrupt);
      assert.throws(() => read(bytes, "GET", () => 5), isCorrupt);
    });

  it("in requests too", () => {
    const head = encodeHead("GET", "/v1.51/info?a=b", { host: "h" });
    assert.equal(head, "GET /v1.51/info?a=b HTTP/1.1\r\nhost: h\r\n\r\n");
    for (const target of ["", "/a b", "/a\r\nx: y", "/ü"])
      assert.throws(
        () => encodeHead("GET", target, {}),
        (error) => isKind(error, "invalid"),
      );
    for (const [name, value] of [
      ["a b", "c"],
      ["a", "b\r\nc: d"],
      ["a", "€"],
    ] as const)
      assert.throws(
        () => encodeHead("GET", "/", { [name]: value }),
        (error) => isKind(error, "invalid"),
      );
  });
});

/** A server that does with each connection what it is told, and a connection to it. */
async function wire(serve: (socket: Socket) => void): Promise<AsyncDisposable & { readonly socket: Socket }> {
  const sockets = new Set<Socket>();
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    serve(socket);
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const socket = connect({ port: (server.address() as { port: number }).port, host: "127.0.0.1", allowHalfOpen: true });
  return {
    socket,
    [Symbol.asyncDispose]: async () => {
      socket.destroy();
      for (const own of sockets) own.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Sends a request; `freed` becomes true where the connection can be used again. */
function send(socket: Socket, request: Partial<HttpRequest> = {}) {
  const seen = { freed: false };
  const answer = exchange(
    socket,
    { method: "GET", target: "/", headers: {}, ...request },
    {
      free: () => {
        seen.freed = true;
      },
    },
  );
  return { seen, answer };
}

/** Answers with these bytes, all at once, when a request's head has come. */
const answering =
  (raw: string, end = false) =>
  (socket: Socket) =>
    socket.once("data", () => void (end ? socket.end(raw) : socket.write(raw)));

const bodyOf = async ({ answer }: { answer: Promise<HttpAnswer> }) => text((await answer).response);

describe("an exchange", () => {
  it("passes over what is only informational, and frees the connection", async () => {
    await using server = await wire(
      answering(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
      ),
    );
    const sent = send(server.socket);
    assert.equal(await bodyOf(sent), "ok");
    assert.equal(sent.seen.freed, true);
    assert.equal(server.socket.destroyed, false);
  });

  for (const [name, raw] of [
    ["says so", "HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 2\r\n\r\nok"],
    ["speaks HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok"],
    ["sends more than it said", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokay"],
  ] as const)
    it(`closes the connection where the server ${name}`, async () => {
      await using server = await wire(answering(raw));
      const sent = send(server.socket);
      assert.equal(await bodyOf(sent), "ok");
      assert.deepEqual([sent.seen.freed, server.socket.destroyed], [false, true]);
    });

  it("takes the end of the connection as the end of a body without length", async () => {
    await using server = await wire(answering("HTTP/1.1 200 OK\r\n\r\nall of it", true));
    assert.equal(await bodyOf(send(server.socket)), "all of it");
  });

  for (const [name, raw] of [
    ["before the head", ""],
    ["in the head", "HTTP/1.1 200 OK\r\nContent-"],
  ] as const)
    it(`fails where the connection ends ${name}`, async () => {
      await using server = await wire(answering(raw, true));
      await assert.rejects(send(server.socket).answer, UnexpectedEnd);
      assert.equal(server.socket.destroyed, true);
    });

  for (const [name, raw] of [
    ["a length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel"],
    ["chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n"],
  ] as const)
    it(`fails where a body of ${name} breaks off`, async () => {
      await using server = await wire(answering(raw, true));
      await assert.rejects(bodyOf(send(server.socket)), (error) => isKind(error, "unavailable"));
    });

  it("fails where the body is no HTTP", async () => {
    await using server = await wire(answering("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzzz\r\n"));
    await assert.rejects(bodyOf(send(server.socket)), (error) => isKind(error, "corrupt"));
  });

  it("is given up by its signal: before it, before the answer, and in the body", async () => {
    const isCancelled = (error: unknown) => isKind(error, "cancelled");
    {
      await using server = await wire(() => {});
      await assert.rejects(send(server.socket, { signal: AbortSignal.abort() }).answer, isCancelled);
    }
    {
      const abort = new AbortController();
      await using server = await wire((socket) => socket.once("data", () => abort.abort()));
      await assert.rejects(send(server.socket, { signal: abort.signal }).answer, isCancelled);
      assert.equal(server.socket.destroyed, true);
    }
    const abort = new AbortController();
    await using server = await wire(answering("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhel"));
    const { response } = await send(server.socket, { signal: abort.signal }).answer;
    const [first] = await once(response, "data");
    assert.equal(String(first), "hel");
    abort.abort();
    await assert.rejects(once(response, "end"), isCancelled);
    assert.equal(server.socket.destroyed, true);
  });

  it("closes the connection where the reader wants no more", async () => {
    const closed = Promise.withResolvers<void>();
    await using server = await wire((socket) => {
      answering("HTTP/1.1 200 OK\r\n\r\nevent\n")(socket);
      socket.on("end", () => closed.resolve());
    });
    for await (const piece of (await send(server.socket).answer).response) {
      assert.equal(String(piece), "event\n");
      break;
    }
    await closed.promise;
  });
});

describe("a body that is sent", () => {
  /** Everything that the server gets until a request's last chunk, answered then. */
  async function sent(body: HttpRequest["body"], last: string): Promise<string> {
    const got: Buffer[] = [];
    await using server = await wire((socket) =>
      socket.on("data", (bytes) => {
        got.push(bytes);
        if (Buffer.concat(got).toString("latin1").endsWith(last)) socket.write("HTTP/1.1 204 Done\r\n\r\n");
      }),
    );
    const request = send(server.socket, { method: "POST", target: "/x", body });
    await request.answer;
    assert.equal(request.seen.freed, true);
    return Buffer.concat(got).toString("latin1");
  }

  it("has its length in bytes, or comes in chunks", async () => {
    const head = (more: string) => `POST /x HTTP/1.1\r\nconnection: keep-alive\r\n${more}\r\n\r\n`;
    assert.equal(await sent("{ü}", "}"), `${head("content-length: 4")}{\xc3\xbc}`);
    assert.equal(await sent(Buffer.from("abc"), "c"), `${head("content-length: 3")}abc`);
    assert.equal(await sent(undefined, "\r\n\r\n"), head("content-length: 0"));
    assert.equal(
      await sent(Readable.from([Buffer.from("0123456789"), Buffer.alloc(0), "ab"]), "0\r\n\r\n"),
      `${head("transfer-encoding: chunked")}a\r\n0123456789\r\n2\r\nab\r\n0\r\n\r\n`,
    );
  });

  it("waits for a server that does not read, and fails the exchange where it fails itself", async () => {
    await using server = await wire((socket) => socket.pause());
    const piece = Buffer.alloc(1 << 20);
    let taken = 0;
    const stuck = Promise.withResolvers<void>();
    const body = new Readable({
      highWaterMark: 1,
      read() {
        taken++;
        this.push(piece);
        if (server.socket.writableNeedDrain) stuck.resolve();
      },
    });
    const { answer } = send(server.socket, { method: "POST", body });
    await Promise.race([stuck.promise, answer]);
    assert.ok(taken < 64, `${taken} MiB were taken from the body`);
    body.destroy(new Error("disk error"));
    await assert.rejects(answer, /disk error/);
    assert.equal(server.socket.destroyed, true);
  });

  it("is dropped where the answer is whole before it", async () => {
    await using server = await wire(answering("HTTP/1.1 400 Bad\r\nContent-Length: 3\r\n\r\nwhy"));
    const body = new Readable({ read() {} });
    const sent = send(server.socket, { method: "POST", body });
    assert.equal(await bodyOf(sent), "why");
    assert.deepEqual([sent.seen.freed, body.destroyed, server.socket.destroyed], [false, true, true]);
  });
});

it("a body that is long is taken no faster than it is read, and arrives whole", async () => {
  const piece = Buffer.alloc(1 << 20, "0123456789abcdef");
  const total = 48;
  let given = 0;
  const stuck = Promise.withResolvers<void>();
  await using server = await wire((socket) =>
    socket.once("data", async () => {
      socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
      for (; given < total; given++) {
        socket.write("100000\r\n");
        socket.write(piece);
        if (!socket.write("\r\n")) {
          const drained = once(socket, "drain");
          if (given > 16) stuck.resolve();
          await drained;
        }
      }
      socket.write("0\r\n\r\n");
      stuck.resolve();
    }),
  );
  const { seen, answer } = send(server.socket);
  const { response } = await answer;
  await once(response, "readable");
  assert.ok(response.readableLength < 1 << 20, `${response.readableLength} bytes wait`);
  const all = await buffer(response);
  assert.equal(all.length, total << 20);
  assert.ok(all.subarray(-16).equals(piece.subarray(0, 16)));
  assert.equal(seen.freed, true);
});

describe("a connection that is handed over", () => {
  for (const [name, head] of [
    ["by 101", "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"],
    ["by an engine of old", "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\n"],
  ] as const)
    it(`${name} has the bytes that came early, and ends in halves`, async () => {
      let heard = "";
      await using server = await wire((socket) => {
        socket.once("data", () => {
          socket.on("data", (bytes) => (heard += bytes));
          socket.write(`${head}early `);
        });
        socket.on("end", () => socket.end(`heard ${heard}`));
      });
      const { stream } = await send(server.socket, { method: "POST", upgrade: true }).answer;
      // Nobody listens for a while: nothing may be lost.
      await new Promise(setImmediate);
      stream!.end("question");
      assert.equal(await text(stream!), "early heard question");
    });

  it("can still be written to when the other half has ended", async () => {
    const heard = Promise.withResolvers<string>();
    await using server = await wire((socket) =>
      socket.once("data", () => {
        socket.end("HTTP/1.1 101 UPGRADED\r\n\r\nbye");
        text(socket).then(heard.resolve, heard.reject);
      }),
    );
    const { stream } = await send(server.socket, { method: "POST", upgrade: true }).answer;
    assert.equal(await text(stream!), "bye");
    stream!.end("late");
    assert.equal(await heard.promise, "late");
  });

  it("is closed by the signal", async () => {
    const abort = new AbortController();
    await using server = await wire(answering("HTTP/1.1 101 UPGRADED\r\n\r\n"));
    const { stream } = await send(server.socket, { method: "POST", upgrade: true, signal: abort.signal }).answer;
    const read = text(stream!);
    abort.abort();
    await assert.rejects(read, (error) => isKind(error, "cancelled"));
  });
});
