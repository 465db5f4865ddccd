import assert from "node:assert/strict";
import { access, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { it } from "node:test";
import { KeelsonError } from "../base/errors.ts";
import { createLogger } from "../base/log.ts";
import { Operation } from "../base/operation.ts";
import { createShims } from "./shim.ts";
import { connectShim } from "./shim-connection.ts";
import { onEach, releaseBuild, sanitizedBuild, withRunc } from "./testing/shim-builds.ts";
import { alive, logLines, readAll, readUntil, unframe, until } from "./testing/shim-host.ts";

onEach([releaseBuild, sanitizedBuild, withRunc], (open) => {
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
    const size = { height: 33, width: 77 };
    const one = await host.prepare(["sh", "-c", script], { terminal: true, consoleSize: size });
    const stream = await host.attach(one, { stdin: true });
    await one.start({ openStdin: true, size });
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
    { args: ["/tmp"], exitCode: 126, words: "permission denied" },
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
    // crun 1.8 passes over an exec's consoleSize: the size comes from the shim, perhaps after the first look.
    const sized = 'while [ -z "$(stty size 2>/dev/null)" ]; do :; done; stty size';
    await host.exec(one, "e2", ["sh", "-c", `${sized}; read a; stty size`], {
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
});

onEach([releaseBuild, sanitizedBuild], (open) => {
  it("gives a start up when asked to and leaves nothing", async () => {
    const host = open();
    const one = await host.prepare(["sleep", "100"]);
    const runtime = join(host.root, "stalls");
    await writeFile(runtime, "#!/bin/sh\nexec sleep 100\n", { mode: 0o755 });
    const abort = new AbortController();
    const op = new Operation("test", abort.signal);
    const started = one.start({ runtime }, op);
    abort.abort();
    await assert.rejects(started, { kind: "cancelled" });
    await until("the shim has gone", async () => !(await alive(one.shim.pid)));
    assert.deepEqual(await host.remains(one), []);
  });

  it("goes on with a start whose daemon has gone", async () => {
    const host = open();
    const one = await host.prepare(["sleep", "100"]);
    const started = one.start();
    await until("the start is under way", () =>
      access(join(one.dir, "run")).then(
        () => true,
        () => false,
      ),
    );
    one.shim.disconnect();
    await assert.rejects(started, { kind: "unavailable" });
    const adopted = await host.shims.adopt(host.op, one.dir);
    assert.ok(adopted.kind === "running");
    assert.ok(await alive(adopted.shim.initPid!));
    await adopted.shim.dispose(host.op);
    assert.deepEqual(await host.remains(one), []);
  });

  it("leaves when its daemon goes before anything was started", async () => {
    const host = open();
    const one = await host.prepare(["true"]);
    one.shim.disconnect();
    await until("the shim has gone", async () => !(await alive(one.shim.pid)));
    assert.deepEqual(await host.shims.adopt(host.op, one.dir), { kind: "none" });
    assert.deepEqual(await host.shims.adopt(host.op, join(host.root, "never")), { kind: "none" });
  });

  it("starts again in the folder of an earlier run", async () => {
    const host = open();
    const one = await host.prepare(["sh", "-c", "exit 3"]);
    await one.start();
    await one.shim.exited;
    await one.shim.dispose(host.op);
    const again = await host.shims.launch(host.op, one.dir);
    process.kill(again.pid, "SIGKILL");
    await until("the shim has gone", async () => !(await alive(again.pid)));
    assert.deepEqual(await host.shims.adopt(host.op, one.dir), { kind: "none" });
  });

  it("ends what outlives its init where there is no PID namespace", async () => {
    const host = open();
    const one = await host.prepare(["sh", "-c", "sleep 100 & echo $!"], { hostPids: true });
    const stream = await host.attach(one);
    await one.start();
    const pid = Number(unframe(await readAll(stream)).stdout);
    assert.equal((await one.shim.exited).code, 0);
    assert.ok(await alive(pid));
    await one.shim.dispose(host.op);
    await until("the child has gone", async () => !(await alive(pid)));
    assert.deepEqual(await host.remains(one), []);
  });

  it("says what is wrong with a shim that cannot be started", async () => {
    const shims = createShims({
      binary: "/nonexistent/keelson-shim",
      spare: false,
      log: createLogger("error", () => {}),
    });
    await assert.rejects(shims.launch(open().op, join(open().root, "broken")), { message: /ENOENT/, kind: "system" });
    await shims.close();
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

  it("refuses what is no frame and goes on", async () => {
    const host = open();
    const one = await host.prepare(["sleep", "100"]);
    await one.start();
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
    const fds = async (): Promise<number> => (await readdir(`/proc/${one.shim.pid}/fd`)).length;
    const before = await fds();
    for (let i = 0; i < 30; i++) {
      await host.exec(one, `e${i}`, ["true"]);
      await one.shim.execExited(`e${i}`);
    }
    assert.equal(await fds(), before);
  });
});
