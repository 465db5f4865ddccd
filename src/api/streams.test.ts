import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { Readable } from "node:stream";
import { describe, it } from "node:test";
import { invalid } from "../base/errors.ts";
import { EventBus } from "../base/events.ts";
import type { Operation } from "../base/operation.ts";
import { withProgress } from "./progress-stream.ts";
import { fakeServices } from "./testing/fakes.ts";
import { image } from "./testing/samples.ts";
import { startServer } from "./testing/server.ts";

const aborted = (op: Operation): Promise<unknown> => (op.signal.aborted ? Promise.resolve() : once(op.signal, "abort"));

describe("events", () => {
  it("are replayed, then follow as they come", async () => {
    const events = new EventBus();
    events.emit("container", "create", "c1", { image: "busybox", name: "web" });
    await using server = await startServer(fakeServices({}, { events }));
    const lines = await server.client.lines("GET /events", { query: { since: "1" } });
    const { value: first } = await lines.next();
    assert.equal(first.Action, "create");
    assert.equal(first.status, "create");
    assert.equal(first.id, "c1");
    assert.equal(first.from, "busybox");
    events.emit("network", "connect", "n1", { name: "net", container: "c1" });
    const { value: second } = await lines.next();
    assert.deepEqual(Object.keys(second), ["Type", "Action", "Actor", "scope", "time", "timeNano"]);
    await lines.return?.();
  });

  it("are written with all digits of their time", async () => {
    const events = new EventBus();
    events.emit("volume", "create", "v");
    events.emit("volume", "create", "w");
    await using server = await startServer(fakeServices({}, { events }));
    const raw = await server.raw("GET /events?since=0 HTTP/1.1\r\nHost: d\r\n\r\n");
    const got = await raw.until(/"ID":"w"[^\n]*\n/);
    const nano = events.replay()[1]!.timeNano;
    assert.ok(got.includes(`"timeNano":${nano}}`), got);
    raw.socket.destroy();
  });

  it("send their head before anything happens", async () => {
    await using server = await startServer(fakeServices());
    const raw = await server.raw("GET /v1.51/events HTTP/1.1\r\nHost: d\r\n\r\n");
    assert.match(await raw.until("\r\n\r\n"), /^HTTP\/1\.1 200 OK/);
    raw.socket.destroy();
  });

  it("end at `until`, now or later", async () => {
    const events = new EventBus();
    events.emit("image", "pull", "busybox:latest");
    await using server = await startServer(fakeServices({}, { events }));
    const past = await server.fetch("GET", `/events?until=${Date.now() / 1000}`);
    assert.equal(past.status, 200);
    const soon = await server.fetch("GET", `/events?since=0&until=${(Date.now() + 150) / 1000}`);
    assert.match(soon.text, /"Action":"pull"/);
    assert.equal(server.api.operations().length, 0);
  });

  for (const [filter, wanted] of [
    [{ type: ["network"] }, ["n:connect"]],
    [{ container: ["web"] }, ["c1:create", "c1:exec_create: sh", "c1:die"]],
    [{ container: ["c1"], event: ["die"] }, ["c1:die"]],
    [{ event: ["exec_create"] }, ["c1:exec_create: sh"]],
    [{ image: ["busybox"] }, ["c1:create", "c1:exec_create: sh", "c1:die", "busybox:latest:pull"]],
    [{ label: ["tier=front"] }, ["c1:create"]],
    [{ volume: ["v"] }, ["v:mount"]],
    [{ scope: ["swarm"] }, []],
    [{ daemon: ["x"] }, []],
  ] as const) {
    it(`are picked by ${JSON.stringify(filter)}`, async () => {
      const events = new EventBus();
      events.emit("container", "create", "c1", { name: "web", image: "busybox:latest", tier: "front" });
      events.emit("container", "exec_create: sh", "c1", { name: "web", image: "busybox:latest" });
      events.emit("network", "connect", "n", { name: "net" });
      events.emit("volume", "mount", "v", { container: "c1" });
      events.emit("image", "pull", "busybox:latest", { name: "busybox:latest" });
      events.emit("container", "die", "c1", { name: "web", image: "busybox:latest" });
      await using server = await startServer(fakeServices({}, { events }));
      const query = `until=${(Date.now() + 1) / 1000}&filters=${encodeURIComponent(JSON.stringify(filter))}`;
      const answer = await server.fetch("GET", `/events?${query}`);
      const found = answer.text
        .split("\n")
        .filter(Boolean)
        .map((line) => JSON.parse(line) as { Actor: { ID: string }; Action: string });
      const sorted = [...wanted].sort();
      assert.deepEqual(found.map(({ Actor, Action }) => `${Actor.ID}:${Action}`).sort(), sorted);
    });
  }

  it("refuse times that are none", async () => {
    await using server = await startServer(fakeServices());
    assert.equal((await server.fetch("GET", "/events?since=x")).status, 400);
    const answer = await server.fetch("GET", "/events?since=5&until=3");
    assert.deepEqual(answer.json, { message: "`since` time (5) cannot be after `until` time (3)" });
  });

  it("stop listening when the client vanishes", async () => {
    const events = new EventBus();
    await using server = await startServer(fakeServices({}, { events }));
    const raw = await server.raw("GET /events HTTP/1.1\r\nHost: d\r\n\r\n");
    await raw.until("\r\n\r\n");
    const [op] = server.api.operations();
    raw.socket.destroy();
    await aborted(op!);
    await until(() => server.api.operations().length === 0);
  });
});

describe("wait", () => {
  it("sends its head at once and its body at the end", async () => {
    let exit = (_: { exitCode: number }): void => {};
    const services = fakeServices({
      containers: {
        wait: () =>
          new Promise((resolve) => {
            exit = resolve;
          }),
      },
    });
    await using server = await startServer(services);
    const raw = await server.raw("POST /v1.51/containers/web/wait?condition=next-exit HTTP/1.1\r\nHost: d\r\n\r\n");
    assert.match(await raw.until("\r\n\r\n"), /^HTTP\/1\.1 200 OK/);
    assert.equal(services.last("wait")[1], "next-exit");
    exit({ exitCode: 7 });
    assert.match(await raw.until("0\r\n\r\n"), /\{"StatusCode":7\}\n/);
    raw.socket.destroy();
  });

  it("refuses what is no condition, and an unknown container, before its head", async () => {
    await using server = await startServer(fakeServices());
    const bad = await server.fetch("POST", "/containers/web/wait?condition=foo");
    assert.deepEqual([bad.status, bad.json], [400, { message: 'invalid condition: "foo"' }]);
    assert.equal((await server.fetch("POST", "/containers/nope/wait")).status, 404);
  });

  it("gives up when the client vanishes", async () => {
    const services = fakeServices({
      containers: { wait: (op) => aborted(op).then(() => Promise.reject(new Error("gone"))) },
    });
    await using server = await startServer(services);
    const raw = await server.raw("POST /containers/web/wait HTTP/1.1\r\nHost: d\r\n\r\n");
    await raw.until("\r\n\r\n");
    raw.socket.destroy();
    await until(() => server.api.operations().length === 0);
  });
});

describe("logs", () => {
  it("pass on what was asked", async () => {
    const services = fakeServices({
      containers: { logs: async () => ({ stream: Readable.from(["a"]), tty: false }) },
    });
    await using server = await startServer(services);
    const answer = await server.fetch(
      "GET",
      "/v1.51/containers/web/logs?stdout=1&tail=5&since=10.5&until=0&timestamps=true",
    );
    assert.equal(answer.headers["content-type"], "application/vnd.docker.multiplexed-stream");
    assert.equal(answer.text, "a");
    assert.deepEqual(services.last("logs"), [
      "web",
      {
        stdout: true,
        stderr: false,
        follow: false,
        timestamps: true,
        details: false,
        tail: 5,
        since: 10_500_000_000n,
      },
    ]);
    const old = await server.fetch("GET", "/v1.41/containers/web/logs?stderr=1&tail=all");
    assert.equal(old.headers["content-type"], "application/vnd.docker.raw-stream");
  });

  it("need a stream", async () => {
    await using server = await startServer(fakeServices());
    const answer = await server.fetch("GET", "/containers/web/logs");
    assert.deepEqual(answer.json, { message: "Bad parameters: you must choose at least one stream" });
  });

  it("hold back for a slow reader, and stop when it vanishes", async () => {
    let pushed = 0;
    const endless = new Readable({
      read() {
        pushed += 65536;
        this.push(Buffer.alloc(65536));
      },
    });
    const services = fakeServices({ containers: { logs: async () => ({ stream: endless, tty: true }) } });
    await using server = await startServer(services);
    const socket = connect({ path: server.path });
    await once(socket, "connect");
    socket.pause();
    socket.write("GET /containers/web/logs?stdout=1&follow=1 HTTP/1.1\r\nHost: d\r\n\r\n");
    let before = -1;
    await until(() => {
      const still = pushed > 0 && pushed === before;
      before = pushed;
      return still;
    });
    assert.ok(pushed < 4 * 1024 * 1024, `${pushed} bytes were read ahead`);
    socket.destroy();
    await until(() => endless.destroyed);
    await aborted(services.asked.find(({ name }) => name === "logs")!.op!);
  });

  it("send their head though there is no line yet", async () => {
    const silent = new Readable({ read() {} });
    const services = fakeServices({ containers: { logs: async () => ({ stream: silent, tty: true }) } });
    await using server = await startServer(services);
    const response = await server.client.raw("GET /containers/{id}/logs", {
      params: { id: "web" },
      query: { stdout: true, follow: true },
    });
    assert.equal(response.statusCode, 200);
    response.destroy();
    await until(() => silent.destroyed);
  });
});

describe("a pull", () => {
  it("sends lines of progress", async () => {
    const services = fakeServices({
      images: {
        pull: async (_op, _reference, { onProgress }) => {
          onProgress?.({ status: "Pulling fs layer", id: "abc" });
          onProgress?.({ status: "Downloading", id: "abc", current: 1_500_000, total: 3_000_000 });
          onProgress?.({ status: "Digest: sha256:x" });
          return image;
        },
      },
    });
    await using server = await startServer(services);
    const answer = await server.fetch("POST", "/images/create?fromImage=busybox&tag=1.36&platform=linux/amd64", {
      headers: { "X-Registry-Auth": Buffer.from('{"username":"a","password":"b"}').toString("base64") },
    });
    assert.deepEqual(answer.json, [
      { status: "Pulling fs layer", progressDetail: {}, id: "abc" },
      {
        status: "Downloading",
        progressDetail: { current: 1_500_000, total: 3_000_000 },
        progress: `[=========================>${" ".repeat(24)}]    1.5MB/3MB`,
        id: "abc",
      },
      { status: "Digest: sha256:x" },
    ]);
    const [reference, options] = services.last("pull") as [string, Record<string, unknown>];
    assert.equal(reference, "busybox:1.36");
    assert.deepEqual(options["credentials"], { username: "a", password: "b" });
    assert.deepEqual(options["platform"], { os: "linux", architecture: "amd64" });
    assert.equal(options["allTags"], false);
  });

  for (const [query, reference, all] of [
    ["fromImage=a/b", "a/b", true],
    ["fromImage=h:5000/b", "h:5000/b", true],
    ["fromImage=a:", "a", true],
    ["fromImage=a:1", "a:1", false],
    [`fromImage=a&tag=${image.id}`, `a@${image.id}`, false],
  ] as const) {
    it(`of ${query} asks for ${reference}`, async () => {
      const services = fakeServices({ images: { pull: async () => image } });
      await using server = await startServer(services);
      await server.fetch("POST", `/images/create?${query}`);
      const [asked, options] = services.last("pull") as [string, Record<string, unknown>];
      assert.deepEqual([asked, options["allTags"]], [reference, all]);
    });
  }

  it("that fails at once has its own status; later it is a line", async () => {
    const fail = (after: number) =>
      fakeServices({
        images: {
          pull: async (_op, _reference, { onProgress }) => {
            for (let i = 0; i < after; i++) onProgress?.({ status: "Waiting" });
            throw invalid("invalid reference format");
          },
        },
      });
    await using early = await startServer(fail(0));
    const first = await early.fetch("POST", "/images/create?fromImage=BAD");
    assert.deepEqual([first.status, first.json], [400, { message: "invalid reference format" }]);
    await using late = await startServer(fail(1));
    const second = await late.fetch("POST", "/images/create?fromImage=BAD");
    assert.equal(second.status, 200);
    assert.deepEqual((second.json as object[])[1], {
      errorDetail: { message: "invalid reference format" },
      error: "invalid reference format",
    });
  });

  it("is aborted when the client vanishes", async () => {
    const services = fakeServices({
      images: {
        pull: async (op, _reference, { onProgress }) => {
          onProgress?.({ status: "Downloading" });
          await aborted(op);
          op.check();
          return image;
        },
      },
    });
    await using server = await startServer(services);
    const raw = await server.raw("POST /images/create?fromImage=a HTTP/1.1\r\nHost: d\r\n\r\n");
    await raw.until("Downloading");
    raw.socket.destroy();
    await until(() => server.api.operations().length === 0);
  });

  it("keeps the newest line of a layer for a slow reader", async () => {
    const lines = withProgress<number>(async (put) => {
      for (let i = 0; i < 1000; i++) put(i, "layer");
      put(-1);
    });
    assert.deepEqual(await collect(lines), [999, -1]);
  });
});

describe("archives", () => {
  it("are loaded and named", async () => {
    let got = "";
    const services = fakeServices({
      images: {
        load: async (_op, archive) => {
          for await (const chunk of archive) got += String(chunk);
          return { loaded: [{ image, name: "busybox:latest" }, { image }] };
        },
      },
    });
    await using server = await startServer(services);
    const lines = await server.client.lines("POST /images/load", { body: Readable.from(["ab", "cd"]) });
    assert.deepEqual(await collect(lines), [
      { stream: "Loaded image: busybox:latest\n" },
      { stream: `Loaded image ID: ${image.id}\n` },
    ]);
    assert.equal(got, "abcd");
  });

  it("are imported with their changes", async () => {
    const services = fakeServices({
      images: {
        import: async (_op, archive) => {
          for await (const _ of archive);
          return image;
        },
      },
    });
    await using server = await startServer(services);
    const answer = await server.fetch(
      "POST",
      "/images/create?fromSrc=-&repo=a&tag=1&message=m&changes=CMD+x&changes=USER+y",
      {
        body: "tar",
        headers: { "Content-Type": "application/x-tar" },
      },
    );
    assert.deepEqual(answer.json, { status: image.id });
    assert.deepEqual(services.last("import")[1], { reference: "a:1", changes: ["CMD x", "USER y"], message: "m" });
  });

  it("whose client vanishes midway end in an error", async () => {
    const failed = Promise.withResolvers<unknown>();
    const services = fakeServices({
      images: {
        load: async (_op, archive) => {
          try {
            for await (const _ of archive);
          } catch (error) {
            failed.resolve(error);
            throw error;
          }
          return { loaded: [] };
        },
      },
    });
    await using server = await startServer(services);
    const raw = await server.raw("POST /images/load HTTP/1.1\r\nHost: d\r\nContent-Length: 1000\r\n\r\nhalf");
    raw.socket.destroy();
    assert.ok((await failed.promise) instanceof Error);
  });
});

async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const value of source) all.push(value);
  return all;
}

async function until(test: () => boolean): Promise<void> {
  const deadline = Date.now() + 5000;
  while (!test()) {
    assert.ok(Date.now() < deadline, "the condition did not come to hold");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
