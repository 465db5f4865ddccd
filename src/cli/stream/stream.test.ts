import assert from "node:assert/strict";
import { once } from "node:events";
import { Duplex, PassThrough } from "node:stream";
import { test } from "node:test";
import { KeySequence } from "../../base/key-sequence.ts";
import { parseDetachKeys } from "./detach-keys.ts";
import { FrameReader, StreamError } from "./frames.ts";
import { type ProgressLine, showProgress } from "./progress.ts";
import { Detached, runSession } from "./session.ts";

function frame(stream: number, text: string): Buffer {
  const head = Buffer.alloc(8);
  head[0] = stream;
  head.writeUInt32BE(Buffer.byteLength(text), 4);
  return Buffer.concat([head, Buffer.from(text)]);
}

test("frames are taken apart wherever they are cut", () => {
  const bytes = Buffer.concat([frame(1, "out"), frame(2, "error"), frame(1, ""), frame(1, "more")]);
  for (let size = 1; size <= bytes.length; size++) {
    const seen = { stdout: "", stderr: "" };
    const reader = new FrameReader((stream, piece) => {
      seen[stream] += piece.toString();
    });
    for (let at = 0; at < bytes.length; at += size) reader.push(bytes.subarray(at, at + size));
    assert.deepEqual(seen, { stdout: "outmore", stderr: "error" });
  }
  assert.throws(() => new FrameReader(() => {}).push(frame(3, "broken")), /error from daemon in stream: broken/);
  assert.throws(() => new FrameReader(() => {}).push(frame(9, "x")), StreamError);
});

test("detach keys are found across reads, and half a sequence is handed on", () => {
  const keys = new KeySequence(parseDetachKeys(""));
  assert.deepEqual(keys.push(Buffer.from("ab\x10")), { pass: Buffer.from("ab"), complete: false });
  assert.deepEqual(keys.push(Buffer.from("c")), { pass: Buffer.from("\x10c"), complete: false });
  assert.deepEqual(keys.push(Buffer.from("\x10\x10")), { pass: Buffer.from("\x10"), complete: false });
  assert.deepEqual(keys.push(Buffer.from("\x11rest")), { pass: Buffer.from(""), complete: true });
  assert.deepEqual(parseDetachKeys("ctrl-a,b,ctrl-@,ctrl-["), [1, 98, 0, 27]);
  assert.throws(() => parseDetachKeys("ctrl-"), /Unknown character: 'ctrl-'/);
});

/** Two ends of a connection: what one writes the other reads. */
function connection(): { near: Duplex; far: Duplex } {
  const [there, back] = [new PassThrough(), new PassThrough()];
  return {
    near: Duplex.from({ readable: back, writable: there }),
    far: Duplex.from({ readable: there, writable: back }),
  };
}

const asStream = <T>(stream: PassThrough): T => stream as unknown as T;

async function text(stream: NodeJS.ReadableStream): Promise<string> {
  let all = "";
  for await (const chunk of stream) all += chunk;
  return all;
}

test("a session copies input with its end, and takes output apart", async () => {
  const { near, far } = connection();
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const session = runSession(
    { stream: near, multiplexed: true },
    { stdin: asStream(stdin), stdout: asStream(stdout), stderr: asStream(stderr), tty: false },
  );
  stdin.end("question");
  assert.equal(await text(far), "question");
  far.write(frame(1, "answer"));
  far.end(frame(2, "complaint"));
  await session;
  stdout.end();
  stderr.end();
  assert.deepEqual([await text(stdout), await text(stderr)], ["answer", "complaint"]);
});

test("the detach keys end a session with a terminal", async () => {
  const { near, far } = connection();
  const [stdin, stdout] = [new PassThrough(), new PassThrough()];
  const session = runSession(
    { stream: near, multiplexed: false },
    { stdin: asStream(stdin), stdout: asStream(stdout), tty: true, detachKeys: "ctrl-x,y" },
  );
  const refused = assert.rejects(session, Detached);
  far.on("error", () => {});
  far.write("raw");
  assert.equal(String((await once(stdout, "data"))[0]), "raw");
  stdin.write("a\x18y");
  await refused;
});

async function* linesOf(lines: readonly ProgressLine[]): AsyncIterable<ProgressLine> {
  yield* lines;
}

async function shown(lines: readonly ProgressLine[], isTTY: boolean): Promise<string> {
  let out = "";
  await showProgress(linesOf(lines), { isTTY, columns: 80, write: (piece: string) => (out += piece) });
  return out;
}

const pulling: readonly ProgressLine[] = [
  { status: "Pulling from x", id: "latest" },
  { status: "Pulling fs layer", id: "aaa", progressDetail: {} },
  { status: "Pulling fs layer", id: "bbb", progressDetail: {} },
  { status: "Downloading", id: "aaa", progressDetail: { current: 50, total: 100 } },
  { status: "Pull complete", id: "aaa", progressDetail: {} },
  { status: "Status: done" },
];

test("progress is plain lines where there is no terminal", async () => {
  const plain =
    "latest: Pulling from x\naaa: Pulling fs layer\nbbb: Pulling fs layer\naaa: Pull complete\nStatus: done\n";
  assert.equal(await shown(pulling, false), plain);
  assert.equal(await shown([{ stream: "Loaded image: x\n" }], false), "Loaded image: x\n");
});

test("progress on a terminal rewrites the line of its layer, with a bar", async () => {
  const screen = rendered(await shown(pulling.slice(0, 4), true));
  assert.equal(screen[0], "latest: Pulling from x");
  assert.match(screen[1]!, /^aaa: Downloading \[=+> +\] +50B\/100B$/);
  assert.equal(screen[2], "bbb: Pulling fs layer");
  assert.deepEqual(rendered(await shown(pulling, true)).slice(1), [
    "aaa: Pull complete",
    "bbb: Pulling fs layer",
    "Status: done",
    "",
  ]);
});

/** What a terminal shows after these bytes: cursor up and down, clear line, carriage return, new line. */
function rendered(bytes: string): string[] {
  const lines = [""];
  let row = 0;
  for (const [, code, count, plain] of bytes
    .matchAll(/\x1b\[(\d*)([A-Z])|([^\x1b])/g)
    .map(([all, n, letter, char]) => [all, letter, n, char] as const)) {
    if (code === "A") row -= Number(count);
    else if (code === "B") row += Number(count);
    else if (code === "K") lines[row] = "";
    else if (plain === "\n") lines[++row] ??= "";
    else if (plain !== undefined && plain !== "\r") lines[row] += plain;
  }
  return lines;
}

test("an error in a progress stream is thrown", async () => {
  await assert.rejects(shown([{ error: "short", errorDetail: { message: "manifest unknown" } }], false), {
    message: "manifest unknown",
  });
});
