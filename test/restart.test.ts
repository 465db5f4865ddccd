/** The daemon ends and another one comes: containers do not notice. And what restart policies bring back, and when. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, afterEach, before, test } from "node:test";
import { importBusybox } from "./busybox.ts";
import { TestHost } from "./host.ts";
import { poll } from "./poll.ts";
import { processesNamed, returnsTo, stateOf } from "./state.ts";
import { openStream, unframe } from "./stream.ts";

let host: TestHost;
before(async () => {
  host = await TestHost.make();
  await host.start();
  await importBusybox(host);
});
after(() => host?.[Symbol.asyncDispose]());
afterEach(async () => {
  const { stdout } = await host.docker(["ps", "-aq"]);
  const ids = stdout.split("\n").filter(Boolean);
  if (ids.length > 0) await docker("rm", "-fv", ...ids);
  assert.equal(await poll("the shims have ended", () => processesNamed(host, "keelson-shim").length <= 1), true);
});

async function docker(...args: string[]): Promise<string> {
  const out = await host.docker(args);
  assert.equal(out.code, 0, `docker ${args.join(" ")}: ${out.stderr}\n${host.log.slice(-4000)}`);
  return out.stdout.trim();
}

const inspect = (name: string, format: string): Promise<string> => docker("inspect", "-f", format, name);
const status = (name: string): Promise<string> => inspect(name, "{{.State.Status}}");

for (const signal of ["SIGTERM", "SIGKILL"] as const)
  test(`containers run on while the daemon is away after ${signal}, and the next one finds them`, async () => {
    await docker(
      "run",
      "-d",
      "--name",
      "ticker",
      "busybox",
      "sh",
      "-c",
      "i=0; while true; do i=$((i+1)); echo tick $i; usleep 2000; done",
    );
    await docker("run", "-d", "-i", "--name", "echo", "busybox", "sh", "-c", "while read x; do echo got $x; done");
    await docker("run", "-dit", "--name", "shell", "busybox", "sh");
    const serve = "mkdir -p /www; echo page > /www/index.html; exec httpd -f -p 80 -h /www";
    await docker("run", "-d", "--name", "web", "-p", "18080:80", "busybox", "sh", "-c", serve);
    await docker("run", "-d", "--name", "gone", "busybox", "sh", "-c", "usleep 400000; echo last words; exit 42");
    await docker("run", "-d", "--rm", "--name", "removed", "busybox", "usleep", "400000");
    const before = await inspect("ticker", "{{.State.Pid}} {{.State.StartedAt}} {{.RestartCount}}");
    await host.stop(signal);
    // With the daemon gone its part of the way is gone, too; what the kernel forwards goes on.
    assert.equal(existsSync(host.socket), signal === "SIGKILL");
    const { stdout: away } = await host.exec("curl", ["-fsS", "--max-time", "5", "http://127.0.0.1:18080/"]);
    assert.equal(away, "page\n");
    await poll("two have ended unseen", hasExits);
    await host.start();
    assert.equal(await inspect("ticker", "{{.State.Pid}} {{.State.StartedAt}} {{.RestartCount}}"), before);
    assert.equal(await inspect("gone", "{{.State.Status}} {{.State.ExitCode}}"), "exited 42");
    assert.equal(await docker("logs", "gone"), "last words");
    assert.match((await host.docker(["inspect", "removed"])).stderr, /No such (object|container)/);
    for (const url of ["http://127.0.0.1:18080/", "http://[::1]:18080/"])
      assert.equal((await host.exec("curl", ["-gfsS", "--max-time", "5", url])).stdout, "page\n", url);
    assert.equal(await docker("exec", "echo", "echo", "hi"), "hi");
    await attachesAgain();
    const ticks = (await docker("logs", "ticker")).split("\n");
    ticks.forEach((line, index) => {
      assert.equal(line, `tick ${index + 1}`);
    });
    await docker("rm", "-f", "gone", "echo");
    await docker("stop", "-t", "0", "ticker", "web", "shell");
    await docker("start", "ticker", "web", "shell");
    assert.equal(
      (await host.exec("curl", ["-fsS", "--retry", "5", "--retry-connrefused", "http://127.0.0.1:18080/"])).stdout,
      "page\n",
    );
  });

/** Their shims wrote it down. */
async function hasExits(): Promise<boolean> {
  const out = await host.exec("sh", ["-c", `ls ${join(host.dir, "run/containers")}/*/exit 2>/dev/null | wc -l`]);
  return Number(out.stdout) >= 2;
}

async function attachesAgain(): Promise<void> {
  const path = "/v1.51/containers/echo/attach?stream=1&stdin=1&stdout=1";
  const { socket } = await openStream(host.socket, "POST", path, { Connection: "Upgrade", Upgrade: "tcp" });
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  socket.write("hello\n");
  await poll("the answer comes", () => unframe(Buffer.concat(chunks)).stdout === "got hello\n");
  socket.destroy();
  const tty = await openStream(host.socket, "POST", "/v1.51/containers/shell/attach?stream=1&stdin=1&stdout=1");
  let said = "";
  tty.socket.on("data", (chunk: Buffer) => {
    said += chunk.toString();
  });
  await docker("exec", "shell", "true");
  tty.socket.write("echo a-$((6*7))\n");
  await poll("the shell answers", () => said.includes("a-42"));
  tty.socket.destroy();
}

test("a socket that nobody listens at is taken over; a file or another daemon's socket is not", async () => {
  await host.stop("SIGKILL");
  assert.ok(existsSync(host.socket), "SIGKILL leaves the socket");
  await host.start();
  const data = ["--data-root", join(host.dir, "data2"), "--exec-root", join(host.dir, "run2"), "--bridge", "second0"];
  const daemon = join(import.meta.dirname, "../bin/keelson");
  const second = await host.exec(daemon, ["daemon", "-H", host.dockerHost, ...data], { timeout: 20_000 });
  assert.equal(second.code, 1);
  assert.match(second.stderr, /another daemon listens there/);
  const file = join(host.dir, "file.sock");
  await writeFile(file, "precious");
  const third = await host.exec(daemon, ["daemon", "-H", `unix://${file}`, ...data], { timeout: 20_000 });
  assert.equal(third.code, 1);
  assert.match(third.stderr, /a file is in its place/);
  assert.equal(await docker("ps", "-q"), "");
});

test("a second daemon on the data root is refused, and harms the first in nothing", async () => {
  await docker("run", "-d", "--name", "web", "-p", "18080:80", "busybox", "sleep", "1000");
  const clean = await stateOf(host);
  const daemon = join(import.meta.dirname, "../bin/keelson");
  const roots = ["--data-root", join(host.dir, "data"), "--exec-root", join(host.dir, "run")];
  const second = await host.exec(daemon, ["daemon", "-H", `unix://${host.dir}/second.sock`, ...roots], {
    timeout: 20_000,
  });
  assert.equal(second.code, 1);
  assert.match(second.stderr, /another engine is using the data root/);
  await returnsTo(host, clean);
  assert.equal(await docker("exec", "web", "echo", "hi"), "hi");
});

test("on-failure:2 tries twice more, and counts", async () => {
  await docker("run", "-d", "--restart", "on-failure:2", "--name", "fails", "busybox", "sh", "-c", "echo run; exit 3");
  await poll("it has given up", async () => (await status("fails")) === "exited");
  assert.equal(await inspect("fails", "{{.RestartCount}} {{.State.ExitCode}}"), "2 3");
  assert.equal(await docker("logs", "fails"), "run\nrun\nrun");
  await docker("start", "fails");
  await poll(
    "it has given up again",
    async () => (await docker("logs", "fails")).split("\n").length === 6 && (await status("fails")) === "exited",
  );
  assert.equal(await inspect("fails", "{{.RestartCount}}"), "2");
  await docker("run", "-d", "--restart", "on-failure", "--name", "well", "busybox", "true");
  assert.equal(await docker("wait", "well"), "0");
  assert.equal(await inspect("well", "{{.RestartCount}}"), "0");
});

test("always comes back each time later, until it is stopped", async () => {
  await docker("run", "-d", "--restart", "always", "--name", "again", "busybox", "sh", "-c", "date +%s%N; exit 0");
  await poll("it ran four times", async () => (await docker("logs", "again")).split("\n").length >= 4);
  const times = (await docker("logs", "-t", "again")).split("\n").map((line) => Date.parse(line.slice(0, 23)));
  const gaps = times.slice(1).map((time, index) => time - times[index]!);
  // 100, 200, 400 ms and the time of a start: the third pause alone is longer than both the others' least.
  assert.ok(gaps[0]! >= 90 && gaps[1]! >= 190 && gaps[2]! >= 390, gaps.join(" "));
  await docker("stop", "again");
  assert.equal(await status("again"), "exited");
  const count = (await docker("logs", "again")).split("\n").length;
  await docker("run", "--rm", "busybox", "sleep", "1");
  assert.equal((await docker("logs", "again")).split("\n").length, count);
});

test("a removal with force ends a container that restarts", async () => {
  const clean = await stateOf(host);
  await docker("run", "-d", "--restart", "always", "--name", "again", "busybox", "false");
  await poll("it restarts", async () => (await status("again")) === "restarting");
  await docker("rm", "-f", "again");
  await returnsTo(host, clean);
});

test("a command that is not there is not tried for ever", async () => {
  const out = await host.docker(["run", "-d", "--restart", "always", "--name", "wrong", "busybox", "/no/such"]);
  assert.equal(out.code, 127, out.stderr);
  assert.equal(await status("wrong"), "created");
});

test("after a stop of the daemon, the policy decides who starts", async () => {
  const loop = ["busybox", "sh", "-c", "trap 'exit 0' TERM; while true; do sleep 0.1; done"];
  for (const policy of ["always", "unless-stopped", "no", "on-failure"]) {
    await docker("run", "-d", "--restart", policy, "--name", `stopped-${policy}`, ...loop);
    await docker("run", "-d", "--restart", policy, "--name", `killed-${policy}`, ...loop);
  }
  await docker("stop", "stopped-always", "stopped-unless-stopped", "stopped-no", "stopped-on-failure");
  const pids = (
    await Promise.all(
      ["always", "unless-stopped", "no", "on-failure"].map((policy) => inspect(`killed-${policy}`, "{{.State.Pid}}")),
    )
  ).map(Number);
  await host.stop("SIGTERM");
  // As after a failure of theirs that nobody saw.
  for (const pid of pids) process.kill(pid, "SIGKILL");
  await poll("they are gone", () => pids.every((pid) => !existsSync(`/proc/${pid}`)));
  await host.start();
  const running = async (): Promise<string> =>
    (await docker("ps", "--format", "{{.Names}}")).split("\n").sort().join(" ");
  await poll(
    "they run",
    async () => (await running()) === "killed-always killed-on-failure killed-unless-stopped stopped-always",
  );
  assert.equal(await inspect("killed-no", "{{.State.Status}} {{.State.ExitCode}}"), "exited 137");
});

test("a port that was taken while the daemon was away: who runs goes on, who restarts waits until it is free", async () => {
  const loop = ["busybox", "sh", "-c", "trap 'exit 0' TERM; while true; do sleep 0.1; done"];
  await docker("run", "-d", "--restart", "always", "--name", "runs", "-p", "18091:80", ...loop);
  await docker("run", "-d", "--restart", "always", "--name", "waits", "-p", "18092:80", ...loop);
  const pid = Number(await inspect("waits", "{{.State.Pid}}"));
  await host.stop("SIGTERM");
  process.kill(pid, "SIGKILL");
  await poll("it is gone", () => !existsSync(`/proc/${pid}`));
  const takers = ["18091", "18092"].map((port) =>
    host.spawn("busybox", ["httpd", "-f", "-p", port], { stdio: "ignore" }),
  );
  try {
    for (const port of ["18091", "18092"])
      await poll("it listens", async () => (await host.exec("ss", ["-Hltn"])).stdout.includes(`:${port} `));
    await host.start();
    assert.equal(await status("runs"), "running");
    assert.equal(await docker("exec", "runs", "echo", "hi"), "hi");
    await poll("it has been tried", async () => (await inspect("waits", "{{.State.Error}}")).includes("18092"));
    assert.match(await status("waits"), /^(restarting|exited)$/);
  } finally {
    for (const taker of takers) taker.kill();
  }
  await poll("it runs", async () => (await status("waits")) === "running");
});
