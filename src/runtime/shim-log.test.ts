import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { access, mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { it } from "node:test";
import { onEach, releaseBuild, sanitizedBuild } from "./testing/shim-builds.ts";
import { logLines, readUntil } from "./testing/shim-host.ts";

onEach([releaseBuild, sanitizedBuild], (open) => {
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

  it("loses only whole lines to a full disk, and resumes when there is room", async () => {
    const host = open();
    const disk = join(host.root, "disk");
    await mkdir(disk);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", disk]);
    try {
      const one = await host.prepare(["sh", "-c", "seq 1 1000; echo full; read a; echo resumed"]);
      const stream = await host.attach(one, { stdin: true });
      await writeFile(join(disk, "filler"), Buffer.alloc(40_000));
      const log = join(disk, "log");
      await one.start({ openStdin: true, log: { path: log, maxSize: 0, maxFiles: 1 } });
      await readUntil(stream, "full");
      await rm(join(disk, "filler"));
      stream.write("go\n");
      await one.shim.exited;
      stream.destroy();
      const lines = await logLines(log);
      assert.equal(lines.at(-1)!.log, "resumed\n");
      assert.ok(lines.length < 1000);
    } finally {
      execFileSync("umount", [disk]);
    }
  });

  it("adds to the log of an earlier run, whose last line a crash cut short", async () => {
    const host = open();
    const one = await host.prepare(["echo", "second"]);
    await writeFile(one.log, '{"log":"first\\n","stream":"stdout","time":"2024-01-01T00:00:00Z"}\n{"log":"tor');
    await one.start();
    await one.shim.exited;
    const lines = (await readFile(one.log, "utf8")).split("\n");
    assert.equal(lines[1], '{"log":"tor');
    assert.equal((JSON.parse(lines[2]!) as { log: string }).log, "second\n");
  });

  it("starts anew where one file is all that is kept", async () => {
    const host = open();
    const one = await host.prepare(["seq", "1", "1000"]);
    await one.start({ log: { path: one.log, maxSize: 5_000, maxFiles: 1 } });
    await one.shim.exited;
    assert.ok((await stat(one.log)).size < 5_100);
    assert.equal((await logLines(one.log)).at(-1)!.log, "1000\n");
    await assert.rejects(access(`${one.log}.1`));
  });

  it("refuses to start where the log has no folder", async () => {
    const host = open();
    const one = await host.prepare(["true"]);
    await assert.rejects(one.start({ log: { path: join(host.root, "none/log"), maxSize: 0, maxFiles: 1 } }), {
      message: /failed to initialize logging driver: ENOENT/,
    });
  });
});
