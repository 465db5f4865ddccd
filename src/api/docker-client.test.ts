import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { Duplex, Readable } from "node:stream";
import { describe, it } from "node:test";
import { notFound } from "../base/errors.ts";
import { fakeServices } from "./testing/fakes.ts";
import { image, running } from "./testing/samples.ts";
import { startServer } from "./testing/server.ts";

/** The real docker client against the API: what it prints is what our answers mean to it. */
const version = clientVersion();
const skip = version === undefined ? "there is no docker client on the PATH" : false;

function clientVersion(): string | undefined {
  try {
    return execFileSync("docker", ["--version"], { encoding: "utf8" });
  } catch {
    return undefined;
  }
}

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function docker(services: ReturnType<typeof fakeServices>, args: readonly string[], input = ""): Promise<Ran> {
  await using server = await startServer(services);
  const env = { ...process.env, DOCKER_HOST: server.host, DOCKER_CONFIG: "/nonexistent" };
  return await new Promise((resolve) => {
    const child = execFile("docker", [...args], { env, timeout: 20_000 }, (error, out, err) =>
      resolve({ code: error ? Number(error.code ?? -1) : 0, out, err }),
    );
    child.stdin?.end(input);
  });
}

const frame = (stream: number, text: string): Buffer => {
  const head = Buffer.alloc(8);
  head[0] = stream;
  head.writeUInt32BE(Buffer.byteLength(text), 4);
  return Buffer.concat([head, Buffer.from(text)]);
};

/** A process that answers its whole input in capitals, framed as output, and complains on stderr. */
function shouter(): Duplex {
  let input = "";
  return new Duplex({
    read() {},
    write(chunk, _encoding, done) {
      input += String(chunk);
      done();
    },
    final(done) {
      this.push(frame(1, input.toUpperCase()));
      this.push(frame(2, "oh\n"));
      this.push(null);
      done();
    },
  });
}

describe("the docker client", { skip }, () => {
  it("shows versions", async () => {
    const { out } = await docker(fakeServices(), ["version", "--format", "{{.Server.Version}} {{.Server.APIVersion}}"]);
    assert.equal(out, "0.1.0 1.51\n");
  });

  it("lists containers", async () => {
    const format = "{{.Names}}|{{.Command}}|{{.Ports}}|{{.State}}";
    const { out } = await docker(fakeServices(), ["ps", "-a", "--no-trunc", "--format", format]);
    assert.equal(
      // Clients before 23 print an IPv6 address without brackets.
      out.replace(" :::8080", " [::]:8080"),
      `web|"httpd -f -h '/a b'"|81/tcp, 0.0.0.0:8080->80/tcp, [::]:8080->80/tcp|running\njob|"false"||exited\n`,
    );
  });

  it("inspects", async () => {
    const format = "{{.Name}} {{.NetworkSettings.IPAddress}} {{.HostConfig.ShmSize}} {{json .Args}}";
    const { out } = await docker(fakeServices(), ["inspect", "--format", format, "web"]);
    assert.equal(out, '/web 172.17.0.2 67108864 ["-f","-h","/a b"]\n');
    const missing = await docker(
      fakeServices({
        images: {
          resolve: () => {
            throw notFound("No such image: nope:latest");
          },
        },
      }),
      ["container", "inspect", "nope"],
    );
    assert.equal(missing.code, 1);
    assert.match(missing.err, /No such container: nope/);
  });

  it("says of what nobody knows that there is no such object", async () => {
    const gone = (): never => {
      throw notFound("not found");
    };
    const services = fakeServices({ images: { resolve: gone }, networks: { get: gone } });
    const { code, err } = await docker(services, ["inspect", "nope"]);
    assert.deepEqual([code, err], [1, "Error: No such object: nope\n"]);
  });

  it("runs a container: create, attach, wait, start, in that order", async () => {
    const services = fakeServices({ containers: { attach: async () => ({ stream: shouter(), tty: false }) } });
    const { code, out, err } = await docker(services, ["run", "-i", "--name", "x", "busybox", "cat"], "hello\n");
    assert.equal(out, "HELLO\n");
    assert.equal(err, "oh\n");
    assert.equal(code, 3);
    const order = services.asked.map(({ name }) => name).filter((name) => name !== "get");
    assert.deepEqual(order.slice(0, 4), ["create", "attach", "wait", "start"]);
    const [request] = services.last("create") as [{ config: { Cmd: string[] }; name: string }];
    assert.deepEqual([request.name, request.config.Cmd], ["x", ["cat"]]);
  });

  it("executes in a container", async () => {
    const services = fakeServices({
      containers: {
        execStart: async () => ({ stream: shouter(), tty: false }),
        execGet: () => ({
          id: "e",
          containerId: running.id,
          config: { Cmd: ["cat"], AttachStdin: true },
          running: false,
          exitCode: 5,
          pid: 0,
        }),
      },
    });
    const { code, out } = await docker(services, ["exec", "-i", "web", "cat"], "hi");
    assert.deepEqual([code, out], [5, "HI"]);
  });

  it("follows logs", async () => {
    const logs = async () => ({ stream: Readable.from([frame(1, "one\n"), frame(2, "two\n")]), tty: false });
    const { out, err } = await docker(fakeServices({ containers: { logs } }), ["logs", "-f", "--tail", "2", "web"]);
    assert.deepEqual([out, err], ["one\n", "two\n"]);
  });

  it("pulls, loads and imports", async () => {
    const drain = async (archive: AsyncIterable<unknown>): Promise<void> => {
      for await (const _ of archive);
    };
    const services = fakeServices({
      images: {
        pull: async (_op, _reference, { onProgress }) => {
          onProgress?.({ status: "Pulling from library/busybox", id: "latest" });
          onProgress?.({ status: "Status: Downloaded newer image for busybox:latest" });
          return image;
        },
        load: async (_op, archive) => {
          await drain(archive);
          return { loaded: [{ image, name: "busybox:latest" }] };
        },
        import: async (_op, archive) => {
          await drain(archive);
          return image;
        },
      },
    });
    const pulled = await docker(services, ["pull", "busybox"]);
    assert.match(pulled.out, /^Using default tag: latest\nlatest: Pulling from library\/busybox\nStatus: Downloaded/);
    assert.equal((await docker(services, ["load"], "tar")).out, "Loaded image: busybox:latest\n");
    assert.equal((await docker(services, ["import", "-", "a:1"], "tar")).out, `${image.id}\n`);
  });

  it("shows our errors", async () => {
    const { code, err } = await docker(fakeServices(), ["swarm", "init"]);
    assert.equal(code, 1);
    assert.match(err, /^Error response from daemon: swarm mode is not implemented yet/);
    const filter = await docker(fakeServices(), ["ps", "--filter", "foo=bar"]);
    assert.match(filter.err, /invalid filter 'foo'/);
  });

  for (const args of [
    ["info"],
    ["images"],
    ["history", "busybox"],
    ["network", "ls"],
    ["network", "inspect", "bridge"],
    ["volume", "ls"],
    ["volume", "inspect", "vol1"],
    ["system", "df", "-v"],
    ["system", "prune", "-af"],
    ["events", "--since", "1h", "--until", "0s"],
    ["top", "web"],
    ["port", "web"],
    ["stop", "-t", "1", "web"],
    ["restart", "web"],
    ["kill", "-s", "HUP", "web"],
    ["rename", "web", "other"],
    ["rm", "-fv", "web"],
    ["tag", "busybox", "a/b:1"],
    ["rmi", "busybox"],
    ["wait", "web"],
    ["exec", "-d", "web", "true"],
    ["network", "create", "n"],
    ["volume", "create"],
  ]) {
    it(`takes our answer to docker ${args.join(" ")}`, async () => {
      const { code, err } = await docker(fakeServices(), args);
      assert.equal(code, 0, err);
    });
  }
});
