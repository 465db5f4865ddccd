import assert from "node:assert/strict";
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import type { ErrorKind } from "../../base/errors.ts";
import { isKind } from "../../base/errors.ts";
import { sign, type TarEntry, tar, tarEntry } from "../testing/tar-writer.ts";
import { workbench } from "../testing/workbench.ts";

const bench = await workbench({ after });
const secret = "outside";
const victim = join(bench.folder, "victim");
mkdirSync(victim);
writeFileSync(join(victim, "file"), secret);

/** Each archive is unpacked beside a folder `victim`, which must not change. */
const refused: Record<string, { entries?: TarEntry[]; bytes?: Buffer; kind: ErrorKind; message: RegExp }> = {
  "a name that climbs out": {
    entries: [{ name: "../victim/x", content: "x" }],
    kind: "invalid",
    message: /"\.\.\/victim\/x" is outside/,
  },
  "a name that climbs out from within": {
    entries: [{ name: "a/../../victim/x", content: "x" }],
    kind: "invalid",
    message: /is outside/,
  },
  "a hard link that climbs out": {
    entries: [{ name: "x", type: "1", linkName: "../../../victim/file" }],
    kind: "invalid",
    message: /is outside/,
  },
  "a hard link to a file that only the host has": {
    entries: [{ name: "x", type: "1", linkName: "/etc/passwd" }],
    kind: "invalid",
    message: /link \/etc\/passwd \/x: no such file or directory/,
  },
  "a hard link through a symlink that leads out": {
    entries: [
      { name: "up", type: "2", linkName: "../../../../victim" },
      { name: "x", type: "1", linkName: "up/file" },
    ],
    kind: "invalid",
    message: /no such file/,
  },
  "a hard link to a folder": {
    entries: [{ name: "d/" }, { name: "x", type: "1", linkName: "d" }],
    kind: "system",
    message: /link \/x: operation not permitted/,
  },
  "a file as a parent": {
    entries: [
      { name: "a", content: "x" },
      { name: "a/b", content: "y" },
    ],
    kind: "invalid",
    message: /\/a.*not a directory/,
  },
  "a symlink loop as a parent": {
    entries: [
      { name: "a", type: "2", linkName: "a" },
      { name: "a/b", content: "y" },
    ],
    kind: "invalid",
    message: /a/,
  },
  "a root that is no folder": { entries: [{ name: "./", type: "2", linkName: "/" }], kind: "invalid", message: /root/ },
  "a component that is too long": {
    entries: [{ name: "x", pax: { path: "n".repeat(256) }, content: "x" }],
    kind: "invalid",
    message: /name too long/,
  },
  "a path that is too long": {
    entries: [{ name: "x", pax: { path: "d/".repeat(2100) + "x" }, content: "x" }],
    kind: "invalid",
    message: /name too long/,
  },
  "a NUL in a name": {
    entries: [{ name: "x", pax: { path: "a\0b" } }],
    kind: "corrupt",
    message: /invalid tar header/,
  },
  "a whiteout of nothing": { entries: [{ name: "a/.wh." }], kind: "invalid", message: /invalid whiteout name/ },
  "a whiteout of its own folder": { entries: [{ name: "a/.wh.." }], kind: "invalid", message: /invalid whiteout name/ },
  "a whiteout of the folder above": {
    entries: [{ name: "a/.wh..." }],
    kind: "invalid",
    message: /invalid whiteout name/,
  },
  "a size that is not there": {
    entries: [{ name: "x", size: 2 ** 50, content: "x" }],
    kind: "corrupt",
    message: /unexpected EOF/,
  },
  "an extended header of enormous size": {
    bytes: tarEntry({ name: "pax", type: "x", size: 1 << 30 }),
    kind: "corrupt",
    message: /header field too long/,
  },
  "a long name of enormous size": {
    bytes: tarEntry({ name: "long", type: "L", size: 1 << 30 }),
    kind: "corrupt",
    message: /header field too long/,
  },
  "an extended header whose length lies": {
    entries: [{ name: "pax", type: "x", content: "99 path=x\n" }, { name: "x" }],
    kind: "corrupt",
    message: /invalid tar header/,
  },
  "a sparse map beyond the file": {
    entries: [
      {
        name: "x",
        content: "data",
        pax: { "GNU.sparse.size": "8", "GNU.sparse.numblocks": "1", "GNU.sparse.map": "6,4" },
      },
    ],
    kind: "corrupt",
    message: /sparse map/,
  },
  "a sparse map without an end": {
    entries: [
      {
        name: "x",
        content: "1\n".repeat(600_000),
        pax: { "GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "8" },
      },
    ],
    kind: "corrupt",
    message: /sparse map/,
  },
  "an unknown type": { entries: [{ name: "x", type: "Z" }], kind: "invalid", message: /unhandled tar header type 90/ },
  "a wrong checksum": {
    bytes: Buffer.concat([tarEntry({ name: "x" }).fill("y", 0, 1), Buffer.alloc(1024)]),
    kind: "corrupt",
    message: /invalid tar header/,
  },
  "no archive at all": { bytes: Buffer.from("hello ".repeat(1000)), kind: "corrupt", message: /invalid tar header/ },
  "a header that breaks off": { bytes: tarEntry({ name: "x" }).subarray(0, 300), kind: "corrupt", message: /EOF/ },
  "data that breaks off": {
    bytes: tarEntry({ name: "x", content: "y".repeat(2000) }).subarray(0, 1700),
    kind: "corrupt",
    message: /unexpected EOF/,
  },
  "data behind the first closing block": {
    bytes: Buffer.concat([Buffer.alloc(512), tarEntry({ name: "x" })]),
    kind: "corrupt",
    message: /invalid tar header/,
  },
  "a negative size": {
    bytes: tar(sign(tarEntry({ name: "x" }).fill(0xff, 124, 136))),
    kind: "corrupt",
    message: /invalid tar header/,
  },
};

test("a hostile or broken archive is refused and leaves nothing", async (t) => {
  for (const [name, { entries, bytes, kind, message }] of Object.entries(refused)) {
    await t.test(name, async () => {
      await assert.rejects(bench.unpack(bytes ?? tar(...(entries ?? []))), (error: unknown) => {
        assert.ok(isKind(error), String(error));
        assert.match(error.message, message);
        assert.equal(error.kind, kind, error.message);
        return true;
      });
      assert.deepEqual(bench.leftovers(), []);
      assert.deepEqual(readdirSync(victim), ["file"]);
      assert.equal(readFileSync(join(victim, "file"), "utf8"), secret);
      assert.equal(lstatSync(join(victim, "file")).nlink, 1);
    });
  }
});

test("links that lead out are kept within the root", async () => {
  const { path } = await bench.unpack(
    tar(
      { name: "abs", type: "2", linkName: victim },
      { name: `${victim.slice(1)}/` },
      { name: "abs/one", content: "1" },
      { name: "up", type: "2", linkName: "../../../../../../../.." },
      { name: "up/two", content: "2" },
      { name: "/three", content: "3" },
      { name: "/../four", content: "4" },
      { name: "proc", type: "2", linkName: "/proc/self/root" },
    ),
  );
  assert.deepEqual(readdirSync(victim), ["file"]);
  assert.equal(readFileSync(join(path, victim, "one"), "utf8"), "1");
  for (const [name, content] of [
    ["two", "2"],
    ["three", "3"],
    ["four", "4"],
  ] as const) {
    assert.equal(readFileSync(join(path, name), "utf8"), content);
  }
  assert.equal(readlinkSync(join(path, "abs")), victim);
});

test("a folder that becomes a link is not written through", async () => {
  const layer = await bench.unpack(
    tar(
      { name: "d/" },
      { name: "d/a", content: "a" },
      { name: "d", type: "2", linkName: victim },
      { name: "e/" },
      { name: "e", type: "2", linkName: "f" },
      { name: "f/" },
      { name: "e/b", content: "b" },
      { name: "f/g", type: "2", linkName: `${victim}/h` },
      { name: "f/g", content: "new" },
    ),
  );
  assert.deepEqual(readdirSync(victim), ["file"]);
  assert.equal(readlinkSync(join(layer.path, "d")), victim);
  assert.equal(readFileSync(join(layer.path, "f", "b"), "utf8"), "b");
  assert.ok(lstatSync(join(layer.path, "f", "g")).isFile());
});

test("attributes that overlayfs obeys are not taken from an archive", async () => {
  const pax = { "SCHILY.xattr.trusted.overlay.opaque": "y", "SCHILY.xattr.user.kept": "1" };
  const { path } = await bench.unpack(tar({ name: "d/", pax }));
  const { byteString, llistxattr, openFolder, close } = await import("../../kernel/files.ts");
  const fd = openFolder(path);
  assert.deepEqual(llistxattr(fd, byteString("d")), ["user.kept"]);
  close(fd);
});

test("odd but honest archives are taken", async (t) => {
  const cases: Record<string, [Buffer, string[]]> = {
    "an empty stream": [Buffer.alloc(0), []],
    "closing blocks only": [tar(), []],
    "no closing blocks": [tarEntry({ name: "x", content: "x" }), ["x"]],
    "one closing block": [Buffer.concat([tarEntry({ name: "x" }), Buffer.alloc(512)]), ["x"]],
    "no padding behind the last file": [tarEntry({ name: "x", content: "abc" }).subarray(0, 515), ["x"]],
    "bytes behind the end": [Buffer.concat([tar({ name: "x" }), Buffer.from("junk")]), ["x"]],
    "a global header": [tar({ name: "g", type: "g", content: "13 comment=ab\n" }, { name: "x" }), ["x"]],
    "old and contiguous files": [tar({ name: "x", type: "\0" }, { name: "y", type: "7" }), ["x", "y"]],
    "dots and slashes": [tar({ name: "./" }, { name: ".//a/./b/../x" }), ["a"]],
    "AUFS leftovers": [tar({ name: ".wh..wh.plnk/" }, { name: ".wh..wh.plnk/1.2" }, { name: ".wh..wh.aufs" }), []],
  };
  for (const [name, [bytes, names]] of Object.entries(cases)) {
    await t.test(name, async () => {
      const { path } = await bench.unpack(bytes);
      assert.deepEqual(readdirSync(path).sort(), names);
      assert.ok(existsSync(path));
    });
  }
});
