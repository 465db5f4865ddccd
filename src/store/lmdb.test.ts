import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { isKind } from "../base/errors.ts";
import { openStore } from "./lmdb.ts";

interface Thing {
  readonly n: number;
}

if (process.argv[2] === "write-and-die") {
  const store = openStore(process.argv[3]!);
  const table = store.table<Thing>("things", { version: 1 });
  await table.put("committed", { n: 1 });
  process.send!("committed", () => process.kill(process.pid, "SIGKILL"));
  await new Promise(() => {});
}

const dir = await mkdtemp(join(tmpdir(), "keelson-store-"));
after(() => rm(dir, { recursive: true, force: true }));

test("records are kept over a reopen, in key order and by prefix", async () => {
  const path = join(dir, "a");
  const first = openStore(path);
  const things = first.table<Thing>("things", { version: 1 });
  await Promise.all([things.put("b/2", { n: 2 }), things.put("a/1", { n: 1 }), things.put("b/1", { n: 3 })]);
  await things.remove("nothing");
  await first.close();
  const again = openStore(path).table<Thing>("things", { version: 1 });
  assert.deepEqual(again.get("a/1"), { n: 1 });
  assert.deepEqual(
    again.entries("b/").map(([key]) => key),
    ["b/1", "b/2"],
  );
  assert.equal(again.get("c"), undefined);
});

test("a transaction is all or nothing", async () => {
  const store = openStore(join(dir, "b"));
  const things = store.table<Thing>("things", { version: 1 });
  await store.transaction(() => {
    void things.put("x", { n: 1 });
    void things.put("y", { n: 2 });
  });
  assert.equal(things.entries().length, 2);
  await assert.rejects(
    store.transaction(() => {
      void things.put("z", { n: 3 });
      throw new Error("no");
    }),
    /no/,
  );
  assert.equal(things.get("z"), undefined);
  await store.close();
});

test("older records are upgraded, newer ones refused", async () => {
  const path = join(dir, "c");
  const old = openStore(path);
  await old.table<Thing>("things", { version: 1 }).put("x", { n: 1 });
  await old.close();
  const upgraded = openStore(path);
  const upgrade = (record: unknown): Thing => ({ n: (record as Thing).n + 100 });
  assert.deepEqual(upgraded.table<Thing>("things", { version: 2, upgrade }).get("x"), { n: 101 });
  await upgraded.table<Thing>("things", { version: 2, upgrade }).put("x", { n: 5 });
  await upgraded.close();
  assert.throws(() => openStore(path).table<Thing>("things", { version: 1 }).get("x"), /schema version 2/);
});

test("what was committed survives SIGKILL", async () => {
  const path = join(dir, "d");
  const child = fork(fileURLToPath(import.meta.url), ["write-and-die", path]);
  await once(child, "exit");
  assert.deepEqual(openStore(path).table<Thing>("things", { version: 1 }).get("committed"), { n: 1 });
});

test("a write after the store was closed is refused, and ends nothing else", async () => {
  const store = openStore(join(dir, "closed"));
  const table = store.table<Thing>("things", { version: 1 });
  await store.close();
  const isRefused = (error: unknown): boolean => isKind(error, "unavailable");
  await assert.rejects(table.put("a", { n: 1 }), isRefused);
  await assert.rejects(table.remove("a"), isRefused);
  await assert.rejects(
    store.transaction(() => {}),
    isRefused,
  );
});
