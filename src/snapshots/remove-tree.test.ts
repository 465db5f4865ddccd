import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { errnoOf } from "../base/errors.ts";
import * as files from "../kernel/files.ts";
import { isolate } from "../kernel/testing/isolate.ts";
import { temporaryFolder } from "../kernel/testing/temporary.ts";
import { removeTree } from "./remove-tree.ts";

isolate(import.meta.url);
const folder = temporaryFolder("remove");

function remove(name: string): void {
  const fd = files.openFolder(folder);
  try {
    removeTree(fd, files.byteString(name));
  } finally {
    files.close(fd);
  }
}

/** Folders within folders, deeper than a path can be long. */
function nest(path: string, depth: number): void {
  let at = files.openFolder(path);
  for (let i = 0; i < depth; i++) {
    files.must(files.mkdirat(at, "folder", 0o755), "mkdir", "folder");
    const inner = files.must(files.openat(at, "folder", files.flag.DIRECTORY), "open", "folder");
    files.close(at);
    at = inner;
  }
  files.close(at);
}

test("files, links, devices and deep folders go; what a link leads to stays", () => {
  mkdirSync(join(folder, "victim"));
  writeFileSync(join(folder, "victim", "file"), "");
  mkdirSync(join(folder, "tree"));
  symlinkSync(join(folder, "victim"), join(folder, "tree", "link"));
  execFileSync("mknod", [join(folder, "tree", "whiteout"), "c", "0", "0"]);
  execFileSync("mkfifo", [join(folder, "tree", "fifo")]);
  nest(join(folder, "tree"), 1500);
  remove("tree");
  assert.deepEqual(readdirSync(folder), ["victim"]);
  assert.deepEqual(readdirSync(join(folder, "victim")), ["file"]);
  remove("not there");
  remove("victim/file");
  assert.deepEqual(readdirSync(join(folder, "victim")), []);
});

test("a mount is not entered, be it of the same file system", () => {
  mkdirSync(join(folder, "data"));
  writeFileSync(join(folder, "data", "precious"), "");
  for (const kind of ["bind", "tmpfs"]) {
    const place = join(folder, kind, "sub");
    mkdirSync(place, { recursive: true });
    if (kind === "bind") execFileSync("mount", ["--bind", join(folder, "data"), place]);
    else execFileSync("mount", ["-t", "tmpfs", "tmpfs", place]);
    writeFileSync(join(place, "new"), "");
    assert.throws(
      () => remove(kind),
      (error) => ["EBUSY", "EXDEV"].includes(errnoOf(error) ?? ""),
    );
    assert.ok(existsSync(join(place, "new")));
    execFileSync("umount", [place]);
    remove(kind);
    assert.ok(!existsSync(join(folder, kind)));
  }
  assert.deepEqual(readdirSync(join(folder, "data")).sort(), ["new", "precious"]);
});
