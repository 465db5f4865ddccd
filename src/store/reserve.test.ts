import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { open } from "lmdb";
import { isKind } from "../base/errors.ts";
import { Reserve } from "./reserve.ts";

const dir = await mkdtemp(join(tmpdir(), "keelson-reserve-"));
after(() => rm(dir, { recursive: true, force: true }));

test("there is always room behind the last page, however much is written", async () => {
  const path = join(dir, "a");
  const root = open<string, string>({ path, encoding: "json" });
  const reserve = new Reserve(root, join(path, "data.mdb"));
  const left = (): number => {
    const { lastPageNumber, pageSize } = root.getStats() as { lastPageNumber: number; pageSize: number };
    const { size, blocks } = statSync(join(path, "data.mdb"));
    assert.ok(blocks * 512 >= size, "a hole is no room");
    return size - (lastPageNumber + 1) * pageSize;
  };
  for (let record = 0; record < 1000; record++) {
    assert.equal(reserve.keep(), true);
    await root.put(`key-${record}`, "x".repeat(5000));
    assert.ok(left() >= 1 << 20, `${left()} bytes after ${record} records`);
  }
  reserve.close();
  await root.close();
  const again = open<string, string>({ path, encoding: "json" });
  assert.equal(again.getCount(), 1000);
  await again.close();
});

test("a refusal within a transaction is thrown by the transaction", async () => {
  const path = join(dir, "b");
  const root = open<string, string>({ path, encoding: "json" });
  const reserve = new Reserve(root, join(path, "data.mdb"));
  assert.throws(
    () => reserve.refuse(),
    (error) => isKind(error, "exhausted"),
  );
  const inTransaction = root.childTransaction(() =>
    reserve.watch(() => {
      void root.put("one", "1");
      assert.equal(reserve.refuse(), true);
    }),
  );
  await assert.rejects(
    async () => inTransaction,
    (error) => isKind(error, "exhausted"),
  );
  assert.equal(root.get("one"), undefined);
  reserve.close();
  await root.close();
});
