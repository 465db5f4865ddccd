import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer, Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Duplex } from "node:stream";
import { buffer } from "node:stream/consumers";
import { after, afterEach, before, describe, it } from "node:test";
import { promisify } from "node:util";
import { isKind } from "../base/errors.ts";
import { createClient } from "../client/client.ts";
import { type Api, type ApiOptions, createApi } from "./api.ts";
import type { ApiServices } from "./services.ts";
import { fakeServices } from "./testing/fakes.ts";

const run = promisify(execFile);
let dir = "";
before(async () => {
  dir = await mkdtemp(join(tmpdir(), "keelson-listen-"));
});

const opened: Api[] = [];
async function open(services: ApiServices, options?: ApiOptions): Promise<Api> {
  const api = await createApi(services, options);
  opened.push(api);
  return api;
}
afterEach(async () => {
  await Promise.all(opened.splice(0).map((api) => api.close()));
});
after(() => rm(dir, { recursive: true, force: true }));

describe("a unix socket", () => {
  it("is for the owner and the group, and goes with the server", async () => {
    const path = join(dir, "mode.sock");
    const api = await open(fakeServices());
    assert.deepEqual(await api.listen([`unix://${path}`]), [`unix://${path}`]);
    assert.equal((await stat(path)).mode & 0o777, 0o660);
    await api.close();
    await assert.rejects(stat(path), { code: "ENOENT" });
  });

  it("takes the place of one that nobody listens at", async () => {
    const path = join(dir, "stale.sock");
    // A process that dies leaves its socket behind.
    const script = `require("net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`;
    await assert.rejects(run(process.execPath, ["-e", script]));
    assert.ok((await stat(path)).isSocket());
    const api = await open(fakeServices());
    await api.listen([`unix://${path}`]);
    const client = createClient({ host: `unix://${path}` });
    assert.equal((await client.call("GET /version")).Version, "0.1.0");
    client.close();
    await api.close();
  });

  it("leaves another's alone, and a file that is none", async () => {
    const path = join(dir, "taken.sock");
    const other = await open(fakeServices());
    await other.listen([`unix://${path}`]);
    const api = await open(fakeServices());
    await assert.rejects(api.listen([`unix://${path}`]), (error) => isKind(error, "conflict"));
    const client = createClient({ host: `unix://${path}` });
    assert.equal(await client.version(), "1.51");
    client.close();
    await other.close();
    const file = join(dir, "file");
    await writeFile(file, "precious");
    await assert.rejects(api.listen([`unix://${file}`]), (error) => isKind(error, "conflict"));
    assert.equal(await readFile(file, "utf8"), "precious");
    await api.close();
  });

  it("refuses hosts that are none", async () => {
    const api = await open(fakeServices());
    for (const host of ["unix://relative", "fd://", "tcp://", "tcp://a b"])
      await assert.rejects(api.listen([host]), (error) => isKind(error, "invalid") || isKind(error, "system"), host);
    await api.close();
  });
});

describe("several hosts", () => {
  it("are listened at together", async () => {
    const path = join(dir, "both.sock");
    const api = await open(fakeServices());
    const hosts = await api.listen([`unix://${path}`, "tcp://127.0.0.1:0", "tcp://[::1]:0"]);
    assert.match(hosts[1]!, /^tcp:\/\/127\.0\.0\.1:[1-9]\d*$/);
    for (const host of hosts) {
      const client = createClient({ host });
      assert.equal((await client.call("GET /containers/json")).length, 1, host);
      client.close();
    }
    await api.close();
  });

  it("are all or none", async () => {
    const blocker = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => blocker.once("listening", resolve));
    const address = blocker.address();
    assert.ok(blocker instanceof Server && typeof address === "object" && address);
    const path = join(dir, "none.sock");
    const api = await open(fakeServices());
    await assert.rejects(api.listen([`unix://${path}`, `tcp://127.0.0.1:${address.port}`]), /already in use/);
    await assert.rejects(stat(path), { code: "ENOENT" });
    blocker.close();
    await api.close();
  });
});

describe("TLS with certificates on both sides", () => {
  const pem = async (name: string): Promise<string> => readFile(join(dir, name), "utf8");
  before(() => makeCertificates(dir));

  const listen = async () => {
    const echo = (): Duplex => {
      const stream = new Duplex({
        read() {},
        write(chunk, _encoding, done) {
          stream.push(chunk);
          done();
        },
        final(done) {
          stream.push(null);
          done();
        },
      });
      return stream;
    };
    const api = await open(fakeServices({ containers: { attach: async () => ({ stream: echo(), tty: true }) } }), {
      tls: { ca: await pem("ca.pem"), cert: await pem("server.pem"), key: await pem("server.key") },
    });
    const [host] = await api.listen(["tcp://127.0.0.1:0"]);
    return { api, host: host! };
  };

  it("lets a known client in, and hands connections over with their half-closes", async () => {
    const { api, host } = await listen();
    const tls = { ca: await pem("ca.pem"), cert: await pem("client.pem"), key: await pem("client.key") };
    const client = createClient({ host, tls });
    assert.equal((await client.call("GET /version")).Version, "0.1.0");
    const { stream } = await client.hijack("POST /containers/{id}/attach", {
      params: { id: "web" },
      query: { stream: true, stdin: true, stdout: true },
    });
    const sent = Buffer.alloc(1_000_001, "tls");
    const received = buffer(stream);
    stream.end(sent);
    assert.ok((await received).equals(sent));
    client.close();
    await api.close();
  });

  it("keeps a stranger out", async () => {
    const { api, host } = await listen();
    const stranger = createClient({ host, tls: { ca: await pem("ca.pem") } });
    await assert.rejects(stranger.call("GET /version"), (error) => isKind(error, "unavailable"));
    const plain = createClient({ host, version: "1.51" });
    await assert.rejects(plain.call("GET /version"));
    await api.close();
  });
});

/** An authority, and a certificate of its for the server and one for a client. */
async function makeCertificates(folder: string): Promise<void> {
  const openssl = (...args: string[]) => run("openssl", args, { cwd: folder });
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
  await openssl("req", "-x509", ...key, "-subj", "/CN=test authority", "-keyout", "ca.key", "-out", "ca.pem");
  for (const [name, extension] of [
    ["server", "subjectAltName=IP:127.0.0.1"],
    ["client", "extendedKeyUsage=clientAuth"],
  ] as const) {
    const ca = ["-CA", "ca.pem", "-CAkey", "ca.key"];
    const out = ["-keyout", `${name}.key`, "-out", `${name}.pem`];
    await openssl("req", "-x509", ...key, ...ca, "-subj", `/CN=${name}`, "-addext", extension, ...out);
  }
}
