import assert from "node:assert/strict";
import { appendFile, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { readLog } from "./log-reader.ts";

let dir = "";
before(async () => {
  dir = await mkdtemp(join(tmpdir(), "keelson-logs-"));
});
after(() => rm(dir, { recursive: true, force: true }));

const entry = (n: number): string =>
  `${JSON.stringify({ log: `line ${n}\n`, stream: "stdout", time: `2024-01-01T00:00:${String(n % 60).padStart(2, "0")}Z` })}\n`;
const entries = (from: number, to: number): string =>
  Array.from({ length: to - from + 1 }, (_, index) => entry(from + index)).join("");

const idle = { ended: undefined, signal: new AbortController().signal };

async function all(
  path: string,
  options: Parameters<typeof readLog>[1],
  source: Partial<Parameters<typeof readLog>[0]> = {},
) {
  const lines: string[] = [];
  for await (const batch of readLog({ path, ...idle, ...source }, options))
    lines.push(...batch.map(({ log }) => log.trim()));
  return lines;
}

test("reads rotated files in order, and tails across them", async () => {
  const path = join(dir, "a.log");
  await writeFile(`${path}.2`, entries(1, 3));
  await writeFile(`${path}.1`, entries(4, 6));
  await writeFile(path, entries(7, 8));
  assert.deepEqual(
    await all(path, { follow: false }),
    [1, 2, 3, 4, 5, 6, 7, 8].map((n) => `line ${n}`),
  );
  assert.deepEqual(await all(path, { follow: false, tail: 3 }), ["line 6", "line 7", "line 8"]);
  assert.deepEqual(
    await all(path, { follow: false, tail: 5 }),
    [4, 5, 6, 7, 8].map((n) => `line ${n}`),
  );
  assert.deepEqual(
    await all(path, { follow: false, tail: 100 }),
    [1, 2, 3, 4, 5, 6, 7, 8].map((n) => `line ${n}`),
  );
  assert.deepEqual(await all(path, { follow: false, tail: 0 }), []);
});

test("tails a log larger than one chunk by every count around the chunk's border", async () => {
  const path = join(dir, "large.log");
  await writeFile(path, entries(1, 3000));
  for (const tail of [1, 2, 776, 777, 778, 1500, 2999, 3000, 3001])
    assert.deepEqual(
      await all(path, { follow: false, tail }),
      Array.from({ length: Math.min(tail, 3000) }, (_, index) => `line ${Math.max(0, 3000 - tail) + index + 1}`),
      `tail ${tail}`,
    );
});

test("since and until bound the times", async () => {
  const path = join(dir, "times.log");
  await writeFile(path, entries(1, 9));
  const at = (second: number): bigint => BigInt(Date.parse(`2024-01-01T00:00:0${second}Z`)) * 1_000_000n;
  assert.deepEqual(await all(path, { follow: false, since: at(3), until: at(5) }), ["line 3", "line 4", "line 5"]);
});

test("follows what is appended through two rotations, to the end of the container", async () => {
  const path = join(dir, "live.log");
  await writeFile(path, entries(1, 2));
  const ended = Promise.withResolvers<void>();
  const lines: string[] = [];
  let next = Promise.withResolvers<void>();
  const reading = (async () => {
    for await (const batch of readLog({ path, ended: ended.promise, signal: idle.signal }, { follow: true })) {
      lines.push(...batch.map(({ log }) => log.trim()));
      next.resolve();
    }
  })();
  const until = async (count: number): Promise<void> => {
    while (lines.length < count) {
      await next.promise;
      next = Promise.withResolvers();
    }
  };
  await until(2);
  await appendFile(path, entries(3, 3));
  await until(3);
  await appendFile(path, entries(4, 4));
  await rename(path, `${path}.1`);
  await writeFile(path, entries(5, 5));
  await until(5);
  await rename(`${path}.1`, `${path}.2`);
  await rename(path, `${path}.1`);
  await writeFile(path, entries(6, 6));
  await until(6);
  await appendFile(path, entries(7, 7));
  ended.resolve();
  await reading;
  assert.deepEqual(
    lines,
    [1, 2, 3, 4, 5, 6, 7].map((n) => `line ${n}`),
  );
});

test("a follower of a log that is not there yet waits for it; an abort ends the wait", async () => {
  const path = join(dir, "later.log");
  const abort = new AbortController();
  const ended = new Promise(() => {});
  const reading = all(path, { follow: true }, { ended, signal: abort.signal });
  await writeFile(path, entries(1, 1));
  abort.abort();
  assert.ok((await reading).length <= 1);
  assert.deepEqual(await all(join(dir, "never.log"), { follow: false }), []);
});

test("lines that are no JSON are passed over", async () => {
  const path = join(dir, "broken.log");
  await writeFile(path, `${entry(1)}{"log":"cut\n\0\0\n${entry(2)}`);
  assert.deepEqual(await all(path, { follow: false }), ["line 1", "line 2"]);
});
