import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { poll } from "../poll.ts";
import { openTarget, type Target } from "./target.ts";

let target: Target;
before(async () => {
  target = await openTarget();
});
after(() => target?.[Symbol.asyncDispose]());

const docker = (...args: string[]) => target.docker(args);
const inspect = async (name: string, format: string) => (await docker("inspect", "-f", format, name)).stdout.trim();

describe("life of a container", () => {
  test("create, start, stop, start again, restart, rename, remove", async () => {
    assert.match((await docker("create", "--name", "life", "busybox", "sleep", "1000")).stdout, /^[0-9a-f]{64}\n$/);
    assert.equal(await inspect("life", "{{.State.Status}} {{.State.Running}} {{.State.ExitCode}}"), "created false 0");
    assert.equal((await docker("start", "life")).stdout, "life\n");
    assert.equal(await inspect("life", "{{.State.Status}} {{.State.Running}}"), "running true");
    assert.equal((await docker("stop", "-t", "1", "life")).stdout, "life\n");
    assert.equal(await inspect("life", "{{.State.Status}} {{.State.ExitCode}}"), "exited 137");
    assert.equal((await docker("start", "life")).code, 0);
    assert.equal((await docker("restart", "-t", "0", "life")).stdout, "life\n");
    assert.equal(await inspect("life", "{{.State.Status}}"), "running");
    assert.equal((await docker("rename", "life", "living")).code, 0);
    const busy = await docker("rm", "living");
    assert.equal(busy.code, 1);
    assert.match(
      busy.stderr,
      /cannot remove container "(\/)?living": container is running: stop the container before removing or force remove/,
    );
    assert.equal((await docker("rm", "-f", "living")).stdout, "living\n");
    assert.match((await docker("inspect", "living")).stderr, /No such object: living/);
  });

  test("starting what runs and stopping what does not are 304", async () => {
    await docker("run", "-d", "--name", "twice", "busybox", "sleep", "1000");
    assert.equal((await target.api("POST", "/v1.51/containers/twice/start")).status, 304);
    await docker("kill", "twice");
    assert.equal((await target.api("POST", "/v1.51/containers/twice/stop")).status, 304);
    const killed = await docker("kill", "twice");
    assert.match(killed.stderr, /cannot kill container: twice: container [0-9a-f]{64} is not running/);
    await docker("rm", "twice");
  });

  test("wait gives the exit code, before and after the end", async () => {
    await docker("run", "-d", "--name", "waited", "busybox", "sh", "-c", "sleep 0.3; exit 7");
    assert.equal((await docker("wait", "waited")).stdout, "7\n");
    assert.equal((await docker("wait", "waited")).stdout, "7\n");
    await docker("rm", "waited");
  });

  test("a taken name is a conflict in Docker's words", async () => {
    await docker("create", "--name", "taken", "busybox");
    const second = await docker("create", "--name", "taken", "busybox");
    assert.equal(second.code, 1);
    assert.match(
      second.stderr,
      /Conflict\. The container name "\/taken" is already in use by container "[0-9a-f]{64}"\. You have to remove \(or rename\) that container to be able to reuse that name\./,
    );
    await docker("rm", "taken");
  });

  test("ps: columns, filters, formats", async () => {
    await docker(
      "run",
      "-d",
      "--name",
      "ps1",
      "--label",
      "tier=web",
      "-p",
      "127.0.0.1:18090:80/tcp",
      "busybox",
      "sleep",
      "1000",
    );
    await docker("run", "--name", "ps2", "--label", "tier=db", "busybox", "sh", "-c", "exit 4");
    const names = async (...filters: string[]) =>
      (await docker("ps", "-a", "--format", "{{.Names}}", ...filters.flatMap((filter) => ["-f", filter]))).stdout
        .trim()
        .split("\n")
        .filter(Boolean);
    assert.deepEqual(await names(), ["ps2", "ps1"]);
    assert.deepEqual(await names("status=running"), ["ps1"]);
    assert.deepEqual(await names("exited=4"), ["ps2"]);
    assert.deepEqual(await names("label=tier=web"), ["ps1"]);
    assert.deepEqual(await names("name=ps2"), ["ps2"]);
    assert.deepEqual(await names("ancestor=busybox"), ["ps2", "ps1"]);
    assert.deepEqual(await names("publish=18090"), ["ps1"]);
    const row = await docker("ps", "--format", "{{.Image}}|{{.Command}}|{{.Ports}}|{{.Status}}", "-f", "name=ps1");
    assert.match(row.stdout, /^busybox\|"sleep 1000"\|127\.0\.0\.1:18090->80\/tcp\|Up /);
    assert.match((await docker("ps", "-a", "-f", "name=ps2")).stdout, /Exited \(4\)/);
    assert.match((await docker("ps", "-f", "nope=1")).stderr, /invalid filter 'nope'/);
    await docker("rm", "-f", "ps1", "ps2");
  });

  test("logs: streams, tail, timestamps, since, follow", async () => {
    await docker(
      "run",
      "--name",
      "logged",
      "busybox",
      "sh",
      "-c",
      // Two streams have no order between them, so the pause gives them one.
      "echo oops >&2; sleep 0.2; for i in 1 2 3 4 5; do echo line $i; done",
    );
    const all = await docker("logs", "logged");
    assert.equal(all.stdout, "line 1\nline 2\nline 3\nline 4\nline 5\n");
    assert.equal(all.stderr, "oops\n");
    assert.equal((await docker("logs", "-n", "2", "logged")).stdout, "line 4\nline 5\n");
    assert.equal((await docker("logs", "-n", "0", "logged")).stdout, "");
    assert.match(
      (await docker("logs", "-t", "-n", "1", "logged")).stdout,
      /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z line 5\n$/,
    );
    assert.equal((await docker("logs", "--since", "2100-01-01T00:00:00Z", "logged")).stdout, "");
    assert.equal((await docker("logs", "--until", "2001-01-01T00:00:00Z", "logged")).stdout, "");
    await docker("rm", "logged");
    await docker("run", "-d", "--name", "chatty", "busybox", "sh", "-c", "echo first; sleep 0.5; echo last");
    assert.equal((await docker("logs", "-f", "chatty")).stdout, "first\nlast\n");
    await docker("rm", "-f", "chatty");
  });

  test("exec: output, exit codes, environment, user, stdin, detached", async () => {
    await docker("run", "-d", "--name", "target", "-e", "FROM=container", "busybox", "sleep", "1000");
    const out = await docker(
      "exec",
      "-e",
      "A=1",
      "-w",
      "/tmp",
      "-u",
      "user",
      "target",
      "sh",
      "-c",
      "echo $A $FROM; pwd; id -un; exit 5",
    );
    assert.deepEqual(out, { stdout: "1 container\n/tmp\nuser\n", stderr: "", code: 5 });
    assert.equal((await target.docker(["exec", "-i", "target", "cat"], { input: "through" })).stdout, "through");
    const missing = await docker("exec", "target", "nope");
    assert.equal(missing.code, 127);
    assert.match(missing.stdout + missing.stderr, /exec: "nope": executable file not found in \$PATH/);
    assert.equal((await docker("exec", "target", "/etc/passwd")).code, 126);
    assert.equal((await docker("exec", "-d", "target", "touch", "/tmp/made")).code, 0);
    await poll(
      "the detached exec has run",
      async () => (await docker("exec", "target", "test", "-f", "/tmp/made")).code === 0,
    );
    assert.match(
      (await docker("exec", "-u", "nope", "target", "true")).stderr,
      /unable to find user nope: no matching entries in passwd file/,
    );
    const caps = await docker("exec", "--privileged", "target", "grep", "CapEff", "/proc/self/status");
    assert.doesNotMatch(caps.stdout, /00000000a80425fb/);
    await docker("rm", "-f", "target");
    assert.match((await docker("exec", "target", "true")).stderr, /No such container: target/);
  });

  test("attach: start -a gives output and code, top shows processes", async () => {
    await docker("create", "--name", "attached", "-i", "busybox", "sh", "-c", "read line; echo got $line; exit 2");
    const out = await target.docker(["start", "-ai", "attached"], { input: "words\n" });
    assert.deepEqual([out.stdout, out.code], ["got words\n", 2]);
    await docker("rm", "attached");
    await docker("run", "-d", "--name", "topped", "busybox", "sleep", "4321");
    const top = await docker("top", "topped");
    assert.match(top.stdout, /^UID\s+PID\s+PPID\s+C\s+STIME\s+TTY\s+TIME\s+CMD\n.*sleep 4321\n$/);
    assert.match((await docker("top", "topped", "-o", "pid,comm")).stdout, /PID\s+COMMAND\n\d+\s+sleep\n/);
    await docker("rm", "-f", "topped");
  });

  test("events are live, replayed and filtered", async () => {
    const since = String(Math.floor(Date.now() / 1000) - 1);
    await docker("run", "--rm", "--name", "eventful", "busybox", "true");
    const until = String(Math.floor(Date.now() / 1000) + 1);
    const { stdout } = await docker(
      ...[
        "events",
        "--since",
        since,
        "--until",
        until,
        "-f",
        "container=eventful",
        "--format",
        "{{.Type}} {{.Action}}",
      ],
    );
    assert.deepEqual(
      stdout
        .trim()
        .split("\n")
        .filter((line) => !line.includes("resize")),
      ["create", "attach", "start", "die", "destroy"].map((action) => `container ${action}`),
    );
  });
});
