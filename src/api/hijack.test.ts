import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { Duplex } from "node:stream";
import { buffer, text } from "node:stream/consumers";
import { describe, it } from "node:test";
import { invalid, notFound } from "../base/errors.ts";
import type { ExecStartOptions } from "../containers/containers.ts";
import { exec, fakeServices } from "./testing/fakes.ts";
import { openRaw, startServer } from "./testing/server.ts";

/** A process like `cat`: echoes its input, says goodbye at its end, and tells what became of its client. */
class Cat extends Duplex {
  input = "";
  readonly closed_ = once(this, "close");

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.input += chunk.toString();
    this.push(chunk);
    done();
  }

  override _final(done: () => void): void {
    this.push("bye");
    this.push(null);
    done();
  }
}

const upgrade = "Connection: Upgrade\r\nUpgrade: tcp\r\n";
const attachPath = "/containers/web/attach?stream=1&stdin=1&stdout=1";

function withCat(tty = false) {
  const cat = new Cat();
  const services = fakeServices({
    containers: {
      attach: async () => ({ stream: cat, tty }),
      execStart: async (_op, _id, options: ExecStartOptions) => (options.detach ? { tty } : { stream: cat, tty }),
    },
  });
  return { cat, services };
}

describe("a connection that is taken over", () => {
  it("is upgraded, carries input and output, and passes both half-closes", async () => {
    const { services } = withCat();
    await using server = await startServer(services);
    const raw = await server.raw(`POST /v1.51${attachPath} HTTP/1.1\r\nHost: d\r\n${upgrade}\r\n`);
    const head = await raw.until("\r\n\r\n");
    assert.match(head, /^HTTP\/1\.1 101 UPGRADED\r\nContent-Type: application\/vnd\.docker\.multiplexed-stream\r\n/);
    assert.match(head, /\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n/);
    raw.socket.write("hello ");
    await raw.until("hello ");
    raw.socket.end();
    assert.ok((await raw.ended()).endsWith("hello bye"));
  });

  it("is raw without an upgrade", async () => {
    const { services } = withCat();
    await using server = await startServer(services);
    const raw = await server.raw(`POST /v1.51${attachPath} HTTP/1.1\r\nHost: d\r\n\r\n`);
    assert.match(
      await raw.until("\r\n\r\n"),
      /^HTTP\/1\.1 200 OK\r\nContent-Type: application\/vnd\.docker\.raw-stream\r\n/,
    );
    raw.socket.end("POST /looks/like/http HTTP/1.1\r\n\r\n");
    assert.ok((await raw.ended()).endsWith("POST /looks/like/http HTTP/1.1\r\n\r\nbye"));
  });

  for (const [version, tty, type] of [
    ["1.51", true, "raw"],
    ["1.42", false, "multiplexed"],
    ["1.41", false, "raw"],
  ] as const) {
    it(`of ${version}, ${tty ? "with" : "without"} a terminal, is a ${type} stream`, async () => {
      const { services } = withCat(tty);
      await using server = await startServer(services);
      const raw = await server.raw(`POST /v${version}${attachPath} HTTP/1.1\r\nHost: d\r\n${upgrade}\r\n`);
      assert.match(await raw.until("\r\n\r\n"), new RegExp(`application/vnd\\.docker\\.${type}-stream`));
      raw.socket.destroy();
    });
  }

  it("reads exec start's body before it becomes the process's", async () => {
    const { cat, services } = withCat();
    await using server = await startServer(services);
    const body = '{"Detach":false,"Tty":false,"ConsoleSize":[24,80]}';
    const raw = await server.raw(
      `POST /v1.51/exec/${exec.id}/start HTTP/1.1\r\nHost: d\r\n${upgrade}` +
        `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    await raw.until("\r\n\r\n");
    raw.socket.end("in");
    assert.ok((await raw.ended()).endsWith("inbye"));
    assert.equal(cat.input, "in");
    assert.deepEqual(services.last("execStart"), [
      exec.id,
      { detach: false, tty: false, size: { height: 24, width: 80 } },
    ]);
  });

  it("reads a chunked body, too", async () => {
    const { services } = withCat();
    await using server = await startServer(services);
    const raw = await server.raw(
      `POST /exec/${exec.id}/start HTTP/1.1\r\nHost: d\r\n${upgrade}` +
        "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    );
    await raw.until("\r\n\r\n");
    raw.socket.end("x");
    assert.ok((await raw.ended()).endsWith("xbye"));
  });

  it("answers a failure as JSON and closes", async () => {
    const services = fakeServices({
      containers: {
        attach: async () => {
          throw notFound("No such container: nope");
        },
      },
    });
    await using server = await startServer(services);
    const raw = await server.raw(`POST /containers/nope/attach?stream=1 HTTP/1.1\r\nHost: d\r\n${upgrade}\r\n`);
    const answer = await raw.ended();
    assert.match(answer, /^HTTP\/1\.1 404 Not Found\r\n/);
    assert.ok(answer.endsWith('\r\n\r\n{"message":"No such container: nope"}\n'));
  });

  for (const [tty, said] of [
    [false, "\x01\0\0\0\0\0\0\x14no such executable\r\n"],
    [true, "no such executable\r\n"],
  ] as const) {
    it(`tells in the stream why a process ${tty ? "with a terminal " : ""}did not start`, async () => {
      const services = fakeServices({
        containers: {
          execGet: () => ({ ...exec, config: { ...exec.config, Tty: tty } }),
          execStart: async () => {
            throw invalid("no such executable", { exitCode: 127 });
          },
        },
      });
      await using server = await startServer(services);
      const raw = await server.raw(`POST /exec/${exec.id}/start HTTP/1.1\r\nHost: d\r\n${upgrade}\r\n`);
      const answer = await raw.ended();
      assert.match(answer, /^HTTP\/1\.1 101 UPGRADED\r\n/);
      assert.equal(answer.slice(answer.indexOf("\r\n\r\n") + 4), said);
      await until(() => server.api.operations().length === 0);
      const detached = await server.fetch("POST", `/exec/${exec.id}/start`, { body: '{"Detach":true}' });
      assert.deepEqual([detached.status, detached.json], [400, { message: "no such executable" }]);
    });
  }

  it("stays HTTP for a detached exec", async () => {
    const { services } = withCat();
    await using server = await startServer(services);
    const answer = await server.fetch("POST", `/v1.51/exec/${exec.id}/start`, { body: '{"Detach":true}' });
    assert.equal(answer.status, 200);
    assert.equal(answer.text, "");
  });

  it("lets go of the process when the client vanishes", async () => {
    const { cat, services } = withCat();
    await using server = await startServer(services);
    const raw = await server.raw(`POST ${attachPath} HTTP/1.1\r\nHost: d\r\n${upgrade}\r\n`);
    await raw.until("\r\n\r\n");
    assert.equal(server.api.operations().length, 1);
    const { op } = services.asked.find(({ name }) => name === "attach")!;
    raw.socket.destroy();
    cat.push("x".repeat(1 << 20));
    await cat.closed_;
    assert.equal(op!.signal.aborted, true);
  });

  for (const how of ["at once", "after the end of its input"]) {
    it(`lets go of a silent process when the client vanishes ${how}`, async () => {
      const silent = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
      const attach = async () => ({ stream: silent, tty: true });
      await using server = await startServer(fakeServices({ containers: { attach } }));
      const raw = await server.raw(`POST ${attachPath} HTTP/1.1\r\nHost: d\r\n${upgrade}\r\n`);
      await raw.until("\r\n\r\n");
      if (how !== "at once") {
        raw.socket.end();
        await once(silent, "finish");
        silent.push("still there");
        await raw.until("still there");
      }
      raw.socket.destroy();
      await until(() => silent.destroyed && server.api.operations().length === 0);
    });
  }

  it("gives a client that closes both sides its operation's end", async () => {
    const { services } = withCat();
    await using server = await startServer(services);
    const raw = await server.raw(`POST ${attachPath} HTTP/1.1\r\nHost: d\r\n${upgrade}\r\n`);
    await raw.until("\r\n\r\n");
    raw.socket.end();
    await raw.ended();
    await until(() => server.api.operations().length === 0);
  });

  it("holds a process back whose client does not read", async () => {
    let pushed = 0;
    const chunk = Buffer.alloc(64 * 1024, "x");
    const yes = new Duplex({
      read() {
        pushed += chunk.length;
        this.push(chunk);
      },
      write: (_chunk, _encoding, done) => done(),
    });
    await using server = await startServer(
      fakeServices({ containers: { attach: async () => ({ stream: yes, tty: true }) } }),
    );
    const socket = connect({ path: server.path });
    await once(socket, "connect");
    socket.pause();
    socket.write(`POST ${attachPath} HTTP/1.1\r\nHost: d\r\n${upgrade}\r\n`);
    let before = -1;
    await until(() => {
      const still = pushed > 0 && pushed === before;
      before = pushed;
      return still;
    });
    assert.ok(pushed < 4 * 1024 * 1024, `${pushed} bytes were taken from the process`);
    socket.destroy();
    await once(yes, "close");
  });

  it("works with the client's own hijack", async () => {
    const { services } = withCat();
    await using server = await startServer(services);
    const { stream, multiplexed } = await server.client.hijack("POST /containers/{id}/attach", {
      params: { id: "web" },
      query: { stream: true, stdin: true, stdout: true },
    });
    assert.equal(multiplexed, true);
    stream.end("hi ");
    assert.equal(await text(stream), "hi bye");
  });

  it("carries megabytes both ways without loss", async () => {
    const { services } = withCat();
    await using server = await startServer(services);
    const { stream } = await server.client.hijack("POST /containers/{id}/attach", {
      params: { id: "web" },
      query: { stream: true, stdin: true, stdout: true },
    });
    const sent = Buffer.alloc(3_000_001, "abcdefg");
    const received = buffer(stream);
    stream.end(sent);
    assert.ok((await received).equals(Buffer.concat([sent, Buffer.from("bye")])));
  });

  it("leaves other requests of the server alone", async () => {
    const { services } = withCat();
    await using server = await startServer(services);
    const raw = await server.raw(`POST ${attachPath} HTTP/1.1\r\nHost: d\r\n${upgrade}\r\n`);
    await raw.until("\r\n\r\n");
    const other = await openRaw(connect({ path: server.path }), "GET /_ping HTTP/1.1\r\nHost: d\r\n\r\n");
    assert.ok((await other.until("OK")).startsWith("HTTP/1.1 200"));
    other.socket.destroy();
    raw.socket.destroy();
  });
});

async function until(test: () => boolean): Promise<void> {
  const deadline = Date.now() + 5000;
  while (!test()) {
    assert.ok(Date.now() < deadline, "the condition did not come to hold");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
