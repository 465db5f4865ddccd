import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { openTarget, type Target } from "./target.ts";

let target: Target;
before(async () => {
  target = await openTarget();
});
after(() => target?.[Symbol.asyncDispose]());

const run = (...args: string[]) => target.docker(["run", "--rm", ...args]);

describe("docker run", () => {
  test("gives stdout, stderr and the exit code", async () => {
    const out = await run("busybox", "sh", "-c", "echo to-out; echo to-err >&2; exit 3");
    assert.deepEqual(out, { stdout: "to-out\n", stderr: "to-err\n", code: 3 });
  });

  test("pipes stdin through and sees its end", async () => {
    const out = await target.docker(["run", "--rm", "-i", "busybox", "wc", "-c"], { input: "x".repeat(1_000_000) });
    assert.equal(out.stdout.trim(), "1000000");
  });

  test("delivers every byte of a large output", async () => {
    const out = await run("busybox", "sh", "-c", "dd if=/dev/zero bs=1M count=20 2>/dev/null | tr '\\0' 'x'");
    assert.equal(out.stdout.length, 20 << 20);
  });

  test("a command that is not there is 127, one that is no program 126, and --rm leaves nothing", async () => {
    const missing = await run("--name", "gone", "busybox", "nope");
    assert.equal(missing.code, 127);
    assert.match(missing.stderr, /exec: "nope": executable file not found in \$PATH/);
    const notProgram = await run("--name", "gone2", "busybox", "/etc/passwd");
    assert.equal(notProgram.code, 126);
    assert.match(notProgram.stderr, /permission denied/);
    const { stdout } = await target.docker(["ps", "-a", "--format", "{{.Names}}"]);
    assert.doesNotMatch(stdout, /gone/);
  });

  test("a signal's exit code is 128 and the signal", async () => {
    assert.equal((await run("busybox", "sh", "-c", "sh -c 'kill -9 $$'; exit $?")).code, 137);
    assert.equal(
      (await run("--stop-signal", "USR1", "busybox", "sh", "-c", "trap 'exit 9' USR1; kill -USR1 $$")).code,
      9,
    );
  });

  test("environment, working directory, user, hostname and labels", async () => {
    const out = await run(
      ...["-e", "A=b c", "-w", "/tmp", "-u", "user:extra", "-h", "boat", "--label", "x=y"],
      ...["busybox", "sh", "-c", 'echo "$A"; pwd; id -u; id -g; hostname; echo "$HOME"; cat /etc/hostname'],
    );
    assert.equal(out.stdout, "b c\n/tmp\n1000\n2000\nboat\n/home/user\nboat\n");
  });

  test("an unknown user is refused in Docker's words", async () => {
    const out = await run("-u", "nobodyhere", "busybox", "true");
    assert.equal(out.code, 126 - 1);
    assert.match(out.stderr, /unable to find user nobodyhere: no matching entries in passwd file/);
  });

  test("default capabilities, seccomp and masks", async () => {
    const out = await run(
      "busybox",
      "sh",
      "-c",
      "grep -E '^(CapEff|Seccomp|NoNewPrivs):' /proc/self/status; cat /proc/kcore | wc -c",
    );
    assert.match(out.stdout, /CapEff:\s+00000000a80425fb/);
    assert.match(out.stdout, /Seccomp:\s+2/);
    assert.match(out.stdout, /^0$/m);
  });

  test("added and dropped capabilities, privileged", async () => {
    const added = await run(
      "--cap-add",
      "NET_ADMIN",
      "--cap-drop",
      "CHOWN",
      "busybox",
      "grep",
      "CapEff",
      "/proc/self/status",
    );
    assert.match(added.stdout, /00000000a80435fa/);
    const all = await run("--privileged", "busybox", "sh", "-c", "ip link add br9 type bridge && echo made");
    assert.equal(all.stdout, "made\n");
    const unknown = await run("--cap-add", "NOPE", "busybox", "true");
    assert.equal(unknown.code, 125);
    assert.match(unknown.stderr, /unknown capability: "CAP_NOPE"/);
  });

  test("a read-only root, tmpfs, and limits", async () => {
    const readOnly = await run(
      "--read-only",
      "--tmpfs",
      "/run:size=1m",
      "busybox",
      "sh",
      "-c",
      "touch /x; touch /run/y && df -k /run | tail -n 1",
    );
    assert.match(readOnly.stderr, /Read-only file system/);
    assert.match(readOnly.stdout, /1024/);
    const limits = await run(
      "--ulimit",
      "nofile=99:100",
      "--pids-limit",
      "50",
      "busybox",
      "sh",
      "-c",
      "ulimit -n; ulimit -Hn",
    );
    assert.equal(limits.stdout, "99\n100\n");
  });

  test("memory and CPU limits reach the cgroup", async () => {
    const out = await run(
      ...["-m", "64m", "--cpus", "0.5", "busybox", "sh", "-c"],
      "cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/cpu/cpu.cfs_quota_us 2>/dev/null || cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/cpu.max",
    );
    assert.match(out.stdout, /^67108864\n50000/);
  });

  test("a process over its memory limit is killed and the state says so", async () => {
    await target.docker([
      "run",
      "--name",
      "oom",
      "-m",
      "20m",
      "--memory-swap",
      "20m",
      "busybox",
      "sh",
      "-c",
      "tail /dev/zero",
    ]);
    const { stdout } = await target.docker(["inspect", "-f", "{{.State.OOMKilled}} {{.State.ExitCode}}", "oom"]);
    assert.equal(stdout.trim(), "true 137");
    await target.docker(["rm", "oom"]);
  });

  test("binds, named volumes and their seeding", async () => {
    const bind = await run("-v", "/etc:/host:ro", "busybox", "sh", "-c", "test -f /host/passwd && touch /host/x");
    assert.match(bind.stderr, /Read-only file system/);
    const seeded = await run("-v", "vol1:/etc", "busybox", "cat", "/etc/group");
    assert.match(seeded.stdout, /extra:x:2000/);
    await run("-v", "vol1:/data", "busybox", "sh", "-c", "echo kept > /data/file");
    const again = await run("-v", "vol1:/data", "busybox", "cat", "/data/file", "/data/group");
    assert.match(again.stdout, /^kept\nroot/);
    assert.equal((await target.docker(["volume", "rm", "vol1"])).code, 0);
  });

  test("--init puts an init before the command, and detached runs print the ID", async () => {
    const init = await run("--init", "busybox", "ps", "-o", "pid,args");
    assert.match(init.stdout, /^ *1 \/sbin\/docker-init -- ps/m);
    const detached = await target.docker(["run", "-d", "--name", "bg", "busybox", "sleep", "1000"]);
    assert.match(detached.stdout, /^[0-9a-f]{64}\n$/);
    assert.equal((await target.docker(["rm", "-f", "bg"])).stdout, "bg\n");
  });

  test("network modes", async () => {
    const none = await run("--network", "none", "busybox", "ip", "-o", "link");
    assert.equal(none.stdout.trim().split("\n").length, 1);
    const bridge = await run(
      "busybox",
      "sh",
      "-c",
      "ip -o -4 addr show eth0 && ip route && cat /etc/resolv.conf /etc/hosts",
    );
    assert.match(bridge.stdout, /default via 172\./);
    const host = await run("--network", "host", "busybox", "ls", "/sys/class/net");
    assert.equal(host.code, 0);
    await target.docker(["run", "-d", "--name", "owner", "busybox", "sleep", "1000"]);
    const own = await target.docker(["exec", "owner", "ip", "-o", "-4", "addr", "show", "eth0"]);
    const shared = await run("--network", "container:owner", "busybox", "ip", "-o", "-4", "addr", "show", "eth0");
    assert.equal(shared.stdout, own.stdout);
    await target.docker(["rm", "-f", "owner"]);
  });

  test("published ports are reachable, and a taken one is an error", async () => {
    const web = ["sh", "-c", "echo hello > /var/www/index.html; exec httpd -f -p 80 -h /var/www"];
    const started = await target.docker(["run", "-d", "--name", "web", "-p", "18080:80", "busybox", ...web]);
    assert.equal(started.code, 0, started.stderr);
    const page = await target.inNetwork("curl", [
      "-fsS",
      "--retry",
      "20",
      "--retry-connrefused",
      "--retry-delay",
      "0",
      "http://127.0.0.1:18080/",
    ]);
    assert.equal(page.stdout, "hello\n", page.stderr);
    const second = await target.docker(["run", "--rm", "-p", "18080:80", "busybox", "true"]);
    assert.equal(second.code, 125);
    assert.match(second.stderr, /port is already allocated/);
    const ports = await target.docker(["port", "web"]);
    // Clients before 23 print an IPv6 address without brackets.
    assert.match(ports.stdout, /^80\/tcp -> 0\.0\.0\.0:18080\n80\/tcp -> (\[::\]|::):18080\n$/);
    await target.docker(["rm", "-f", "web"]);
  });
});
