/** The libraries that programs use, unmodified: dockerode (Node) and docker-py (Python). */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { after, before, test } from "node:test";
// @ts-expect-error dockerode brings no types of its own.
import Docker from "dockerode";
import { run } from "../host.ts";
import { openTarget, type Target } from "./target.ts";

let target: Target;
// biome-ignore lint/suspicious/noExplicitAny: an untyped library.
let docker: any;
before(async () => {
  target = await openTarget();
  docker = new Docker({ socketPath: target.socket });
});
after(() => target?.[Symbol.asyncDispose]());

async function collect(stream: NodeJS.ReadableStream): Promise<string> {
  let text = "";
  for await (const chunk of stream) text += chunk;
  return text;
}

test("dockerode runs a container with separate streams", async () => {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const texts = Promise.all([collect(stdout), collect(stderr)]);
  const command = ["sh", "-c", "echo out; echo err >&2; exit 3"];
  const [result, container] = await docker.run("busybox", command, [stdout, stderr], { Tty: false });
  assert.equal(result.StatusCode, 3);
  stdout.end();
  stderr.end();
  assert.deepEqual(await texts, ["out\n", "err\n"]);
  await container.remove();
});

test("dockerode attaches with stdin, hijacked", async () => {
  const container = await docker.createContainer({ Image: "busybox", Cmd: ["cat"], OpenStdin: true, StdinOnce: true });
  const stream = await container.attach({ stream: true, hijack: true, stdin: true, stdout: true, stderr: true });
  const stdout = new PassThrough();
  docker.modem.demuxStream(stream, stdout, new PassThrough());
  const text = collect(stdout);
  stream.on("end", () => stdout.end());
  await container.start();
  stream.end("through and back");
  assert.equal((await container.wait()).StatusCode, 0);
  assert.equal(await text, "through and back");
  await container.remove();
});

test("dockerode execs, inspects, lists, follows logs and events", async () => {
  const container = await docker.createContainer({
    Image: "busybox",
    name: "rode",
    Cmd: ["sh", "-c", "echo one; sleep 0.3; echo two"],
  });
  const events = await docker.getEvents({ filters: { container: ["rode"] } });
  await container.start();
  const exec = await container.exec({ Cmd: ["sh", "-c", "echo $0 exec"], AttachStdout: true, AttachStderr: true });
  const output = await exec.start({ hijack: true });
  const stdout = new PassThrough();
  docker.modem.demuxStream(output, stdout, new PassThrough());
  output.on("end", () => stdout.end());
  assert.equal(await collect(stdout), "sh exec\n");
  assert.equal((await exec.inspect()).ExitCode, 0);
  assert.equal((await container.inspect()).Name, "/rode");
  assert.equal((await docker.listContainers({ filters: { name: ["rode"] } })).length, 1);
  const logs = await container.logs({ follow: true, stdout: true, stderr: true });
  const lines = new PassThrough();
  docker.modem.demuxStream(logs, lines, new PassThrough());
  logs.on("end", () => lines.end());
  assert.equal(await collect(lines), "one\ntwo\n");
  await container.remove({ force: true });
  let seen = "";
  for await (const chunk of events) {
    seen += chunk;
    if (seen.includes('"destroy"')) break;
  }
  assert.match(seen, /"start"[\s\S]*"exec_create[\s\S]*"die"[\s\S]*"destroy"/);
});

test("dockerode's errors carry the status and Docker's message", async () => {
  await assert.rejects(
    docker.getContainer("nope").inspect(),
    (error: { statusCode: number; json: { message: string } }) => {
      assert.equal(error.statusCode, 404);
      assert.equal(error.json.message, "No such container: nope");
      return true;
    },
  );
});

test("docker-py's calls all give what they give with Docker", async () => {
  const python = "/usr/bin/python3";
  assert.ok(existsSync(python), "python3 with docker-py is missing; npm run setup installs it for tests");
  const script = join(import.meta.dirname, "docker_py.py");
  const out = await run(python, [script, `unix://${target.socket}`]);
  assert.equal(out.code, 0, out.stderr);
  assert.equal(out.stdout, "all well\n");
});
