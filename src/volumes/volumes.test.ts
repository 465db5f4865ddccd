import assert from "node:assert/strict";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { systemError } from "../base/errors.ts";
import { EventBus } from "../base/events.ts";
import { Operation } from "../base/operation.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { openKernel } from "../kernel/open.ts";
import { isolate } from "../kernel/testing/isolate.ts";
import { temporaryFolder } from "../kernel/testing/temporary.ts";
import { openStore } from "../store/lmdb.ts";
import type { Store } from "../store/store.ts";
import { volumeRecords } from "./records.ts";
import { openVolumes } from "./service.ts";
import type { Volumes } from "./volumes.ts";

isolate(import.meta.url);

const op = Operation.background("test");
const folder = temporaryFolder("volumes");
const kernel = await openKernel();
after(() => kernel.close());
let count = 0;

interface Fixture {
  readonly volumes: Volumes;
  readonly events: EventBus;
  readonly store: Store;
  readonly root: string;
  readonly users: Map<string, string[]>;
  /** Another engine on the same root and store. */
  readonly reopen: (other?: Kernel) => Promise<Volumes>;
}

async function fixture(): Promise<Fixture> {
  const base = join(folder, String(count++));
  mkdirSync(base);
  const [root, store, events] = [join(base, "volumes"), openStore(join(base, "store")), new EventBus()];
  after(() => store.close());
  const users = new Map<string, string[]>();
  const reopen = (other = kernel): Promise<Volumes> =>
    openVolumes({ root, store, events, kernel: other, users: { usersOf: (name) => users.get(name) ?? [] } });
  return { volumes: await reopen(), events, store, root, users, reopen };
}

const actions = ({ events }: Fixture): string[] => events.replay().map(({ action, actor }) => `${action} ${actor.id}`);
const mounted = async (root: string): Promise<string[]> =>
  (await kernel.mounts(root)).map(({ target }) => target.slice(root.length));

test("create, get, list, remove", async () => {
  const f = await fixture();
  const made = await f.volumes.create(op, { name: "data", labels: { a: "b" } });
  assert.equal(made.mountpoint, join(f.root, "data", "_data"));
  assert.deepEqual(
    [made.driver, made.scope, made.labels, made.options, made.anonymous],
    ["local", "local", { a: "b" }, {}, false],
  );
  assert.match(made.createdAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  assert.equal(statSync(made.mountpoint).mode & 0o777, 0o755);
  assert.equal(statSync(join(f.root, "data")).mode & 0o777, 0o701);
  assert.deepEqual(await f.volumes.create(op, { name: "data", labels: { other: "x" } }), made, "the one that is there");
  assert.deepEqual(f.volumes.get("data"), made);
  const anonymous = await f.volumes.create(op, {});
  assert.match(anonymous.name, /^[0-9a-f]{64}$/);
  assert.ok(anonymous.anonymous && "com.docker.volume.anonymous" in anonymous.labels);
  assert.equal(f.volumes.list().length, 2);
  await f.volumes.remove(op, "data");
  assert.ok(!existsSync(join(f.root, "data")));
  assert.throws(() => f.volumes.get("data"), { kind: "notFound", message: "get data: no such volume" });
  assert.deepEqual(actions(f), ["create data", `create ${anonymous.name}`, "destroy data"]);
});

test("many creations of one name are one volume", async () => {
  const f = await fixture();
  const all = await Promise.all(Array.from({ length: 20 }, () => f.volumes.create(op, { name: "one" })));
  assert.equal(new Set(all.map(({ createdAt }) => createdAt)).size, 1);
  assert.deepEqual(actions(f), ["create one"]);
});

const characters = (name: string): string =>
  `create ${name}: "${name}" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path`;
const refused: ReadonlyArray<[name: string, options: Record<string, string>, message: string]> = [
  ["a", {}, "create a: volume name is too short, names should be at least two alphanumeric characters"],
  ...["a b", "-a", "rel/x", "_v", "..", "a\nb", "é2"].map((name): [string, Record<string, string>, string] => [
    name,
    {},
    characters(name.replace("\n", "\\n")).replace("create a\\nb", "create a\nb"),
  ]),
  ["x".repeat(256), {}, `create ${"x".repeat(256)}: volume name is too long, names should be at most 255 characters`],
  ["vv", { foo: "x" }, 'create vv: invalid option: "foo"'],
  ["vv", { size: "10m" }, "create vv: quota size requested but no quota support"],
  ["vv", { type: "tmpfs" }, 'create vv: missing required option: "device"'],
  ["vv", { o: "x" }, 'create vv: missing required option: "device"'],
  ["vv", { device: "/x" }, 'create vv: missing required option: "type"'],
  ["vv", { type: "none", device: "x", o: "bind" }, "create vv: invalid mount path: 'x' mount path must be absolute"],
  [
    "vv",
    { type: "none", device: "/x" },
    'create vv: a volume of type "none" needs "bind" or "rbind" in its option "o"',
  ],
];
for (const [name, driverOptions, message] of refused)
  test(`refuses ${name.slice(0, 10)} ${JSON.stringify(driverOptions)}`, async () => {
    const f = await fixture();
    await assert.rejects(f.volumes.create(op, { name, driverOptions }), { kind: "invalid", message });
    assert.deepEqual(readdirSync(f.root), []);
  });

test("an unknown driver, an unknown volume, a volume in use", async () => {
  const f = await fixture();
  await assert.rejects(f.volumes.create(op, { name: "vv", driver: "nope" }), {
    kind: "notFound",
    message: 'create vv: error looking up volume plugin nope: plugin "nope" not found',
  });
  await assert.rejects(f.volumes.remove(op, "nope"), { kind: "notFound", message: "get nope: no such volume" });
  await f.volumes.remove(op, "nope", { force: true });
  assert.throws(() => f.volumes.get("x".repeat(5000)), { kind: "notFound" });
  assert.throws(() => f.volumes.get(""), { kind: "notFound" });
  await f.volumes.create(op, { name: "busy" });
  f.users.set("busy", ["c1", "c2"]);
  for (const force of [false, true])
    await assert.rejects(f.volumes.remove(op, "busy", { force }), {
      kind: "conflict",
      message: "remove busy: volume is in use - [c1, c2]",
    });
});

test("a plain volume is mounted as its folder", async () => {
  const f = await fixture();
  const { mountpoint } = await f.volumes.create(op, { name: "data" });
  assert.equal(await f.volumes.mount(op, "data", "c1"), mountpoint);
  await assert.rejects(f.volumes.remove(op, "data"), { kind: "conflict" });
  await f.volumes.unmount(op, "data", "c1");
  await f.volumes.unmount(op, "data", "c1");
  await f.volumes.unmount(op, "gone", "c1");
  assert.deepEqual(actions(f), ["create data", "mount data", "unmount data"]);
  await assert.rejects(f.volumes.mount(op, "gone", "c1"), { kind: "notFound" });
});

test("a tmpfs volume is there while a container uses it", async () => {
  const f = await fixture();
  const driverOptions = { type: "tmpfs", device: "tmpfs", o: "size=1m,mode=700" };
  await f.volumes.create(op, { name: "mem", driverOptions });
  assert.deepEqual(await mounted(f.root), []);
  const path = await f.volumes.mount(op, "mem", "c1");
  assert.equal(statSync(path).mode & 0o777, 0o700);
  writeFileSync(join(path, "f"), "x");
  await f.volumes.mount(op, "mem", "c2");
  await f.volumes.unmount(op, "mem", "c1");
  assert.deepEqual(await mounted(f.root), ["/mem/_data"]);
  assert.equal(readFileSync(join(path, "f"), "utf8"), "x");
  await f.volumes.unmount(op, "mem", "c2");
  assert.deepEqual(await mounted(f.root), []);
  await f.volumes.remove(op, "mem");
});

test("a bound volume shows another folder, and removing it leaves that folder alone", async () => {
  const f = await fixture();
  const device = join(f.root, "..", "elsewhere");
  mkdirSync(device);
  writeFileSync(join(device, "f"), "kept");
  await f.volumes.create(op, { name: "bound", driverOptions: { type: "none", device, o: "bind" } });
  const path = await f.volumes.mount(op, "bound", "c1");
  assert.equal(readFileSync(join(path, "f"), "utf8"), "kept");
  await f.volumes.create(op, { name: "fixed", driverOptions: { type: "none", device, o: "bind,ro" } });
  const fixed = await f.volumes.mount(op, "fixed", "c1");
  assert.throws(() => writeFileSync(join(fixed, "g"), ""), { code: "EROFS" });
  await f.volumes.unmount(op, "fixed", "c1");
  // An engine that finds it mounted, with nobody left who uses it.
  const next = await f.reopen();
  await next.remove(op, "bound");
  assert.deepEqual(await mounted(f.root), [], "unmounted before its folder was removed");
  assert.equal(readFileSync(join(device, "f"), "utf8"), "kept");
});

test("what cannot be mounted says so and counts no user", async () => {
  const f = await fixture();
  const device = join(f.root, "nope");
  await f.volumes.create(op, { name: "none", driverOptions: { type: "none", device, o: "bind" } });
  await f.volumes.create(op, { name: "odd", driverOptions: { type: "nosuchfs", device: "x", o: "addr=127.0.0.1" } });
  for (const name of ["none", "odd"])
    await assert.rejects(f.volumes.mount(op, name, "c1"), (error: Error) =>
      error.message.startsWith(
        `error while mounting volume '${join(f.root, name, "_data")}': failed to mount local volume: `,
      ),
    );
  await f.volumes.remove(op, "none");
  await f.volumes.create(op, { name: "ram", driverOptions: { type: "ramfs", device: "ram" } });
  await f.volumes.mount(op, "ram", "c1");
  assert.deepEqual(await mounted(f.root), ["/ram/_data"]);
  await f.volumes.unmount(op, "ram", "c1");
});

test("an empty volume is seeded whole, one with data not at all", async () => {
  const f = await fixture();
  const from = join(f.root, "..", "image");
  mkdirSync(join(from, "sub"), { recursive: true, mode: 0o750 });
  writeFileSync(join(from, "sub", "f"), "hello");
  symlinkSync("sub/f", join(from, "link"));
  const { mountpoint } = await f.volumes.create(op, { name: "data" });
  await f.volumes.seed(op, "data", from);
  assert.equal(readFileSync(join(mountpoint, "link"), "utf8"), "hello");
  assert.ok(lstatSync(join(mountpoint, "link")).isSymbolicLink());
  assert.equal(statSync(mountpoint).mode & 0o777, statSync(from).mode & 0o777);
  assert.deepEqual(readdirSync(join(f.root, "data")), ["_data"]);
  writeFileSync(join(from, "new"), "");
  await f.volumes.seed(op, "data", from);
  assert.ok(!existsSync(join(mountpoint, "new")));
  await f.volumes.create(op, { name: "other" });
  await f.volumes.seed(op, "other", join(from, "missing"));
  assert.deepEqual(readdirSync(f.volumes.get("other").mountpoint), []);
});

test("a volume that two containers have is seeded in place", async () => {
  const f = await fixture();
  const from = join(f.root, "..", "image");
  mkdirSync(from);
  writeFileSync(join(from, "f"), "hello");
  const { mountpoint } = await f.volumes.create(op, { name: "data" });
  f.users.set("data", ["c1", "c2"]);
  const before = statSync(mountpoint).ino;
  await f.volumes.seed(op, "data", from);
  assert.equal(statSync(mountpoint).ino, before);
  assert.equal(readFileSync(join(mountpoint, "f"), "utf8"), "hello");
});

test("a seeding that is aborted leaves the volume empty", async () => {
  const f = await fixture();
  const from = join(f.root, "..", "image");
  mkdirSync(from);
  writeFileSync(join(from, "f"), "hello");
  const { mountpoint } = await f.volumes.create(op, { name: "data" });
  const aborted = new Operation("aborted", AbortSignal.abort());
  await assert.rejects(f.volumes.seed(aborted, "data", from), { kind: "cancelled" });
  assert.deepEqual(readdirSync(mountpoint), []);
  assert.deepEqual(readdirSync(join(f.root, "data")), ["_data"]);
});

test("after a crash: half-made folders go, data stays, removals are finished", async () => {
  const f = await fixture();
  const kept = await f.volumes.create(op, { name: "kept" });
  writeFileSync(join(kept.mountpoint, "f"), "data");
  mkdirSync(join(f.root, "kept", "_seed"));
  writeFileSync(join(f.root, "kept", "_seed", "half"), "");
  mkdirSync(join(f.root, "halfmade", "_data"), { recursive: true });
  mkdirSync(join(f.root, "earlier"));
  mkdirSync(join(f.root, "backup", "_data"), { recursive: true });
  writeFileSync(join(f.root, "backup", "_data", "f"), "precious");
  const leaving = await f.volumes.create(op, { name: "leaving" });
  writeFileSync(join(leaving.mountpoint, "f"), "");
  const records = volumeRecords(f.store);
  await records.put("leaving", { ...records.get("leaving")!, removing: true });
  const next = await f.reopen();
  assert.throws(() => next.get("leaving"), { kind: "notFound" }, "gone for everybody before it is gone from the disk");
  await next.reconcile(op);
  assert.deepEqual(
    next.list().map(({ name }) => name),
    ["backup", "kept"],
  );
  assert.deepEqual(readdirSync(f.root).sort(), ["backup", "kept"]);
  assert.deepEqual(readdirSync(join(f.root, "kept")), ["_data"]);
  assert.equal(readFileSync(join(kept.mountpoint, "f"), "utf8"), "data");
  assert.equal(readFileSync(join(f.root, "backup", "_data", "f"), "utf8"), "precious");
});

test("after a crash: mounts that somebody uses stay, others are taken down", async () => {
  const f = await fixture();
  const driverOptions = { type: "tmpfs", device: "tmpfs" };
  for (const name of ["used", "unused"]) {
    await f.volumes.create(op, { name, driverOptions });
    await f.volumes.mount(op, name, "c1");
  }
  f.users.set("used", ["c1"]);
  const next = await f.reopen();
  await next.reconcile(op);
  assert.deepEqual(await mounted(f.root), ["/used/_data"]);
  await next.mount(op, "used", "c1");
  assert.equal((await mounted(f.root)).length, 1, "not mounted a second time");
  await next.unmount(op, "used", "c1");
  assert.deepEqual(await mounted(f.root), []);
});

test("a removal that fails half-way is finished later, and its volume is gone meanwhile", async () => {
  const f = await fixture();
  await f.volumes.create(op, { name: "mem", driverOptions: { type: "tmpfs", device: "tmpfs" } });
  await f.volumes.mount(op, "mem", "c1");
  const stuck: Kernel = { ...kernel, unmount: () => Promise.reject(systemError("unmount: EIO")) };
  const next = await f.reopen(stuck);
  const noted = new Operation("reconcile");
  await next.reconcile(noted);
  assert.ok(noted.steps.some(({ name }) => name === "volume mem: unmount: EIO"));
  f.users.set("mem", []);
  await assert.rejects(next.remove(op, "mem"), { message: "unmount: EIO" });
  assert.throws(() => next.get("mem"), { kind: "notFound" });
  const last = await f.reopen();
  await last.reconcile(op);
  assert.deepEqual(last.list(), []);
  assert.deepEqual(await mounted(f.root), []);
  assert.deepEqual(readdirSync(f.root), []);
});
