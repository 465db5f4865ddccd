import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  linkSync,
  mkdirSync,
  readdirSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { isKind } from "../base/errors.ts";
import { Operation } from "../base/operation.ts";
import * as files from "../kernel/files.ts";
import { temporaryFolder } from "../kernel/testing/temporary.ts";
import { copyTree } from "./copy.ts";
import { describeTree } from "./testing/describe-tree.ts";

const folder = temporaryFolder("copy");
const op = new Operation("test");

function folders(name: string): [from: string, to: string] {
  const pair = [join(folder, `${name}-from`), join(folder, `${name}-to`)] as const;
  for (const path of pair) mkdirSync(path);
  return [...pair];
}

test("a tree is copied with everything that belongs to it", async () => {
  const [from, to] = folders("tree");
  mkdirSync(join(from, "d", "e"), { recursive: true });
  writeFileSync(join(from, "d", "e", "file"), "content");
  chownSync(join(from, "d", "e", "file"), 11, 12);
  chmodSync(join(from, "d", "e", "file"), 0o6711);
  linkSync(join(from, "d", "e", "file"), join(from, "again"));
  linkSync(join(from, "d", "e", "file"), join(from, "d", "third"));
  symlinkSync("/nowhere", join(from, "link"));
  writeFileSync(Buffer.from(`${from}/\xff\xfe`, "latin1"), "odd");
  execFileSync("mknod", [join(from, "null"), "c", "1", "3"]);
  execFileSync("mkfifo", [join(from, "fifo")]);
  writeFileSync(join(from, "sparse"), "start");
  truncateSync(join(from, "sparse"), 64 << 20);
  const fd = files.openFolder(from);
  assert.equal(files.lsetxattr(fd, "d", "user.key", Buffer.from("value")), 0);
  assert.equal(
    files.lsetxattr(fd, "again", "security.capability", Buffer.from("0100000200200000000000000000000000000000", "hex")),
    0,
  );
  files.close(fd);
  chownSync(from, 100, 101);
  chmodSync(from, 0o1770);
  await copyTree(op, from, to);
  assert.deepEqual(describeTree(to, { nanoseconds: true }), describeTree(from, { nanoseconds: true }));
  assert.equal(describeTree(to).length, 11);
  assert.ok(statSync(join(to, "sparse")).blocks * 512 < 1 << 20);
});

test("an empty folder gives its owner and mode", async () => {
  const [from, to] = folders("empty");
  chownSync(from, 5, 6);
  chmodSync(from, 0o2750);
  await copyTree(op, from, to);
  assert.deepEqual(describeTree(to, { nanoseconds: true }), describeTree(from, { nanoseconds: true }));
});

test("a copy that cannot be made, and one that nobody wants any more", async () => {
  const [from, to] = folders("broken");
  writeFileSync(join(from, "x"), "");
  await assert.rejects(copyTree(op, from, join(folder, "not-there")), (error) => isKind(error, "system"));
  await assert.rejects(copyTree(op, join(folder, "not-there"), to), (error) => isKind(error, "system"));
  const abort = new AbortController();
  for (let i = 0; i < 2000; i++) writeFileSync(join(from, `f${i}`), "");
  const work = copyTree(new Operation("seed", abort.signal), from, to);
  abort.abort();
  await assert.rejects(work, (error) => isKind(error, "cancelled"));
  assert.ok(readdirSync(to).length < 2000);
  assert.throws(() => statSync(join(folder, "not-there")));
});
