import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { isKind } from "../base/errors.ts";
import type { Mount } from "../kernel/kernel.ts";
import { isolate } from "../kernel/testing/isolate.ts";
import type { Digest } from "../oci/digest.ts";
import { describeTree } from "./testing/describe-tree.ts";
import { type TarEntry, tar } from "./testing/tar-writer.ts";
import { workbench } from "./testing/workbench.ts";

isolate(import.meta.url);

const bench = await workbench({ after });
let serial = 0;

/** Mounts by the machine's own mount(8) and calls `body` with the place. */
function mounted<T>(mountFor: (target: string) => Mount, body: (target: string) => T): T {
  const target = bench.scratch();
  const mount = mountFor(target);
  if (mount.type === "bind") {
    execFileSync("mount", ["--bind", ...(mount.readOnly ? ["-o", "ro"] : []), mount.source, target]);
  } else if (mount.type === "overlay") {
    const writable = mount.upper ? `,upperdir=${mount.upper},workdir=${mount.work}` : "";
    execFileSync("mount", ["-t", "overlay", "overlay", "-o", `lowerdir=${mount.lower.join(":")}${writable}`, target]);
  } else assert.fail(`unexpected mount of type ${mount.type}`);
  try {
    return body(target);
  } finally {
    execFileSync("umount", [target]);
  }
}

/** Unpacks layers on top of each other, bottom first. The topmost one's chain ID. */
async function stack(...layers: ReadonlyArray<readonly TarEntry[]>): Promise<Digest> {
  let parent: Digest | undefined;
  for (const entries of layers) parent = (await bench.unpack(tar(...entries), { ...(parent && { parent }) })).chainId;
  return parent!;
}

/** The names in a container's root on these layers. */
async function namesOn(...layers: ReadonlyArray<readonly TarEntry[]>): Promise<string[]> {
  const top = await stack(...layers);
  const id = `container-${serial++}`;
  await bench.snapshots.prepare(bench.op, id, top);
  return mounted(
    (target) => bench.snapshots.mountOf(id, target),
    (root) => readdirSync(root, { recursive: true, encoding: "utf8" }).sort(),
  );
}

const lower: TarEntry[] = [
  { name: "d/" },
  { name: "d/a" },
  { name: "d/b" },
  { name: "d/sub/" },
  { name: "d/sub/c" },
  { name: "f" },
];

const whiteouts: Array<[name: string, upper: TarEntry[], expected: string[]]> = [
  ["a file", [{ name: "d/.wh.a" }], ["d", "d/b", "d/sub", "d/sub/c", "f"]],
  ["a folder", [{ name: ".wh.d" }], ["f"]],
  ["what is not there", [{ name: "d/.wh.none" }], ["d", "d/a", "d/b", "d/sub", "d/sub/c", "f"]],
  ["an opaque folder", [{ name: "d/" }, { name: "d/.wh..wh..opq" }, { name: "d/new" }], ["d", "d/new", "f"]],
  ["an opaque folder, said last", [{ name: "d/new" }, { name: "d/.wh..wh..opq" }], ["d", "d/new", "f"]],
  ["an opaque folder without an entry", [{ name: "d/.wh..wh..opq" }], ["d", "f"]],
  ["an opaque root", [{ name: ".wh..wh..opq" }, { name: "new" }], ["new"]],
  [
    "a file that is added again",
    [{ name: ".wh.f" }, { name: "f", content: "new" }],
    ["d", "d/a", "d/b", "d/sub", "d/sub/c", "f"],
  ],
  [
    "a file that was added before",
    [{ name: "f", content: "new" }, { name: ".wh.f" }],
    ["d", "d/a", "d/b", "d/sub", "d/sub/c", "f"],
  ],
  ["a folder that is added again", [{ name: ".wh.d" }, { name: "d/" }, { name: "d/new" }], ["d", "d/new", "f"]],
  ["a folder that is added again by a file in it", [{ name: ".wh.d" }, { name: "d/new" }], ["d", "d/new", "f"]],
  ["a folder that was added before", [{ name: "d/" }, { name: "d/new" }, { name: ".wh.d" }], ["d", "d/new", "f"]],
  ["a folder that becomes a file", [{ name: "d", content: "x" }], ["d", "f"]],
  [
    "a file that becomes a folder",
    [{ name: "f/" }, { name: "f/x" }],
    ["d", "d/a", "d/b", "d/sub", "d/sub/c", "f", "f/x"],
  ],
];

for (const [name, upper, expected] of whiteouts) {
  test(`whiteout: ${name}`, async () => {
    assert.deepEqual(await namesOn(lower, upper), expected);
    // The same with a layer between that has nothing to do with it, and an empty one on top.
    assert.deepEqual(await namesOn(lower, [{ name: "d/sub/.wh.y" }], upper, []), expected);
  });
}

test("folders that the archive leaves out look as they do below", async () => {
  const below: TarEntry[] = [
    { name: "./", mode: 0o751, uid: 7, gid: 8, mtime: 1_111_111_111 },
    { name: "a/", mode: 0o1777, uid: 5, gid: 6, mtime: 1_222_222_222, pax: { "SCHILY.xattr.user.k": "v" } },
    { name: "a/b/", mode: 0o700, uid: 9, gid: 9 },
    { name: "gone/", mode: 0o700 },
    { name: "gone/inner/", mode: 0o700 },
  ];
  const between: TarEntry[] = [{ name: "gone/.wh..wh..opq" }];
  const top = await stack(below, between, [{ name: "a/b/c/file" }, { name: "gone/inner/file" }]);
  const { path } = bench.snapshots.layer(top)!;
  const lines = describeTree(path);
  const line = (name: string): string => lines.find((text) => text.startsWith(`${name} `)) ?? "";
  assert.match(line("."), /^\. 40755 0:0 /);
  assert.equal(line("a"), "a 41777 5:6 t=1222222222 user.k=76");
  assert.equal(line("a/b"), "a/b 40700 9:9 t=1500000000");
  assert.match(line("a/b/c"), /^a\/b\/c 40755 0:0 /);
  assert.match(line("gone/inner"), /^gone\/inner 40755 0:0 /);
  // A root's own entry is passed over, as Docker does; a snapshot's root looks like a layer's.
  const { upper } = await bench.snapshots.prepare(bench.op, "with-root", top);
  assert.match(describeTree(upper)[0]!, /^\. 40755 0:0 /);
});

test("a hard link to a file that only a layer below has is a link of its copy", async () => {
  const top = await stack(
    [{ name: "bin/" }, { name: "bin/tool", content: "tool", mode: 0o4755, uid: 3, gid: 4 }],
    [
      { name: "other", type: "1", linkName: "bin/tool" },
      { name: "late", type: "1", linkName: "first" },
      { name: "first", content: "1" },
    ],
  );
  const { path } = bench.snapshots.layer(top)!;
  assert.equal(readFileSync(join(path, "other"), "utf8"), "tool");
  const [one, two] = [lstatSync(join(path, "other")), lstatSync(join(path, "bin", "tool"))];
  assert.equal(one.ino, two.ino);
  assert.deepEqual([one.mode & 0o7777, one.uid, one.gid], [0o4755, 3, 4]);
  assert.equal(lstatSync(join(path, "late")).ino, lstatSync(join(path, "first")).ino);
});

test("a snapshot is written to without touching its layers", async () => {
  const top = await stack([{ name: "file", content: "old" }]);
  await bench.snapshots.prepare(bench.op, "writer", top);
  mounted(
    (target) => bench.snapshots.mountOf("writer", target),
    (root) => writeFileSync(join(root, "file"), "new"),
  );
  const { upper, work } = bench.snapshots.snapshot("writer")!;
  assert.equal(readFileSync(join(upper, "file"), "utf8"), "new");
  assert.equal(readFileSync(join(bench.snapshots.layer(top)!.path, "file"), "utf8"), "old");
  // overlayfs left its own folder behind, which nobody may enter.
  assert.deepEqual(readdirSync(work), ["work"]);
  assert.ok((await bench.snapshots.usage("writer")) >= 4096);
  await bench.snapshots.remove("writer");
  assert.ok(!existsSync(upper));
});

test("a snapshot on nothing, and views", async () => {
  await bench.snapshots.prepare(bench.op, "bare", undefined);
  mounted(
    (target) => bench.snapshots.mountOf("bare", target),
    (root) => mkdirSync(join(root, "d")),
  );
  assert.ok(existsSync(join(bench.snapshots.snapshot("bare")!.upper, "d")));
  const one = await stack([{ name: "a" }]);
  const two = await stack([{ name: "a" }, { name: "b" }], [{ name: ".wh.a" }]);
  for (const [layer, names] of [
    [one, ["a"]],
    [two, ["b"]],
  ] as const) {
    mounted(
      (target) => bench.snapshots.viewOf(layer, target),
      (root) => {
        assert.deepEqual(readdirSync(root), names);
        assert.throws(() => writeFileSync(join(root, "x"), ""), /EROFS/);
      },
    );
  }
});

test("a full disk is a clear error, leaves nothing, and the next unpacking works", async (t) => {
  const folder = bench.scratch();
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=24m", "tmpfs", folder]);
  const inside: Array<() => Promise<void>> = [];
  t.after(() => execFileSync("umount", ["-l", folder]));
  const small = await workbench({ after: (body) => inside.push(body) }, join(folder, "data"));
  const big = tar({ name: "usr/big", content: Buffer.alloc(40 << 20, "x") });
  const path = join(bench.folder, "big.tar");
  writeFileSync(path, big);
  const { digestOf } = await import("../oci/digest.ts");
  const source = { chainId: digestOf("big"), diffId: digestOf(big), path };
  await assert.rejects(small.snapshots.unpack(small.op, source), (error) => {
    assert.ok(isKind(error, "exhausted"), String(error));
    assert.equal(error.message, "write /usr/big: no space left on device");
    return true;
  });
  assert.deepEqual(small.leftovers(), []);
  const files = tar(...Array.from({ length: 100 }, (_, i) => ({ name: `f${i}`, content: "x".repeat(100_000) })));
  assert.equal((await small.unpack(files)).size, 10_000_000);
  assert.ok(statSync(small.snapshots.layers()[0]!.path).isDirectory());
  for (const body of inside) await body();
});
