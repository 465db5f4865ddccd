import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { isKind } from "../../base/errors.ts";
import type { Mount } from "../kernel.ts";
import { openKernel } from "../open.ts";
import { isolate } from "../testing/isolate.ts";
import { output, temporaryFolder } from "../testing/temporary.ts";
import { bindInSteps } from "./bind.ts";
import { overlayInOneString } from "./overlay.ts";

isolate(import.meta.url);

const folder = temporaryFolder("mounts");
const kernel = await openKernel();
after(() => kernel.close());

/** A folder of the given names below the test's own, with files in it. */
function dir(path: string, files: Readonly<Record<string, string>> = {}): string {
  const full = join(folder, path);
  mkdirSync(full, { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(full, name), text);
  return full;
}

/** An overlay on a tmpfs of its own, as the machine's temporary folder may lie on a file system that cannot be an upper. */
async function stage(name: string): Promise<string> {
  const target = dir(name);
  await kernel.mount([{ type: "tmpfs", target, options: ["size=64m"] }]);
  return name;
}

const flagsOf = (target: string): string[] =>
  output("findmnt", "-n", "-o", "VFS-OPTIONS", "--mountpoint", target).trim().split(",");
const propagationOf = (target: string): string =>
  output("findmnt", "-n", "-o", "PROPAGATION", "--mountpoint", target).trim();

type Overlay = Extract<Mount, { readonly type: "overlay" }>;
const ways: readonly (readonly [string, (overlay: Overlay) => unknown])[] = [
  ["the mount API", (overlay) => kernel.mount([overlay])],
  ["mount(2)", overlayInOneString],
];

for (const [way, mountOverlay] of ways) {
  test(`an overlay of two layers by ${way}`, async () => {
    const at = await stage(`two-${way.length}`);
    const lower = [dir(`${at}/top`, { both: "top", a: "a" }), dir(`${at}/bottom`, { both: "bottom", b: "b" })];
    const [upper, work, target] = [dir(`${at}/upper`), dir(`${at}/work`), dir(`${at}/merged`)];
    await mountOverlay({ type: "overlay", target, lower, upper, work });
    assert.deepEqual(readdirSync(target).sort(), ["a", "b", "both"]);
    assert.equal(readFileSync(join(target, "both"), "utf8"), "top");
    writeFileSync(join(target, "new"), "new");
    unlinkSync(join(target, "b"));
    assert.equal(readFileSync(join(upper, "new"), "utf8"), "new");
    assert.ok(statSync(join(upper, "b")).isCharacterDevice());
    const [info] = await kernel.mounts(target);
    assert.deepEqual([info?.target, info?.type, info?.source], [target, "overlay", "overlay"]);
  });

  test(`an overlay of 200 layers with long paths by ${way}`, async () => {
    const at = await stage(`many-${way.length}`);
    const lower = Array.from({ length: 200 }, (_, i) => dir(`${at}/${String(i).padStart(64, "0")}`, { [`f${i}`]: "" }));
    const [upper, work, target] = [dir(`${at}/upper`), dir(`${at}/work`), dir(`${at}/merged`)];
    await mountOverlay({ type: "overlay", target, lower, upper, work });
    assert.equal(readdirSync(target).length, 200);
  });

  test(`an overlay with odd characters in its paths by ${way}`, async () => {
    const at = await stage(`odd-${way.length}`);
    const odd = "a,b:c\\d e\\,f'ä";
    const lower = [dir(`${at}/${odd}-1`, { one: "" }), dir(`${at}/${odd}-2`, { two: "" })];
    const [upper, work, target] = [dir(`${at}/${odd}-u`), dir(`${at}/${odd}-w`), dir(`${at}/${odd}-m`)];
    await mountOverlay({ type: "overlay", target, lower, upper, work });
    writeFileSync(join(target, "three"), "");
    assert.deepEqual(readdirSync(target).sort(), ["one", "three", "two"]);
    assert.deepEqual(readdirSync(upper), ["three"]);
    assert.equal((await kernel.mounts(target))[0]?.target, target);
    await kernel.unmount(target);
    assert.deepEqual(readdirSync(target), []);
  });

  test(`an overlay whose folders have paths of more than 256 bytes by ${way}`, async () => {
    const at = await stage(`long-${way.length}`);
    const deep = `${at}/${"x".repeat(200)}/${"\\".repeat(100)}`;
    const lower = [dir(`${deep}/l1`, { one: "" }), dir(`${deep}/l2`, { two: "" })];
    const [upper, work, target] = [dir(`${deep}/u`), dir(`${deep}/w`), dir(`${deep}/m`)];
    await mountOverlay({ type: "overlay", target, lower, upper, work });
    writeFileSync(join(target, "three"), "");
    assert.deepEqual(readdirSync(upper), ["three"]);
  });
}

test("overlay options and flags", async () => {
  const at = await stage("options");
  const lower = [dir(`${at}/l1`), dir(`${at}/l2`)];
  const [upper, work, target] = [dir(`${at}/u`), dir(`${at}/w`), dir(`${at}/m`)];
  await kernel.mount([
    { type: "overlay", target, lower, upper, work, options: ["volatile", "redirect_dir=off", "nosuid", "ro"] },
  ]);
  assert.ok(flagsOf(target).includes("nosuid"));
  assert.ok(flagsOf(target).includes("ro"));
  assert.match((await kernel.mounts(target))[0]?.options ?? "", /\bvolatile\b/);
});

test("overlays that the kernel does not make: one lower, or none", async () => {
  const at = await stage("few");
  const [only, upper, target] = [dir(`${at}/only`, { file: "" }), dir(`${at}/upper`), dir(`${at}/merged`)];
  await kernel.mount([{ type: "overlay", target, lower: [only] }]);
  assert.deepEqual(readdirSync(target), ["file"]);
  assert.throws(() => writeFileSync(join(target, "x"), ""), { code: "EROFS" });
  await kernel.unmount(target);
  await kernel.mount([{ type: "overlay", target, lower: [], upper, work: dir(`${at}/work`) }]);
  writeFileSync(join(target, "x"), "");
  assert.deepEqual(readdirSync(upper), ["x"]);
});

test("a read-only overlay has no upper", async () => {
  const at = await stage("readonly");
  const target = dir(`${at}/merged`);
  await kernel.mount([{ type: "overlay", target, lower: [dir(`${at}/a`, { a: "" }), dir(`${at}/b`, { b: "" })] }]);
  assert.deepEqual(readdirSync(target).sort(), ["a", "b"]);
  assert.throws(() => writeFileSync(join(target, "x"), ""), { code: "EROFS" });
});

test("an overlay of a missing folder names it, and option errors have the kernel's words", async () => {
  const at = await stage("missing");
  const overlay = {
    type: "overlay",
    target: dir(`${at}/m`),
    lower: [dir(`${at}/l`), join(folder, at, "none")],
  } as const;
  await assert.rejects(kernel.mount([overlay]), (error) => {
    assert.ok(isKind(error, "system"));
    assert.match(error.message, /^mount overlay on .*\/m: No such file or directory \(ENOENT\).*none/);
    assert.deepEqual([error.fields.errno, error.fields.path], ["ENOENT", join(folder, at, "none")]);
    return true;
  });
  await assert.rejects(
    kernel.mount([{ ...overlay, lower: [dir(`${at}/l`), dir(`${at}/l2`)], options: ["nonsense=1"] }]),
    /EINVAL\): overlay: Unknown parameter 'nonsense'/,
  );
});

const binds: readonly (readonly [string, (bind: Extract<Mount, { readonly type: "bind" }>) => unknown])[] = [
  ["the mount API", (bind) => kernel.mount([bind])],
  ["mount(2)", bindInSteps],
];

for (const [way, bind] of binds) {
  test(`binds by ${way}: plain, recursive, read-only`, async () => {
    const at = await stage(`bind-${way.length}`);
    const source = dir(`${at}/source`, { file: "text" });
    await kernel.mount([{ type: "tmpfs", target: dir(`${at}/source/sub`), options: ["nosuid", "noexec"] }]);
    writeFileSync(join(source, "sub", "inner"), "");
    const [plain, deep, locked] = [dir(`${at}/plain`), dir(`${at}/deep`), dir(`${at}/locked`)];
    await bind({ type: "bind", source, target: plain });
    assert.deepEqual(readdirSync(join(plain, "sub")), []);
    await bind({ type: "bind", source, target: deep, recursive: true });
    writeFileSync(join(deep, "sub", "more"), "");
    await bind({ type: "bind", source, target: locked, recursive: true, readOnly: true });
    assert.throws(() => writeFileSync(join(locked, "x"), ""), { code: "EROFS" });
    assert.throws(() => writeFileSync(join(locked, "sub", "x"), ""), { code: "EROFS" });
    assert.deepEqual(
      ["nosuid", "noexec", "ro"].filter((flag) => !flagsOf(join(locked, "sub")).includes(flag)),
      [],
    );
    writeFileSync(join(source, "sub", "still-writable"), "");
  });

  test(`a file is bound on a file by ${way}`, async () => {
    const at = await stage(`file-${way.length}`);
    const files = dir(`${at}/f`, { a: "a", b: "b" });
    await bind({ type: "bind", source: join(files, "a"), target: join(files, "b"), readOnly: true });
    assert.equal(readFileSync(join(files, "b"), "utf8"), "a");
    assert.throws(() => writeFileSync(join(files, "b"), ""), { code: "EROFS" });
  });

  test(`propagation by ${way}`, async () => {
    const at = await stage(`prop-${way.length}`);
    const source = dir(`${at}/source`);
    await bind({ type: "bind", source, target: source, propagation: "shared" });
    assert.equal(propagationOf(source), "shared");
    for (const [propagation, is] of [
      ["rprivate", "private"],
      ["private", "private"],
      ["rshared", "shared"],
      ["rslave", "private,slave"],
      ["slave", "private,slave"],
    ] as const) {
      const target = dir(`${at}/${propagation}`);
      await bind({ type: "bind", source, target, recursive: true, propagation });
      assert.equal(propagationOf(target), is, propagation);
    }
    mkdirSync(join(source, "late"));
    await kernel.mount([{ type: "tmpfs", target: join(source, "late") }]);
    writeFileSync(join(source, "late", "seen"), "");
    assert.ok(existsSync(join(folder, at, "rslave", "late", "seen")));
    assert.ok(!existsSync(join(folder, at, "rprivate", "late", "seen")));
  });
}

test("tmpfs options and flags", async () => {
  const target = dir("tmpfs");
  await kernel.mount([{ type: "tmpfs", target, options: ["size=64k", "mode=1777", "noexec", "nosuid", "nodev"] }]);
  assert.equal(statSync(target).mode & 0o7777, 0o1777);
  assert.deepEqual(
    ["noexec", "nosuid", "nodev"].filter((flag) => !flagsOf(target).includes(flag)),
    [],
  );
  assert.match((await kernel.mounts(target))[0]?.options ?? "", /size=64k/);
  await kernel.unmount(target);
  await assert.rejects(kernel.mount([{ type: "tmpfs", target, options: ["size=lots"] }]), /EINVAL/);
});

test("a mount that fails takes those before it down", async () => {
  const [first, second] = [dir("undo/first"), dir("undo/second")];
  await assert.rejects(
    kernel.mount([
      { type: "tmpfs", target: first },
      { type: "bind", source: first, target: second, readOnly: true },
      { type: "bind", source: join(folder, "nothing"), target: second },
    ]),
    (error) => isKind(error, "system") && error.fields.errno === "ENOENT" && /^bind .*nothing on /.test(error.message),
  );
  assert.deepEqual(await kernel.mounts(join(folder, "undo")), []);
  assert.doesNotMatch(readFileSync("/proc/mounts", "utf8"), /undo/);
});

test("a NUL in a path does not cut it", async () => {
  const target = dir("nul");
  await assert.rejects(kernel.mount([{ type: "tmpfs", target: `${target}\0x` }]), /EINVAL/);
  await assert.rejects(kernel.mount([{ type: "bind", source: `${folder}\0x`, target }]), /EINVAL/);
  assert.deepEqual(await kernel.mounts(target), []);
});

test("unmounting: twice, what is missing, what is busy, what is no mount", async () => {
  const target = dir("busy");
  await kernel.mount([{ type: "tmpfs", target }]);
  await kernel.unmount(target);
  await kernel.unmount(target);
  await kernel.unmount(join(folder, "missing"));
  await kernel.mount([{ type: "tmpfs", target }]);
  writeFileSync(join(target, "open"), "");
  process.chdir(target);
  try {
    assert.throws(() => output("umount", target), /busy/);
    await kernel.unmount(target);
  } finally {
    process.chdir("/");
  }
  assert.deepEqual(await kernel.mounts(target), []);
  await kernel.mount([
    { type: "tmpfs", target },
    { type: "tmpfs", target },
  ]);
  await kernel.unmount(target, { detach: true });
  assert.equal((await kernel.mounts(target)).length, 1);
  await kernel.unmount(target);
});

test("a symbolic link is not followed by unmount, and is by mounts", async () => {
  const target = dir("real/mounted");
  symlinkSync(join(folder, "real"), join(folder, "link"));
  symlinkSync(target, join(folder, "direct"));
  await kernel.mount([{ type: "tmpfs", target }]);
  await kernel.unmount(join(folder, "direct"));
  assert.equal((await kernel.mounts(target)).length, 1);
  assert.deepEqual(
    (await kernel.mounts(join(folder, "link"))).map((one) => one.target),
    [join(folder, "link", "mounted")],
  );
  assert.deepEqual(await kernel.mounts(join(folder, "rea")), []);
  await kernel.unmount(target);
});
