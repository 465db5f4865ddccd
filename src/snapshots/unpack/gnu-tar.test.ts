import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  closeSync,
  ftruncateSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import * as files from "../../kernel/files.ts";
import { fileType } from "../../kernel/files.ts";
import { describeTree } from "../testing/describe-tree.ts";
import { workbench } from "../testing/workbench.ts";

const bench = await workbench({ after });
const source = bench.scratch();
before(() => makeTree(source));

/** What is in a tree; the root's own attributes are not an archive's to set. */
function contentsOf(path: string, options: Parameters<typeof describeTree>[1]): string[] {
  return describeTree(path, options).filter((line) => !line.startsWith(". "));
}

/** A tree with one of everything. */
function makeTree(path: string): void {
  const at = (...parts: string[]): string => join(path, ...parts);
  mkdirSync(at("usr", "bin"), { recursive: true });
  writeFileSync(at("usr", "bin", "tool"), "#!/bin/sh\n");
  chownSync(at("usr", "bin", "tool"), 1, 2);
  chmodSync(at("usr", "bin", "tool"), 0o6755);
  linkSync(at("usr", "bin", "tool"), at("usr", "bin", "tool-again"));
  symlinkSync("../usr/bin/tool", at("usr", "link"));
  symlinkSync("x".repeat(300), at("usr", "long-link"));
  mkdirSync(at("tmp"));
  chmodSync(at("tmp"), 0o1777);
  writeFileSync(at("empty"), "");
  writeFileSync(at("block"), "b".repeat(512));
  mkdirSync(at("d".repeat(120), "e".repeat(120)), { recursive: true });
  writeFileSync(at("d".repeat(120), "e".repeat(120), "f".repeat(120)), "deep");
  writeFileSync(Buffer.from(`${path}/not-utf8-\xff\xfe\n`, "latin1"), "bytes");
  writeFileSync(at("schön-日本"), "text");
  writeFileSync(at("big-ids"), "x");
  chownSync(at("big-ids"), 3_000_000, 2_500_000);
  const folderFd = files.openFolder(path);
  files.mknodat(folderFd, "null", fileType.CHAR | 0o666, 1, 3);
  files.mknodat(folderFd, "disk", fileType.BLOCK | 0o660, 259, 300);
  files.mknodat(folderFd, "fifo", fileType.FIFO | 0o600);
  files.close(folderFd);
  for (const name of ["usr/bin/tool", "usr/bin", "usr", "tmp", "empty"])
    utimesSync(at(name), 1_000_000_000, 1_234_567_890);
  lutimesSync(at("usr", "link"), 1_000_000_000, 1_111_111_111);
}

for (const format of ["v7", "ustar", "oldgnu", "gnu", "pax"]) {
  test(`a tree packed by GNU tar --format=${format} comes back as it was`, async () => {
    const archive = join(bench.scratch(), "archive.tar");
    // What the older formats cannot hold stays out.
    const without = {
      v7: ["long-link", "big-ids", "d*", "null", "fifo", "usr/long-link"],
      ustar: ["big-ids", "long-link", "d*"],
    }[format]?.map((name) => `--exclude=./${name}`);
    const exclude = [...(without ?? []), ...(without ? ["--exclude=long-link"] : [])];
    execFileSync("tar", ["-C", source, `--format=${format}`, ...exclude, "-cf", archive, "."]);
    const reference = bench.scratch();
    execFileSync("tar", ["-C", reference, "-xpf", archive, "--same-owner"]);
    const nanoseconds = format === "pax";
    const { path } = await bench.unpack(readFileSync(archive));
    const lines = contentsOf(path, { nanoseconds });
    assert.deepEqual(lines, contentsOf(reference, { nanoseconds }));
    // Where nothing was left out, what came back is also what went in.
    if (!without) assert.deepEqual(lines, contentsOf(source, { nanoseconds }));
  });
}

test("extended attributes and capabilities come back", async () => {
  const tree = bench.scratch();
  mkdirSync(join(tree, "d"));
  writeFileSync(join(tree, "ping"), "x");
  const fd = files.openFolder(tree);
  // cap_net_raw+ep, revision 2 (linux/capability.h, struct vfs_cap_data).
  const capability = Buffer.from("0100000200200000000000000000000000000000", "hex");
  assert.equal(files.lsetxattr(fd, "ping", "security.capability", capability), 0);
  assert.equal(files.lsetxattr(fd, "d", "user.bytes", Buffer.from([0, 1, 255, 61, 10])), 0);
  files.close(fd);
  const args = ["-C", tree, "--xattrs", "--xattrs-include=*", "--format=pax", "-cf", "-", "."];
  const { path } = await bench.unpack(execFileSync("tar", args));
  const lines = contentsOf(path, { nanoseconds: true });
  assert.deepEqual(lines, contentsOf(tree, { nanoseconds: true }));
  assert.match(lines.join("\n"), /security\.capability=01000002/);
});

const sparseForms = [
  ["gnu", []],
  ["pax", ["--sparse-version=0.0"]],
  ["pax", ["--sparse-version=0.1"]],
  ["pax", ["--sparse-version=1.0"]],
] as const;

for (const [format, more] of sparseForms) {
  test(`sparse files stay sparse: ${format} ${more.join(" ")}`, async () => {
    const tree = bench.scratch();
    const many = openSync(join(tree, "many-holes"), "w");
    for (let i = 0; i < 150; i++) writeSync(many, `piece ${i} `.repeat(500), i * 65536);
    ftruncateSync(many, 150 * 65536 + 12345);
    closeSync(many);
    writeFileSync(join(tree, "only-a-hole"), "");
    truncateSync(join(tree, "only-a-hole"), 1 << 20);
    const huge = openSync(join(tree, "huge"), "w");
    writeSync(huge, "head", 0);
    writeSync(huge, "tail", 9 * 2 ** 30);
    closeSync(huge);
    writeFileSync(join(tree, "dense"), "d".repeat(100_000));
    const args = ["-C", tree, "--sparse", `--format=${format}`, ...more, "-cf", "-", "."];
    const layer = await bench.unpack(execFileSync("tar", args, { maxBuffer: 1 << 26 }));
    const nanoseconds = format === "pax";
    assert.deepEqual(contentsOf(layer.path, { nanoseconds }), contentsOf(tree, { nanoseconds }));
    const tail = Buffer.alloc(4);
    const fd = files.openFolder(layer.path);
    const file = files.openat(fd, "huge", 0);
    assert.equal(files.lseek(file, 4096, files.flag.SEEK_DATA), 9 * 2 ** 30);
    const { readSync } = await import("node:fs");
    readSync(file, tail, 0, 4, 9 * 2 ** 30);
    assert.equal(tail.toString(), "tail");
    for (const open of [file, fd]) files.close(open);
    assert.ok(statSync(join(layer.path, "huge")).blocks * 512 < 1 << 20);
    assert.ok(statSync(join(layer.path, "many-holes")).blocks * 512 < 150 * 32768);
    assert.equal(layer.size, 150 * 65536 + 12345 + (1 << 20) + 9 * 2 ** 30 + 4 + 100_000);
  });
}

test("a dense file of more than 8 GiB by its header is read as such", async () => {
  // The header alone, so that the test needs no 8 GiB: the size is understood, and the data missing.
  const header = execFileSync(
    "bash",
    ["-c", 'truncate -s 9G "$0"; tar --format=gnu -cf - "$0" | head -c 4096', join(bench.folder, "9g")],
    { stdio: ["ignore", "pipe", "ignore"] },
  );
  await assert.rejects(bench.unpack(header), /unexpected EOF/);
});
