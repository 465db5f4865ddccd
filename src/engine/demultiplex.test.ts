import assert from "node:assert/strict";
import { once } from "node:events";
import { PassThrough, Readable } from "node:stream";
import { buffer, text } from "node:stream/consumers";
import { test } from "node:test";
import { isKind } from "../base/errors.ts";
import { frame, frameHeaderSize } from "../containers/frames.ts";
import { demultiplex } from "./demultiplex.ts";

const sample = Buffer.concat([
  frame(1, Buffer.from("one\n")),
  frame(2, Buffer.from("err\u00e9")),
  frame(1, Buffer.alloc(0)),
  frame(1, Buffer.from("two")),
]);

test("a frame says its stream and its length", () => {
  assert.deepEqual([...frame(2, Buffer.from("hey"))], [2, 0, 0, 0, 0, 0, 0, 3, 104, 101, 121]);
  assert.equal(frame(1, Buffer.alloc(70_000)).readUInt32BE(4), 70_000);
  assert.equal(frame(1, Buffer.alloc(0)).length, frameHeaderSize);
});

for (let at = 0; at <= sample.length; at++)
  test(`a stream that is split at byte ${at} is put together again`, async () => {
    const pieces = [sample.subarray(0, at), sample.subarray(at)].filter(({ length }) => length > 0);
    const { stdout, stderr } = demultiplex(Readable.from(pieces));
    assert.deepEqual(await Promise.all([text(stdout), text(stderr)]), ["one\ntwo", "err\u00e9"]);
  });

test("a stream byte by byte is put together again", async () => {
  const { stdout, stderr } = demultiplex(Readable.from([...sample].map((byte) => Buffer.of(byte))));
  assert.deepEqual(await Promise.all([text(stdout), text(stderr)]), ["one\ntwo", "err\u00e9"]);
});

test("a slow reader loses nothing, and no listeners pile up", async () => {
  const piece = Buffer.alloc(20_000, "x");
  const warnings: unknown[] = [];
  const note = (warning: Error): number => warnings.push(warning.message);
  process.on("warning", note);
  const { stdout, stderr } = demultiplex(Readable.from(Array.from({ length: 50 }, () => frame(1, piece))));
  stderr.resume();
  let sum = 0;
  for await (const chunk of stdout) {
    sum += (chunk as Buffer).length;
    assert.ok(stdout.listenerCount("close") < 5, "listeners of earlier waits");
    await new Promise((resolve) => setImmediate(resolve));
  }
  process.off("warning", note);
  assert.equal(sum, 50 * piece.length);
  assert.deepEqual(warnings, []);
});

test("one half that is thrown away does not hold the other up", async () => {
  const frames = Array.from({ length: 20 }, () => [frame(1, Buffer.alloc(20_000)), frame(2, Buffer.from("e"))]).flat();
  const { stdout, stderr } = demultiplex(Readable.from(frames));
  stdout.destroy();
  assert.equal(await text(stderr), "e".repeat(20));
});

test("a stream that is cut short ends both", async () => {
  const framed = new PassThrough();
  const { stdout, stderr } = demultiplex(framed);
  framed.write(sample.subarray(0, -2));
  const first = once(stderr, "data");
  const out = buffer(stdout);
  const ended = once(stderr, "end");
  await first;
  framed.destroy();
  assert.equal((await out).toString(), "one\nt");
  await ended;
});

test("what is no framed stream is corrupt", async () => {
  const { stdout, stderr } = demultiplex(Readable.from([Buffer.from("plain text")]));
  const isCorrupt = (error: unknown): boolean => isKind(error, "corrupt");
  await Promise.all([stdout, stderr].map((stream) => assert.rejects(text(stream), isCorrupt)));
});
