import assert from "node:assert/strict";
import { once } from "node:events";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { KeySequence } from "../base/key-sequence.ts";
import { defaultDetachKeys, detachable, parseDetachKeys } from "./detach.ts";

const passed = (filter: KeySequence, text: string) => {
  const { pass, complete } = filter.push(Buffer.from(text));
  return [Buffer.from(pass).toString(), complete];
};

test("keys are parsed as Docker's", () => {
  assert.deepEqual(parseDetachKeys("ctrl-p,ctrl-q"), [16, 17]);
  assert.deepEqual(parseDetachKeys("a,ctrl-],ctrl-@"), [97, 29, 0]);
  assert.throws(() => parseDetachKeys("ctrl-,x"), /Invalid detach keys/);
  assert.throws(() => parseDetachKeys("abc"), /Invalid detach keys/);
});

test("what is typed passes, half a sequence is held back until it is none", () => {
  const filter = new KeySequence(defaultDetachKeys);
  assert.deepEqual(passed(filter, "ls\x10"), ["ls", false]);
  assert.deepEqual(passed(filter, "x"), ["\x10x", false]);
  assert.deepEqual(passed(filter, "\x10\x10"), ["\x10", false]);
  assert.deepEqual(passed(filter, "\x11never seen"), ["", true]);
});

test("a detached stream ends for its reader, and the other side is let go", async () => {
  const terminal = new PassThrough();
  let detached = 0;
  const stream = detachable(terminal, defaultDetachKeys, () => detached++);
  const output: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => output.push(chunk));
  stream.write("echo\n");
  stream.write("\x10\x11");
  await once(stream, "end");
  assert.equal(detached, 1);
  assert.equal(terminal.destroyed, true);
});
