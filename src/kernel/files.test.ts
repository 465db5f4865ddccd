import assert from "node:assert/strict";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { isKind } from "../base/errors.ts";
import * as files from "./files.ts";
import { errno, fileType, flag, resolve } from "./files.ts";
import { temporaryFolder } from "./testing/temporary.ts";

const path = temporaryFolder("files");
const folder = files.openFolder(path);

test("openat2 keeps within the folder", () => {
  symlinkSync("/", join(path, "root"));
  symlinkSync("../..", join(path, "up"));
  writeFileSync(join(path, "file"), "x");
  const open = (name: string, how: number): number => {
    const fd = files.openat2(folder, name, flag.RDONLY, how);
    return fd < 0 ? fd : files.close(fd);
  };
  assert.equal(open("root/file", resolve.IN_ROOT), 0);
  assert.equal(open("up/up/file", resolve.IN_ROOT), 0);
  assert.equal(open("root/etc/passwd", resolve.IN_ROOT), -errno.ENOENT);
  assert.equal(open("root/etc/passwd", resolve.BENEATH), -errno.EXDEV);
  assert.equal(open("up", resolve.BENEATH), -errno.EXDEV);
  assert.equal(open("root/file", resolve.NO_SYMLINKS), -errno.ELOOP);
});

test("names are bytes", () => {
  const odd = "\xff\xfe\n";
  assert.equal(files.mkdirat(folder, odd, 0o700), 0);
  assert.equal(typeof files.statAt(folder, odd), "object");
  assert.ok(readFileSync(join(path, "file")));
  assert.equal(files.unlinkat(folder, odd), -errno.EISDIR);
  assert.equal(files.unlinkat(folder, odd, flag.AT_REMOVEDIR), 0);
  mkdirSync(join(path, "schön"));
  assert.equal(typeof files.statAt(folder, files.byteString("schön")), "object");
  assert.equal(files.textOf(files.byteString("schön")), "schön");
  assert.equal(files.mkdirat(folder, "n".repeat(256), 0o700), -errno.ENAMETOOLONG);
  assert.equal(files.mkdirat(folder, "n/".repeat(4000), 0o700), -errno.ENAMETOOLONG);
});

test("what is made has what it was made with", () => {
  assert.equal(files.mknodat(folder, "device", fileType.CHAR | 0o600, 4095, 1_048_575), 0);
  assert.equal(files.fchownat(folder, "device", 1, 4_000_000_000), 0);
  assert.equal(files.fchmodat(folder, "device", 0o4751), 0);
  const time = { seconds: 3_000_000_000, nanoseconds: 987_654_321 };
  assert.equal(files.utimensat(folder, "device", time), 0);
  const stat = files.statAt(folder, "device");
  assert.ok(typeof stat === "object");
  const { mode, uid, gid, major, minor, mtime, links } = stat;
  assert.deepEqual(
    { mode, uid, gid, major, minor, mtime, links },
    {
      mode: fileType.CHAR | 0o4751,
      uid: 1,
      gid: 4_000_000_000,
      major: 4095,
      minor: 1_048_575,
      mtime: time,
      links: 1,
    },
  );
  const early = { seconds: -10, nanoseconds: 5 };
  assert.equal(files.utimensat(folder, "device", early), 0);
  const again = files.statAt(folder, "device");
  assert.deepEqual(typeof again === "object" && again.mtime, early);
});

test("links are not followed", () => {
  assert.equal(files.symlinkat("nowhere", folder, "link"), 0);
  assert.equal(files.readlinkat(folder, "link"), "nowhere");
  assert.equal(files.readlinkat(folder, "file"), -errno.EINVAL);
  assert.equal(files.linkat(folder, "link", folder, "second"), 0);
  assert.equal(files.readlinkat(folder, "second"), "nowhere");
  assert.equal(files.renameat(folder, "second", folder, "third"), 0);
  assert.equal(files.linkat(folder, "file", folder, "third"), -errno.EEXIST);
});

test("extended attributes", () => {
  const value = Buffer.from([0, 255, 10]);
  assert.equal(files.lsetxattr(folder, "file", "user.key", value), 0);
  assert.deepEqual(files.lgetxattr(folder, "file", "user.key"), value);
  assert.deepEqual(files.llistxattr(folder, "file"), ["user.key"]);
  assert.deepEqual(files.llistxattr(folder, ""), []);
  assert.equal(files.lgetxattr(folder, "file", "user.none"), -errno.ENODATA);
  assert.equal(files.lsetxattr(folder, "link", "user.key", value), -errno.EPERM);
  assert.equal(files.lsetxattr(folder, "link", "trusted.key", value), 0);
});

test("holes and copies within the kernel", () => {
  const from = files.must(files.openat(folder, "sparse", flag.RDWR | flag.CREAT, 0o600), "open", "sparse");
  assert.equal(files.ftruncate(from, 5 * 2 ** 30), 0);
  writeSync(from, "end", 4 * 2 ** 30);
  assert.equal(files.lseek(from, 0, flag.SEEK_DATA), 4 * 2 ** 30);
  assert.equal(files.lseek(from, 4 * 2 ** 30 + 5000, flag.SEEK_DATA), -errno.ENXIO);
  assert.equal(files.fallocate(from, 0, 0, 8192), 0);
  assert.equal(files.lseek(from, 4 * 2 ** 30, flag.SEEK_SET), 4 * 2 ** 30);
  const to = files.must(files.openat(folder, "copy", flag.RDWR | flag.CREAT, 0o600), "open", "copy");
  assert.equal(files.copyFileRange(from, to, 3), 3);
  assert.equal(readFileSync(join(path, "copy"), "utf8"), "end");
  assert.equal(files.close(to), 0);
  assert.equal(files.close(from), 0);
  assert.equal(files.close(from), -errno.EBADF);
});

test("a failure is an error with its kind, words and errno", () => {
  assert.throws(
    () => files.must(files.unlinkat(folder, "none"), "unlink", "none"),
    (error) => {
      assert.ok(isKind(error, "system"));
      assert.equal(error.message, "unlink none: no such file or directory");
      assert.deepEqual(error.fields, { errno: "ENOENT", path: "none" });
      return true;
    },
  );
  assert.ok(isKind(files.fileError(-errno.ENOSPC, "write", "x"), "exhausted"));
  assert.equal(files.must(3, "open", "x"), 3);
});

test("a file system is written to its disk without blocking; a folder that is not there is an error", async () => {
  await files.syncFileSystem(tmpdir());
  await assert.rejects(files.syncFileSystem("/nowhere/at/all"), /nowhere/);
});
