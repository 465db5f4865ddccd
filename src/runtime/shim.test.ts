import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { access, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { KeelsonError } from "../base/errors.ts";
import { alive, buildShim, findRuntime, readAll, readUntil, ShimHost, unframe, until } from "./testing/shim-host.ts";

interface LogLine {
  readonly log: string;
  readonly stream: string;
  readonly time: string;
}

async function logLines(path: string): Promise<LogLine[]> {
  const text = await readFile(path, "utf8");
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as LogLine);
}

const megabytes50 = 50 * 1024 * 1024;

/** What every build of the shim and every runtime must do. */
function basics(open: () => ShimHost): void {
  it("frames output, and an early client misses nothing", async () => {
    const host = open();
    const one = await host.prepare(["sh", "-c", "echo out; echo err >&2; exit 3"]);
    const stream = await host.attach(one);
    const onlyErr = await host.attach(one, { stdout: false });
    await one.start();
    assert.deepEqual(unframe(await readAll(stream)), { stdout: "out\n", stderr: "err\n" });
    assert.deepEqual(unframe(await readAll(onlyErr)), { stdout: "", stderr: "err\n" });
    const exit = await one.shim.exited;
    assert.equal(exit.code, 3);
    assert.equal(exit.oomKilled, false);
    assert.ok(Math.abs(Number(exit.at / 1_000_000n) - Date.now()) < 60_000);
  });

  it("ends by a signal with 128 + its number, and dispose leaves nothing", async () => {
    const host = open();
    const one = await host.prepare(["sleep", "100"]);
    const { pid } = await one.start();
    assert.ok(await alive(pid));
    assert.notDeepEqual(await host.remains(one), []);
    await one.shim.signal(host.op, 9);
    assert.equal((await one.shim.exited).code, 137);
    await assert.rejects(one.shim.signal(host.op, 9), { kind: "notFound" });
    const shimPid = one.shim.pid;
    await one.shim.dispose(host.op);
    assert.deepEqual(await host.remains(one), []);
    await until("the shim has gone", async () => !(await alive(shimPid)));
  });

  it("disposes of a running container by killing it", async () => {
    const host = open();
    const one = await host.prepare(["sleep", "100"]);
    const { pid } = await one.start();
    await one.shim.dispose(host.op);
    assert.equal(await alive(pid), false);
    assert.deepEqual(await host.remains(one), []);
  });

  it("passes stdin on and closes it with the client's half", async () => {
    const host = open();
    const one = await host.prepare(["sh", "-c", "cat; echo done"]);
    const stream = await host.attach(one, { stdin: true });
    stream.write("before the start, ");
    await one.start({ openStdin: true, stdinOnce: true });
    stream.end("and after\n");
    assert.equal(unframe(await readAll(stream)).stdout, "before the start, and after\ndone\n");
    assert.equal((await one.shim.exited).code, 0);
  });

  it("gives a terminal of the asked size, resizes it, and is raw", async () => {
    const host = open();
    const script = "stty size; read line; stty size; read line; exit 4";
    const one = await host.prepare(["sh", "-c", script], { terminal: true });
    const stream = await host.attach(one, { stdin: true });
    await one.start({ openStdin: true, size: { height: 33, width: 77 } });
    assert.match(await readUntil(stream, "33 77"), /^33 77\r\n$/);
    await one.shim.resize(host.op, { height: 44, width: 88 });
    stream.write("\n");
    await readUntil(stream, "44 88");
    stream.write("\n");
    await readAll(stream);
    assert.equal((await one.shim.exited).code, 4);
    assert.ok((await logLines(one.log)).every((line) => line.stream === "stdout"));
  });

  for (const { args, exitCode, words } of [
    { args: ["nope"], exitCode: 127, words: 'exec: "nope": executable file not found in $PATH' },
    { args: ["/nope/x"], exitCode: 127, words: 'exec: "/nope/x": stat /nope/x: no such file or directory' },
    { args: ["/bin/plain"], exitCode: 126, words: 'exec: "/bin/plain": permission denied' },
    { args: ["/tmp"], exitCode: 126, words: 'exec: "/tmp": permission denied' },
  ])
    it(`refuses to start ${args[0]} with ${exitCode} and leaves nothing`, async () => {
      const host = open();
      const one = await host.prepare(args);
      const stream = await host.attach(one);
      const error = await one.start().then(
        () => assert.fail("it started"),
        (thrown: unknown) => thrown as KeelsonError,
      );
      assert.ok(error instanceof KeelsonError, String(error));
      assert.ok(error.message.includes(words), error.message);
      assert.equal(error.kind, "invalid");
      assert.equal(error.fields.exitCode, exitCode);
      assert.deepEqual(await readAll(stream), Buffer.alloc(0));
      assert.deepEqual(await host.remains(one), []);
      await until("the shim has gone", async () => !(await alive(one.shim.pid)));
      assert.equal((await host.shims.adopt(host.op, one.dir)).kind, "none");
    });

  it("runs execs with their own stdio, terminal and exit code", async () => {
    const host = open();
    const one = await host.prepare(["sleep", "100"]);
    await one.start();
    const echo = await host.attach(one, { execId: "e1", stdin: true });
    await host.exec(one, "e1", ["sh", "-c", "cat; echo problem >&2; exit 5"], { openStdin: true });
    echo.end("through an exec");
    assert.deepEqual(unframe(await readAll(echo)), { stdout: "through an exec", stderr: "problem\n" });
    assert.equal((await one.shim.execExited("e1")).code, 5);

    const terminal = await host.attach(one, { execId: "e2", stdin: true });
    await host.exec(one, "e2", ["sh", "-c", "stty size; read a; stty size"], {
      openStdin: true,
      terminal: true,
      size: { height: 20, width: 40 },
    });
    await readUntil(terminal, "20 40");
    await one.shim.resize(host.op, { height: 21, width: 41 }, "e2");
    terminal.write("\n");
    await readUntil(terminal, "21 41");
    assert.equal((await one.shim.execExited("e2")).code, 0);
    terminal.destroy();

    await assert.rejects(host.exec(one, "e3", ["nope"]), (error: KeelsonError) => {
      assert.match(error.message, /exec: "nope": executable file not found in \$PATH/);
      return error.fields.exitCode === 127;
    });
    await assert.rejects(host.exec(one, "e4", ["/bin/plain"]), (error: KeelsonError) => {
      assert.match(error.message, /exec: "\/bin\/plain": permission denied/);
      return error.fields.exitCode === 126;
    });
    await assert.rejects(one.shim.resize(host.op, { height: 1, width: 1 }, "unknown"), { kind: "notFound" });
    assert.deepEqual(await logLines(one.log), [], "execs are not logged");
  });

  it("tells a later daemon of a container that still runs", async () => {
    const host = open();
    const one = await host.prepare(["sh", "-c", "read a; echo $a; exit 6"]);
    const { pid } = await one.start({ openStdin: true });
    await host.exec(one, "short", ["sh", "-c", "exit 9"]);
    await one.shim.execExited("short");
    await host.exec(one, "long", ["sleep", "100"]);
    one.shim.disconnect();

    const later = host.anotherDaemon();
    const adopted = await later.adopt(host.op, one.dir);
    assert.ok(adopted.kind === "running");
    const { shim } = adopted;
    assert.equal(shim.initPid, pid);
    assert.equal(shim.pid, one.shim.pid);
    assert.equal((await shim.execExited("short")).code, 9);
    const stream = await shim.attach(host.op, { stdin: true, stdout: true, stderr: true });
    stream.write("again\n");
    assert.equal(unframe(await readAll(stream)).stdout, "again\n");
    assert.equal((await shim.exited).code, 6);
    assert.equal((await shim.execExited("long")).code, 137);
    await shim.dispose(host.op);
    assert.deepEqual(await host.remains(one), []);
    await later.close();
  });

  it("records an exit that no daemon saw and cleans up by itself", async () => {
    const host = open();
    const one = await host.prepare(["sh", "-c", "read a; echo last words; exit 7"]);
    await one.start({ openStdin: true });
    const stream = await host.attach(one, { stdin: true });
    one.shim.disconnect();
    stream.write("go\n");
    assert.equal(unframe(await readAll(stream)).stdout, "last words\n");
    await until("the shim has gone", async () => !(await alive(one.shim.pid)));
    assert.deepEqual(await host.remains(one), []);
    const adopted = await host.shims.adopt(host.op, one.dir);
    assert.ok(adopted.kind === "exited");
    assert.equal(adopted.exit.code, 7);
    assert.deepEqual(
      (await logLines(one.log)).map((line) => line.log),
      ["last words\n"],
    );
  });

  it("ends a container whose shim was killed", async () => {
    const host = open();
    const one = await host.prepare(["sleep", "100"]);
    const { pid } = await one.start();
    process.kill(one.shim.pid, "SIGKILL");
    assert.equal((await one.shim.exited).code, 137);
    assert.equal(await alive(pid), false);
    assert.deepEqual(await host.remains(one), []);

    const two = await host.prepare(["sleep", "100"]);
    const second = await two.start();
    two.shim.disconnect();
    process.kill(two.shim.pid, "SIGKILL");
    const adopted = await host.shims.adopt(host.op, two.dir);
    assert.ok(adopted.kind === "exited");
    assert.equal(adopted.exit.code, 137);
    assert.equal(await alive(second.pid), false);
    assert.deepEqual(await host.remains(two), []);
  });
}

/** What depends on the shim alone, not on the runtime. */
function details(open: () => ShimHost): void {
  it("delivers 50 MB unharmed to a slow reader and to others", async () => {
    const host = open();
    const one = await host.prepare(["sh", "-c", `yes 0123456789abcdef | head -c ${megabytes50}`]);
    const fast = await host.attach(one);
    const slow = await host.attach(one);
    await one.start({ log: undefined });
    const expected = createHash("sha256");
    const line = Buffer.from("0123456789abcdef\n".repeat(4096));
    for (let left = megabytes50; left > 0; left -= line.length) expected.update(line.subarray(0, left));
    const wanted = expected.digest("hex");
    const sum = async (pauses: boolean, stream: typeof fast): Promise<string> => {
      const hash = createHash("sha256");
      let seen = 0;
      // Frames are cut at any place by the socket: take them apart as they come.
      let pending = Buffer.alloc(0);
      for await (const chunk of stream.iterator({ destroyOnReturn: false })) {
        pending = pending.length === 0 ? (chunk as Buffer) : Buffer.concat([pending, chunk as Buffer]);
        while (pending.length >= 8 && pending.length >= 8 + pending.readUInt32BE(4)) {
          const end = 8 + pending.readUInt32BE(4);
          hash.update(pending.subarray(8, end));
          pending = pending.subarray(end);
          if (pauses && ++seen % 100 === 0) await new Promise((resolve) => setTimeout(resolve, 2));
        }
      }
      stream.destroy();
      return hash.digest("hex");
    };
    const sums = await Promise.all([sum(false, fast), sum(true, slow)]);
    assert.deepEqual(sums, [wanted, wanted]);
    assert.equal((await one.shim.exited).code, 0);
  });

  it("delivers what a slow reader has not read yet even after dispose", async () => {
    const host = open();
    const one = await host.prepare(["sh", "-c", "yes | head -c 200000"]);
    const stream = await host.attach(one);
    await one.start();
    await one.shim.exited;
    await one.shim.dispose(host.op);
    assert.equal(unframe(await readAll(stream)).stdout.length, 200_000);
  });

  it("cuts off a client that takes nothing, and the container goes on", async () => {
    const host = open();
    const one = await host.prepare(["sh", "-c", `yes | head -c ${megabytes50}; exit 8`]);
    const stuck = await host.attach(one);
    await one.start({ log: undefined });
    assert.equal((await one.shim.exited).code, 8);
    assert.ok((await readAll(stuck)).length < megabytes50);
  });

  it("serves many clients and late ones", async () => {
    const host = open();
    const one = await host.prepare(["sh", "-c", "echo early; read a; echo late"]);
    const first = await host.attach(one);
    await one.start({ openStdin: true });
    await readUntil(first, "early");
    const many = await Promise.all(Array.from({ length: 40 }, () => host.attach(one)));
    const writer = await host.attach(one, { stdin: true, stdout: false, stderr: false });
    writer.write("x\n");
    const texts = await Promise.all(many.map(async (stream) => unframe(await readAll(stream)).stdout));
    assert.deepEqual(new Set(texts), new Set(["late\n"]));
    assert.equal((await readAll(writer)).length, 0);
    const afterwards = await host.attach(one);
    assert.equal((await readAll(afterwards)).length, 0);
    first.destroy();
  });

  it("keeps stdin open for the next client unless it is for one only", async () => {
    const host = open();
    const one = await host.prepare(["sh", "-c", "read a; read b; echo $a $b"]);
    await one.start({ openStdin: true });
    const first = await host.attach(one, { stdin: true });
    first.end("one\n");
    const second = await host.attach(one, { stdin: true });
    second.end("two\n");
    assert.equal(unframe(await readAll(second)).stdout, "one two\n");
    first.destroy();
  });

  it("takes megabytes of stdin from a client that has gone, and survives a reader that closed", async () => {
    const host = open();
    const one = await host.prepare(["sh", "-c", "wc -c"]);
    await one.start({ openStdin: true, stdinOnce: true });
    const output = await host.attach(one);
    const writer = await host.attach(one, { stdin: true, stdout: false, stderr: false });
    await new Promise<void>((resolve) => writer.write(Buffer.alloc(5_000_000, "x"), () => resolve()));
    writer.destroy();
    assert.equal(unframe(await readAll(output)).stdout.trim(), "5000000");

    const two = await host.prepare(["sh", "-c", "exec <&-; echo closed; sleep 0.1; echo still here"]);
    const stream = await host.attach(two, { stdin: true });
    await two.start({ openStdin: true, stdinOnce: true });
    stream.write(Buffer.alloc(300_000));
    assert.equal(unframe(await readAll(stream)).stdout, "closed\nstill here\n");
  });

  it("writes Docker's JSON lines", async () => {
    const host = open();
    const script = [
      `printf 'tab\\t quote" back\\\\ <&> \\001 \\303\\251 \\377 \\342\\200\\250\\r\\n'`,
      "head -c 20000 /dev/zero | tr '\\000' a",
      "echo",
      "printf 'no newline'",
    ].join("; ");
    const one = await host.prepare(["sh", "-c", script]);
    await one.start();
    await one.shim.exited;
    const text = await readFile(one.log, "utf8");
    const [first] = text.split("\n");
    assert.ok(
      first!.startsWith(
        String.raw`{"log":"tab\u0009 quote\" back\\ \u003c\u0026\u003e \u0001 é \ufffd \u2028\r\n","stream":"stdout","time":"2`,
      ),
      first,
    );
    const lines = await logLines(one.log);
    assert.deepEqual(
      lines.map((line) => line.log.length),
      [lines[0]!.log.length, 16_384, 20_000 - 16_384 + 1, "no newline".length],
    );
    assert.equal(lines[3]!.log, "no newline");
    for (const line of lines) {
      assert.match(line.time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/);
      assert.ok(Math.abs(Date.parse(line.time) - Date.now()) < 60_000, line.time);
    }
  });

  it("rotates the log by size and keeps as many files as asked", async () => {
    const host = open();
    const one = await host.prepare(["seq", "1", "1000"]);
    await one.start({ log: { path: one.log, maxSize: 10_000, maxFiles: 3 } });
    await one.shim.exited;
    const files = [`${one.log}.2`, `${one.log}.1`, one.log];
    const numbers: number[] = [];
    for (const file of files) {
      assert.ok((await stat(file)).size < 10_100);
      numbers.push(...(await logLines(file)).map((line) => Number(line.log)));
    }
    await assert.rejects(access(`${one.log}.3`));
    assert.equal(numbers.at(-1), 1000);
    assert.deepEqual(
      numbers,
      numbers.map((_, index) => numbers[0]! + index),
    );
  });

  it("goes on when the log cannot be written", async () => {
    const host = open();
    const one = await host.prepare(["sh", "-c", "seq 1 1000; exit 2"]);
    await one.start({ log: { path: "/dev/full", maxSize: 0, maxFiles: 1 } });
    assert.equal((await one.shim.exited).code, 2);
  });

  it("tells that memory ran out", async () => {
    const host = open();
    const one = await host.prepare(["dd", "if=/dev/zero", "of=/dev/null", "bs=100M", "count=1"], {
      memory: 16 * 1024 * 1024,
    });
    await one.start();
    const exit = await one.shim.exited;
    assert.deepEqual({ code: exit.code, oomKilled: exit.oomKilled }, { code: 137, oomKilled: true });
  });

  it("lets a user other than root open /dev/stdout anew", async () => {
    const host = open();
    const one = await host.prepare(["sh", "-c", "id -u; echo opened > /proc/self/fd/1"], { uid: 1234 });
    const stream = await host.attach(one);
    await one.start();
    assert.deepEqual(unframe(await readAll(stream)), { stdout: "1234\nopened\n", stderr: "" });
  });

  it("reports an exec's end although its child keeps the output open", async () => {
    const host = open();
    const one = await host.prepare(["sleep", "100"]);
    await one.start();
    const stream = await host.attach(one, { execId: "e" });
    await host.exec(one, "e", ["sh", "-c", "sleep 100 & echo started"]);
    assert.equal(unframe(await readAll(stream)).stdout, "started\n");
    assert.equal((await one.shim.execExited("e")).code, 0);
  });

  it("refuses what is no frame and goes on", async () => {
    const host = open();
    const one = await host.prepare(["sleep", "100"]);
    await one.start();
    const { connectShim } = await import("./shim-connection.ts");
    for (const bytes of [
      "GET / HTTP/1.0\r\n\r\n",
      "\x05\0\0\0\x63\0\0\0\0",
      "\xff\xff\xff\xff",
      "\x06\0\0\0\x03\0\0\0\0\0",
    ]) {
      const socket = await connectShim(one.dir);
      socket.on("error", () => {});
      socket.write(Buffer.from(bytes, "latin1"));
      assert.equal((await readAll(socket)).length, 0);
    }
    await one.shim.signal(host.op, 15);
    assert.ok(await alive(one.shim.pid));
  });

  it("works below a path that is longer than a socket address", async () => {
    const host = open();
    const shim = await host.shims.launch(host.op, join(host.root, "long".repeat(40), "run"));
    const stream = await shim.attach(host.op, { stdin: false, stdout: true, stderr: true });
    await shim.dispose(host.op);
    assert.equal((await readAll(stream)).length, 0);
  });

  it("takes only what is needed from the machine while idle", async () => {
    const host = open();
    const one = await host.prepare(["sleep", "100"]);
    await one.start({ openStdin: true });
    const fds = async (): Promise<number> => (await import("node:fs")).readdirSync(`/proc/${one.shim.pid}/fd`).length;
    const before = await fds();
    for (let i = 0; i < 30; i++) {
      await host.exec(one, `e${i}`, ["true"]);
      await one.shim.execExited(`e${i}`);
    }
    assert.equal(await fds(), before);
  });
}

for (const [name, runtime, build] of [
  ["the release build with crun", "crun", "release"],
  ["the sanitized build with crun", "crun", "asan"],
  ["the release build with runc", "runc", "release"],
] as const)
  describe(name, () => {
    let host: ShimHost;
    before(async () => {
      host = await ShimHost.open(buildShim(build), findRuntime(runtime));
    });
    after(() => host.close());
    basics(() => host);
    if (runtime === "crun") details(() => host);
  });
