/** A client that vanishes in the middle of a stream: nothing of it stays in the daemon, and containers do not notice. */
import assert from "node:assert/strict";
import { once } from "node:events";
import type { Socket } from "node:net";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { dockerArchive } from "./archive.ts";
import { importBusybox } from "./busybox.ts";
import { callApi } from "./compat/target.ts";
import { TestHost } from "./host.ts";
import { poll } from "./poll.ts";
import { daemonFiles, figuresOf, returnsTo, settlesTo, stateOf } from "./state.ts";
import { head, openStream, rawConnection } from "./stream.ts";

/** How often each stream is cut, at a place of its own each time. */
const rounds = Number(process.env["KEELSON_VANISH_ROUNDS"] ?? 5);

let host: TestHost;
before(async () => {
  host = await TestHost.make();
  await host.start();
  await importBusybox(host);
  const flood = "while true; do echo 0123456789012345678901234567890123456789; done";
  await docker("run", "-d", "--name", "flood", "busybox", "sh", "-c", flood);
  await docker("run", "-d", "--name", "terminal", "-it", "busybox", "sh", "-c", flood);
  await docker("run", "-d", "-i", "--name", "silent", "busybox", "cat");
  await docker("exec", "silent", "true");
  // The first reader of a log makes Node open its inotify, which stays.
  (await openStream(host.socket, "GET", "/v1.51/containers/silent/logs?follow=1&stdout=1")).socket.destroy();
});
after(() => host?.[Symbol.asyncDispose]());

async function docker(...args: string[]): Promise<string> {
  const out = await host.docker(args);
  assert.equal(out.code, 0, `docker ${args.join(" ")}: ${out.stderr}\n${host.log.slice(-4000)}`);
  return out.stdout.trim();
}

const upgrade = { Connection: "Upgrade", Upgrade: "tcp" };

/** Opens a stream and reads `bytes` of it. */
async function readSome(method: string, path: string, bytes: number, headers = {}, body = ""): Promise<Socket> {
  const { socket, status } = await openStream(host.socket, method, `/v1.51${path}`, headers, body);
  assert.ok(status < 300, `${method} ${path}: ${status}`);
  let left = bytes;
  while (left > 0) {
    const chunk = socket.read() as Buffer | null;
    if (chunk) left -= chunk.length;
    else await once(socket, "readable");
  }
  return socket;
}

async function startExec(Cmd: string[], round: number, options = {}): Promise<Socket> {
  const body = { Cmd, AttachStdin: true, AttachStdout: true, AttachStderr: true, ...options };
  const { json } = await callApi(host.socket, "POST", "/v1.51/containers/silent/exec", body);
  const headers = round % 2 === 0 ? upgrade : {};
  return readSome("POST", `/exec/${json.Id}/start`, 100 * round, headers, JSON.stringify(options));
}

const logs = "stdout=1&stderr=1";
const attach = "stream=1&stdin=1&stdout=1&stderr=1";
/** Each opens its stream anew; the test destroys it. */
const streams: Readonly<Record<string, (round: number) => Promise<Socket>>> = {
  "attach to a container that prints fast": (round) =>
    readSome("POST", `/containers/flood/attach?${attach}`, 70_000 * round, round % 2 === 0 ? upgrade : {}),
  "attach to a terminal that prints fast": (round) =>
    readSome("POST", `/containers/terminal/attach?${attach}`, 70_000 * round, round % 2 === 0 ? upgrade : {}),
  "attach with a replay of the log": (round) =>
    readSome("POST", `/containers/flood/attach?${attach}&logs=1`, 70_000 * round, upgrade),
  "attach to a silent container": () => readSome("POST", `/containers/silent/attach?${attach}`, 0, upgrade),
  "logs -f of a container that prints fast": (round) =>
    readSome("GET", `/containers/flood/logs?follow=1&${logs}`, 70_000 * round),
  "logs -f of a silent container": () => readSome("GET", `/containers/silent/logs?follow=1&${logs}`, 0),
  "logs of a container that prints fast": (round) => readSome("GET", `/containers/flood/logs?${logs}`, 7000 * round),
  events: () => readSome("GET", "/events", 0),
  wait: () => readSome("POST", "/containers/silent/wait?condition=next-exit", 0),
  "wait for a removal": () => readSome("POST", "/containers/silent/wait?condition=removed", 0),
};

for (const [name, open] of Object.entries(streams))
  test(`a client vanishes from: ${name}`, async () => {
    const [figures, files] = [await figuresOf(host), daemonFiles(host)];
    for (let round = 0; round < rounds; round++) {
      const socket = await open(round);
      // Half of them say good-bye to one side first, as a client whose input has ended.
      if (round % 2 === 1) socket.end();
      socket.destroy();
    }
    await settlesTo(host, figures, files);
    await allRun();
  });

test("a client vanishes from: exec", async () => {
  const clean = await stateOf(host);
  const [figures, files] = [await figuresOf(host), daemonFiles(host)];
  for (let round = 0; round < rounds; round++) {
    // It ends by itself when nobody reads what it writes, or at the end of its input.
    const socket = await startExec(["sh", "-c", "yes & cat; kill %1"], round, { Tty: round % 2 === 1 });
    socket.destroy();
  }
  await poll(
    "the execs have ended",
    async () => (await docker("top", "silent", "-o", "pid,comm")).split("\n").length === 2,
    15_000,
  );
  await settlesTo(host, figures, files);
  await returnsTo(host, clean);
  await allRun();
});

test("a client vanishes from: pull", async () => {
  const registry = host.spawn(process.execPath, [join(import.meta.dirname, "slow-registry.ts")], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let said = "";
  registry.stdout!.on("data", (chunk: Buffer) => {
    said += chunk.toString();
  });
  try {
    await poll("the registry is ready", () => said.includes("ready"));
    const clean = await stateOf(host);
    const [figures, files] = [await figuresOf(host), daemonFiles(host)];
    for (let round = 0; round < rounds; round++) {
      const socket = await rawConnection(host.socket);
      socket.write(head("POST", "/v1.51/images/create?fromImage=127.0.0.1:5000/slow&tag=latest"));
      await poll("the layer is half there", () => said.split("half").length > round + 1);
      socket.destroy();
      await poll("the pull has ended", async () => (await figuresOf(host)).operations.length === 0);
    }
    await settlesTo(host, figures, files);
    await returnsTo(host, clean);
  } finally {
    registry.kill();
  }
});

test("a client vanishes from: load", async () => {
  const clean = await stateOf(host);
  const [figures, files] = [await figuresOf(host), daemonFiles(host)];
  const archive = dockerArchive("vanish:load", 4, 1 << 20);
  for (let round = 0; round < rounds; round++) {
    const socket = await rawConnection(host.socket);
    socket.write(
      head("POST", "/v1.51/images/load", {
        "Content-Type": "application/x-tar",
        "Content-Length": String(archive.length),
      }),
    );
    const part = archive.subarray(0, Math.floor((archive.length * (round + 1)) / (rounds + 1)));
    await new Promise((resolve) => socket.write(part, resolve));
    socket.destroy();
  }
  await settlesTo(host, figures, files);
  await returnsTo(host, clean);
});

test("a client vanishes before its answer: create, start, inspect, images", async () => {
  const clean = await stateOf(host);
  const [figures, files] = [await figuresOf(host), daemonFiles(host)];
  const body = JSON.stringify({ Image: "busybox", Cmd: ["sleep", "1000"] });
  const type = { "Content-Type": "application/json", "Content-Length": String(body.length) };
  for (let round = 0; round < rounds; round++) {
    for (const [method, path] of [
      ["POST", "/v1.51/containers/create?name=gone"],
      ["POST", "/v1.51/containers/gone/start"],
      ["GET", "/v1.51/containers/json?all=1&size=1"],
      ["GET", "/v1.51/images/json"],
    ] as const) {
      const socket = await rawConnection(host.socket);
      const text = path.includes("create?") ? head(method, path, type) + body : head(method, path);
      await new Promise((resolve) => socket.write(text, resolve));
      socket.destroy();
    }
  }
  await settlesTo(host, { ...figures, shims: figures.shims + 1, files: figures.files + 2 }, files);
  await host.docker(["rm", "-f", "gone"]);
  await settlesTo(host, figures, files);
  await returnsTo(host, clean);
});

/** The containers still do what they did. */
async function allRun(): Promise<void> {
  const running = (await docker("ps", "--format", "{{.Names}}")).split("\n").sort();
  assert.deepEqual(running, ["flood", "silent", "terminal"]);
  for (const name of ["flood", "terminal"]) {
    const socket = await readSome("POST", `/containers/${name}/attach?${attach}`, 1000, upgrade);
    socket.destroy();
  }
}
