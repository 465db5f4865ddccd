import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { conflict, exhausted, invalid, type KeelsonError, notModified, unavailable } from "../base/errors.ts";
import { endpoints } from "../client/endpoints/index.ts";
import { exec, fakeServices } from "./testing/fakes.ts";
import { image, running } from "./testing/samples.ts";
import { startServer } from "./testing/server.ts";

const params: Readonly<Record<string, string>> = { id: "web", name: "busybox" };
const bodies: Readonly<Record<string, string>> = {
  "/containers/create": '{"Image":"busybox"}',
  "/containers/{id}/exec": '{"Cmd":["true"]}',
  "/exec/{id}/start": '{"Detach":true}',
  "/networks/create": '{"Name":"n"}',
  "/networks/{id}/connect": '{"Container":"web"}',
  "/networks/{id}/disconnect": '{"Container":"web"}',
  "/volumes/create": "{}",
  "/auth": '{"username":"a","password":"b"}',
};
const queries: Readonly<Record<string, string>> = {
  "/containers/{id}/resize": "h=1&w=2",
  "/exec/{id}/resize": "h=1&w=2",
  "/containers/{id}/rename": "name=b",
  "/containers/{id}/logs": "stdout=1",
  "/images/create": "fromImage=busybox&tag=latest",
  "/images/{name}/tag": "repo=x",
  "/events": "until=1",
};

function pathOf(path: string): string {
  const own = { ...params };
  if (path.startsWith("/exec/")) own["id"] = exec.id;
  if (path.startsWith("/networks/")) own["id"] = "bridge";
  if (path.startsWith("/volumes/")) own["name"] = "vol1";
  if (path === "/containers/{id}") own["id"] = "job";
  return path.replace(/\{(\w+)\}/g, (_, name: string) => own[name]!);
}

function everything() {
  const { Readable } = process.getBuiltinModule("node:stream");
  return fakeServices(
    {
      containers: {
        logs: async () => ({ stream: Readable.from(["line\n"]), tty: true }),
        attach: async () => ({ stream: process.getBuiltinModule("node:stream").Duplex.from(["out"]), tty: false }),
      },
      images: {
        pull: async (_op, _reference, { onProgress }) => {
          onProgress?.({ status: "Downloading", id: "abc", current: 1500, total: 3000 });
          onProgress?.({ status: "Status: Downloaded newer image for busybox:latest" });
          return image;
        },
        load: async (_op, archive) => {
          for await (const _ of archive);
          return { loaded: [{ image, name: "busybox:latest" }, { image }] };
        },
      },
    },
    {
      membership: { connect: async () => {}, disconnect: async () => {} },
      login: { login: async () => ({ status: "Login Succeeded", identityToken: "" }) },
    },
  );
}

describe("every endpoint", () => {
  for (const endpoint of endpoints) {
    for (const version of ["1.24", "1.43", "1.51"]) {
      const { method, path } = endpoint;
      it(`${method} /v${version}${path} answers as its schema says`, async () => {
        await using server = await startServer(everything());
        const query = queries[path] ? `?${queries[path]}` : "";
        const answer = await server.fetch(method, `/v${version}${pathOf(path)}${query}`, {
          ...(bodies[path] !== undefined && { body: bodies[path] }),
        });
        const good = Object.keys(endpoint.responses).map(Number);
        assert.ok(good.includes(answer.status), `${answer.status} ${answer.text}`);
      });
    }
  }
});

describe("versions", () => {
  for (const [path, status, message] of [
    [
      "/v1.23/info",
      400,
      "client version 1.23 is too old. Minimum supported API version is 1.24, please upgrade your client to a newer version",
    ],
    [
      "/v1/info",
      400,
      "client version 1 is too old. Minimum supported API version is 1.24, please upgrade your client to a newer version",
    ],
    ["/v1.52/info", 400, "client version 1.52 is too new. Maximum supported API version is 1.51"],
    ["/v9.99/info", 400, "client version 9.99 is too new. Maximum supported API version is 1.51"],
    ["/v1.99/swarm", 400, "client version 1.99 is too new. Maximum supported API version is 1.51"],
    ["/v1.51x/info", 404, "page not found"],
    ["/v1.51/", 404, "page not found"],
    ["/nope", 404, "page not found"],
    ["/v1.51/nope/at/all", 404, "page not found"],
  ] as const) {
    it(`${path}: ${status} ${message}`, async () => {
      await using server = await startServer(fakeServices());
      const answer = await server.fetch("GET", path);
      assert.equal(answer.status, status);
      assert.deepEqual(answer.json, { message });
    });
  }

  it("is in every answer's headers", async () => {
    await using server = await startServer(fakeServices());
    for (const path of ["/_ping", "/v1.30/info", "/containers/nope/json", "/nope"]) {
      const { headers } = await server.fetch("GET", path);
      assert.equal(headers["api-version"], "1.51", path);
      assert.equal(headers["docker-experimental"], "false");
      assert.equal(headers["ostype"], "linux");
      assert.equal(headers["server"], "Keelson/0.1.0 (linux)");
    }
  });

  it("decides which fields an answer has", async () => {
    await using server = await startServer(fakeServices());
    const fields = async (path: string): Promise<object> => (await server.fetch("GET", path)).json as object;
    assert.ok("VirtualSize" in (await fields("/v1.43/images/busybox/json")));
    assert.ok(!("VirtualSize" in (await fields("/v1.44/images/busybox/json"))));
    assert.ok("ContainerConfig" in (await fields("/v1.44/images/busybox/json")));
    assert.ok(!("ContainerConfig" in (await fields("/v1.45/images/busybox/json"))));
    assert.ok("BridgeNfIptables" in (await fields("/v1.49/info")));
    assert.ok(!("BridgeNfIptables" in (await fields("/v1.50/info"))));
  });

  it("decides the defaults of a new container", async () => {
    const services = fakeServices();
    await using server = await startServer(services);
    const hostConfigAt = async (version: string): Promise<unknown> => {
      await server.fetch("POST", `/v${version}/containers/create`, { body: '{"Image":"a"}' });
      return (services.last("create")[0] as { hostConfig: unknown }).hostConfig;
    };
    assert.deepEqual(await hostConfigAt("1.39"), { CgroupnsMode: "host", IpcMode: "shareable" });
    assert.deepEqual(await hostConfigAt("1.40"), { CgroupnsMode: "host" });
    assert.deepEqual(await hostConfigAt("1.41"), {});
  });
});

describe("failures", () => {
  const failing = (error: KeelsonError | Error) =>
    fakeServices({
      containers: {
        start: async () => {
          throw error;
        },
      },
    });
  for (const [error, status] of [
    [conflict("in use"), 409],
    [unavailable("gone"), 503],
    [exhausted("full"), 500],
    [new TypeError("a bug"), 500],
  ] as const) {
    it(`answers ${status} with the message ${error.message}`, async () => {
      await using server = await startServer(failing(error));
      const answer = await server.fetch("POST", "/v1.51/containers/web/start");
      assert.equal(answer.status, status);
      assert.deepEqual(answer.json, { message: error.message });
    });
  }

  it("answers 304 without a body", async () => {
    await using server = await startServer(failing(notModified("already started")));
    const answer = await server.fetch("POST", "/v1.51/containers/web/start");
    assert.equal(answer.status, 304);
    assert.equal(answer.text, "");
  });

  it("names a field that is not the schema's under test", async () => {
    const services = fakeServices({ containers: { top: async () => ({ titles: [1] as never, processes: [] }) } });
    await using server = await startServer(services);
    const answer = await server.fetch("GET", "/v1.51/containers/web/top");
    assert.equal(answer.status, 500);
    assert.match(answer.text, /Titles\/0/);
  });
});

describe("paths of the contract that are not there yet", () => {
  for (const [method, path, what] of [
    ["GET", "/swarm", "swarm mode"],
    ["POST", "/swarm/init", "swarm mode"],
    ["GET", "/nodes", "swarm nodes"],
    ["GET", "/services", "swarm services"],
    ["GET", "/tasks/x", "swarm tasks"],
    ["POST", "/secrets/create", "swarm secrets"],
    ["GET", "/configs", "swarm configs"],
    ["GET", "/plugins", "plugins"],
    ["GET", "/distribution/library/busybox/json", "distribution"],
    ["POST", "/session", "session"],
    ["POST", "/grpc", "grpc"],
    ["POST", "/build", "build"],
    ["POST", "/commit", "commit"],
    ["GET", "/images/search", "image search"],
    ["GET", "/images/get", "image save"],
    ["GET", "/images/a/b:1/get", "image save"],
    ["POST", "/images/a/b/push", "image push"],
    ["HEAD", "/containers/web/archive", ""],
    ["GET", "/containers/web/changes", "container changes"],
    ["GET", "/containers/web/export", "container export"],
    ["GET", "/containers/web/stats", "container stats"],
    ["POST", "/containers/web/update", "container update"],
    ["POST", "/containers/web/pause", "container pause"],
    ["POST", "/containers/web/unpause", "container unpause"],
    ["GET", "/containers/web/attach/ws", "WebSocket"],
    ["PUT", "/volumes/x", "cluster volumes"],
  ] as const) {
    it(`${method} ${path}: 501, by name`, async () => {
      await using server = await startServer(fakeServices());
      const answer = await server.fetch(method, `/v1.51${path}`, { headers: { Upgrade: "h2c" } });
      assert.equal(answer.status, 501);
      assert.ok(answer.text.includes(what), answer.text);
    });
  }

  it("answers 501 where a part of the engine is missing", async () => {
    await using server = await startServer(fakeServices());
    const body = '{"Container":"web"}';
    assert.equal((await server.fetch("POST", "/networks/bridge/connect", { body })).status, 501);
    assert.equal((await server.fetch("POST", "/auth", { body: "{}" })).status, 501);
  });
});

describe("names in paths", () => {
  it("may hold slashes, tags and digests", async () => {
    const services = fakeServices({ images: { resolve: () => image } });
    await using server = await startServer(services);
    for (const name of ["a/b", "host:5000/a/b:1", `a/b@${image.id}`, "json/history", "a%2Fb"]) {
      assert.equal((await server.fetch("GET", `/v1.51/images/${name}/json`)).status, 200, name);
      assert.deepEqual(services.last("resolve"), [decodeURIComponent(name)]);
    }
    await server.fetch("DELETE", "/v1.51/images/a/json");
    assert.equal(services.last("remove")[0], "a/json");
  });

  it("that are not valid are an error of the client", async () => {
    await using server = await startServer(fakeServices());
    const answer = await server.fetch("GET", "/v1.51/containers/%zz/json");
    assert.equal(answer.status, 400);
    assert.ok((answer.json as { message: string }).message.length > 0);
  });
});

describe("requests that are wrong", () => {
  it("are answered though they are not HTTP", async () => {
    await using server = await startServer(fakeServices());
    const raw = await server.raw("GARBAGE\r\n\r\n");
    const answer = await raw.ended();
    assert.match(answer, /^HTTP\/1\.1 400 Bad Request\r\n/);
    assert.match(answer, /\{"message":"malformed HTTP request/);
  });

  it("with a huge body are refused without reading it", async () => {
    await using server = await startServer(fakeServices());
    const raw = await server.raw(
      "POST /containers/create HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\nContent-Length: 99999999999\r\n\r\n{",
    );
    const answer = await raw.ended();
    assert.match(answer, /^HTTP\/1\.1 413 /);
    assert.match(answer, /the limit is \d+ bytes/);
  });

  it("of an upload that fails early are read on, so that the message arrives", async () => {
    const services = fakeServices({
      images: {
        load: async () => {
          throw invalid("not an archive");
        },
      },
    });
    await using server = await startServer(services);
    const size = 20_000_000;
    const raw = await server.raw(`POST /images/load HTTP/1.1\r\nHost: d\r\nContent-Length: ${size}\r\n\r\n`);
    await new Promise((resolve) => raw.socket.write(Buffer.alloc(size), resolve));
    assert.match(await raw.until("not an archive"), /^HTTP\/1\.1 400 /);
    raw.socket.write("GET /_ping HTTP/1.1\r\nHost: d\r\n\r\n");
    await raw.until(/OK$/);
    raw.socket.destroy();
  });

  it("with a method that nobody has are unknown", async () => {
    await using server = await startServer(fakeServices());
    for (const method of ["PROPFIND", "PATCH", "OPTIONS", "PUT"])
      assert.deepEqual((await server.fetch(method, "/info")).json, { message: "page not found" }, method);
  });

  it("with a huge head are refused", async () => {
    await using server = await startServer(fakeServices());
    const raw = await server.raw(`GET /info HTTP/1.1\r\nHost: d\r\nX: ${"x".repeat(300_000)}\r\n\r\n`);
    assert.match(await raw.ended(), /^HTTP\/1\.1 431 /);
  });

  it("do not harm the next one on the connection", async () => {
    await using server = await startServer(fakeServices());
    const raw = await server.raw(
      "POST /containers/create HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\nContent-Length: 1\r\n\r\n{" +
        "GET /_ping HTTP/1.1\r\nHost: d\r\n\r\n",
    );
    const answer = await raw.until(/OK$/);
    assert.match(answer, /^HTTP\/1\.1 400 /);
    assert.match(answer, /HTTP\/1\.1 200 /);
    raw.socket.destroy();
  });
});

describe("a container's endpoints", () => {
  it("pass on what was asked", async () => {
    const services = fakeServices();
    await using server = await startServer(services);
    await server.fetch("POST", "/v1.51/containers/web/stop?t=3&signal=INT");
    assert.deepEqual(services.last("stop"), ["web", { signal: "INT", timeout: 3 }]);
    await server.fetch("POST", "/v1.41/containers/web/stop?t=3&signal=INT");
    assert.deepEqual(services.last("stop"), ["web", { timeout: 3 }]);
    await server.fetch("DELETE", "/v1.51/containers/web?v=true&force=0");
    assert.deepEqual(services.last("remove"), ["web", { force: false, volumes: true }]);
    await server.fetch("POST", "/v1.51/containers/create?name=x&platform=linux/arm64", {
      body: '{"image":"a","hostconfig":{"binds":["/a:/b"],"AutoRemove":null},"NetworkingConfig":{"EndpointsConfig":{"n":null}}}',
    });
    assert.deepEqual(services.last("create"), [
      {
        name: "x",
        platform: { os: "linux", architecture: "arm64" },
        config: { Image: "a" },
        hostConfig: { Binds: ["/a:/b"] },
        networkingConfig: { EndpointsConfig: { n: {} } },
      },
    ]);
  });

  it("move a container-wide MAC address to its network", async () => {
    const services = fakeServices();
    await using server = await startServer(services);
    const body = '{"Image":"a","MacAddress":"02:00:00:00:00:01"}';
    const old = await server.fetch("POST", "/v1.43/containers/create", { body });
    assert.deepEqual(old.json, { Id: running.id, Warnings: [] });
    const { config, networkingConfig } = services.last("create")[0] as Record<string, unknown>;
    assert.deepEqual(config, { Image: "a" });
    assert.deepEqual(networkingConfig, { EndpointsConfig: { bridge: { MacAddress: "02:00:00:00:00:01" } } });
    const recent = await server.fetch("POST", "/v1.44/containers/create", { body });
    assert.match(recent.text, /MacAddress field is now deprecated/);
  });

  it("show sizes only where they were asked for", async () => {
    await using server = await startServer(fakeServices());
    assert.ok(!("SizeRw" in ((await server.fetch("GET", "/containers/web/json")).json as object)));
    assert.ok("SizeRw" in ((await server.fetch("GET", "/containers/web/json?size=1")).json as object));
  });
});
