import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { it } from "node:test";
import { onEach, releaseBuild, sanitizedBuild } from "./testing/shim-builds.ts";
import { readAll, readUntil, unframe } from "./testing/shim-host.ts";

const megabytes50 = 50 * 1024 * 1024;

onEach([releaseBuild, sanitizedBuild], (open) => {
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
      let pending: Buffer = Buffer.alloc(0);
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

  it("keeps a terminal that its process closes and opens again", async () => {
    const host = open();
    const script = "echo first; exec </dev/null >/dev/null 2>&1; sleep 0.05; echo again >/dev/console";
    const one = await host.prepare(["sh", "-c", script], { terminal: true });
    const stream = await host.attach(one);
    await one.start();
    assert.equal((await readAll(stream)).toString(), "first\r\nagain\r\n");
    assert.equal((await one.shim.exited).code, 0);
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
});
