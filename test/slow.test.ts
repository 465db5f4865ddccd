/**
 * Much output and slow readers: memory stays bounded, nobody else waits, and the log stays small on the disk and right.
 * KEELSON_SLOW_MEGABYTES sets how much is printed.
 */
import assert from "node:assert/strict";
import { readdir, stat } from "node:fs/promises";
import type { Socket } from "node:net";
import { after, before, test } from "node:test";
import { importBusybox } from "./busybox.ts";
import { TestHost } from "./host.ts";
import { poll } from "./poll.ts";
import { daemonFiles, daemonMemory, figuresOf, inside, settlesTo } from "./state.ts";
import { openStream, respond, unframe } from "./stream.ts";

const megabytes = Number(process.env["KEELSON_SLOW_MEGABYTES"] ?? 40);
/** MiB that the daemon may grow by. Its own garbage is in it. */
const growth = 32;

let host: TestHost;
before(async () => {
  host = await TestHost.make();
  // Little room for garbage, so that what is measured is what is kept.
  await host.start([], { NODE_OPTIONS: "--max-semi-space-size=4" });
  await importBusybox(host);
  await docker("run", "-d", "-i", "--name", "other", "busybox", "cat");
  await docker("exec", "other", "true");
  // The first reader of a log makes Node open its inotify, which stays.
  (await openStream(host.socket, "GET", "/v1.51/containers/other/logs?follow=1&stdout=1")).socket.destroy();
});
after(() => host?.[Symbol.asyncDispose]());

async function docker(...args: string[]): Promise<string> {
  const out = await host.docker(args);
  assert.equal(out.code, 0, `docker ${args.join(" ")}: ${out.stderr}\n${host.log.slice(-4000)}`);
  return out.stdout.trim();
}

/** Numbered lines of 100 bytes, `megabytes` of them, and a last one. */
const printer = (amount: number): string[] => {
  const program = `BEGIN { for (i = 1; i <= ${amount} * 10000; i++) printf "%099d\\n", i; print "last" }`;
  return ["busybox", "awk", program];
};

const upgrade = { Connection: "Upgrade", Upgrade: "tcp" };
const attach = async (name: string): Promise<Socket> => {
  const path = `/v1.51/containers/${name}/attach?stream=1&stdout=1&stderr=1`;
  const { socket, status } = await openStream(host.socket, "POST", path, upgrade);
  assert.equal(status, 101);
  return socket;
};

test("a reader that is slow gets every byte, and nobody else waits for it", async (t) => {
  const before = daemonMemory(host);
  await docker("create", "--name", "much", "--log-driver", "none", ...printer(megabytes));
  const socket = await attach("much");
  await docker("start", "much");
  let bytes = 0;
  let most = 0;
  let chunks = 0;
  for await (const chunk of socket) {
    bytes += (chunk as Buffer).length;
    // Now and then it does something else, and so do we: the container is full of output all the while.
    if (++chunks % 200 !== 0) continue;
    most = Math.max(most, daemonMemory(host));
    if (chunks % 2000 === 0) assert.equal(await docker("exec", "other", "echo", "hi"), "hi");
  }
  socket.destroy();
  const frames = bytes - megabytes * 1_000_000 - "last\n".length;
  assert.ok(frames > 0 && frames % 8 === 0, `${bytes} bytes came`);
  assert.equal(await docker("wait", "much"), "0");
  t.diagnostic(`daemon ${before.toFixed(0)} MiB before, ${most.toFixed(0)} at most`);
  assert.ok(most < before + growth, `the daemon grew from ${before} to ${most} MiB`);
  await docker("rm", "much");
});

test("a reader that stops is cut off in the end, and the container goes on", async (t) => {
  const before = daemonMemory(host);
  await docker("create", "--name", "stopped", "--log-driver", "none", ...printer(megabytes));
  const socket = await attach("stopped");
  socket.pause();
  await docker("start", "stopped");
  let most = 0;
  assert.equal(await docker("exec", "other", "echo", "hi"), "hi");
  await poll("the container has ended", async () => {
    most = Math.max(most, daemonMemory(host));
    return (await docker("inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", "stopped")) === "exited 0";
  });
  socket.destroy();
  t.diagnostic(`daemon ${before.toFixed(0)} MiB before, ${most.toFixed(0)} at most`);
  assert.ok(most < before + growth, `the daemon grew from ${before} to ${most} MiB`);
  await docker("rm", "stopped");
});

test("a container that prints much has three log files of ten megabytes, and the newest lines", async () => {
  const [figures, files] = [await figuresOf(host), daemonFiles(host)];
  const id = await docker("run", "-d", "--name", "logged", ...printer(megabytes));
  // One reads along and stops; the container waits for nobody who reads its log.
  const { socket } = await openStream(host.socket, "GET", "/v1.51/containers/logged/logs?follow=1&stdout=1");
  socket.pause();
  const follower = host.docker(["logs", "-f", "--tail", "1", "logged"]);
  assert.equal(await docker("wait", "logged"), "0");
  const folder = inside(host, "data/containers", id);
  const names = (await readdir(folder)).filter((name) => name.includes("-json.log")).sort();
  assert.deepEqual(names, [`${id}-json.log`, `${id}-json.log.1`, `${id}-json.log.2`]);
  for (const name of names) {
    const { size } = await stat(`${folder}/${name}`);
    assert.ok(size <= 10_000_200, `${name} has ${size} bytes`);
    assert.ok(name === names[0] || size > 9_000_000, `${name} has ${size} bytes`);
  }
  const lines = (count: number): string => {
    const numbers = Array.from({ length: count - 1 }, (_, index) => megabytes * 10000 - count + 2 + index);
    return [...numbers.map((number) => String(number).padStart(99, "0")), "last"].join("\n");
  };
  assert.equal(await docker("logs", "--tail", "5", "logged"), lines(5));
  // More than the newest file has, for that holds at most this many lines.
  assert.equal(await docker("logs", "--tail", "60000", "logged"), lines(60_000));
  const whole = (await docker("logs", "logged")).split("\n");
  assert.ok(whole.length > 100_000 && whole.at(-1) === "last", `${whole.length} lines`);
  whole.slice(0, -1).forEach((line, index) => {
    assert.equal(Number(line), megabytes * 10000 - whole.length + 2 + index);
  });
  assert.equal((await follower).stdout.trimEnd().split("\n").at(-1), "last");
  socket.destroy();
  await docker("rm", "logged");
  await settlesTo(host, figures, files);
});

test("logs -f sees lines as they come, through rotations", async () => {
  const script = "i=0; while read x; do i=$((i+1)); echo $i; done";
  const options = ["--log-opt", "max-size=2k", "--log-opt", "max-file=2"];
  await docker("run", "-d", "-i", "--name", "steps", ...options, "busybox", "sh", "-c", script);
  const followed = await respond(host.socket, "GET", "/v1.51/containers/steps/logs?follow=1&stdout=1");
  const input = (await openStream(host.socket, "POST", "/v1.51/containers/steps/attach?stream=1&stdin=1", upgrade))
    .socket;
  const seen: Buffer[] = [];
  followed.on("data", (chunk: Buffer) => seen.push(chunk));
  for (let step = 1; step <= 200; step++) {
    input.write("go\n");
    const last = await poll(`line ${step} is seen`, () => {
      const lines = unframe(Buffer.concat(seen)).stdout.split("\n");
      return lines.length > step && lines.at(-2);
    });
    assert.equal(last, String(step));
  }
  input.destroy();
  followed.destroy();
  await docker("rm", "-f", "steps");
});
