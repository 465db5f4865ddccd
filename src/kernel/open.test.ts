import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { isKind } from "../base/errors.ts";
import { openKernel } from "./open.ts";
import { cgroupLayout } from "./probe.ts";
import { parseStartTime, startTimeOf } from "./sys/process-stat.ts";
import { isolate } from "./testing/isolate.ts";
import { temporaryFolder } from "./testing/temporary.ts";

isolate(import.meta.url);

const folder = temporaryFolder("kernel");
const kernel = await openKernel();
after(() => kernel.close());

const script = (source: string): URL => new URL(`data:text/javascript,${encodeURIComponent(source)}`);

test("a worker that ends makes its pending and its later calls fail", async () => {
  const worker = script(`
    import { parentPort } from "node:worker_threads";
    parentPort.once("message", () => process.exit(3));
    parentPort.postMessage("ready");`);
  const broken = await openKernel({ worker });
  const ended = (error: unknown): boolean => isKind(error, "system") && /kernel worker/.test(error.message);
  const calls = [broken.links(), broken.mounts("/"), broken.lock(join(folder, "x"))];
  await Promise.all(calls.map((call) => assert.rejects(call, ended)));
  await assert.rejects(broken.links(), ended);
  await broken.close();
});

test("a worker that cannot start is an error", async () => {
  await assert.rejects(openKernel({ worker: script("throw new Error('no libc here')") }), (error) => {
    return isKind(error, "system") && /no libc here/.test(error.message);
  });
  await assert.rejects(openKernel({ worker: script("process.exit(1)") }), (error) => isKind(error, "system"));
});

test("calls before close are answered, later ones are refused", async () => {
  const own = await openKernel();
  const links = own.links();
  const closed = own.close();
  assert.equal(own.close(), closed);
  await assert.rejects(own.links(), (error) => isKind(error, "system"));
  assert.equal((await links)[0]?.name, "lo");
  await closed;
});

test("an idle kernel does not keep a program alive", () => {
  const open = JSON.stringify(new URL("./open.ts", import.meta.url).href);
  const source = `import { openKernel } from ${open}; const k = await openKernel(); console.log((await k.links()).length);`;
  const child = spawnSync(process.execPath, ["--input-type=module", "-e", source], {
    encoding: "utf8",
    timeout: 20_000,
  });
  assert.deepEqual([child.status, child.stdout, child.stderr], [0, "1\n", ""]);
});

test("the debug channel has a line for each call", () => {
  const open = JSON.stringify(new URL("./open.ts", import.meta.url).href);
  const source = `import { openKernel } from ${open}; const k = await openKernel();
    await k.network([{ op: "addBridge", name: "br-debug" }, { op: "removeLink", name: "br-debug" }]); await k.close();`;
  const child = spawnSync(process.execPath, ["--input-type=module", "-e", source], {
    encoding: "utf8",
    env: { ...process.env, NODE_DEBUG: "keelson:kernel" },
  });
  assert.match(child.stderr, /network addBridge br-debug, removeLink br-debug: done in [\d.]+ ms/);
});

test("a lock is held until the kernel closes", async () => {
  const path = join(folder, "lock");
  const holder = await openKernel();
  assert.equal(await holder.lock(path), true);
  assert.equal(await kernel.lock(path), false);
  assert.notEqual(spawnSync("flock", ["--nonblock", path, "true"]).status, 0);
  await holder.close();
  assert.equal(await kernel.lock(path), true);
  await assert.rejects(
    kernel.lock(join(folder, "no", "folder")),
    (error) => isKind(error) && error.fields.errno === "ENOENT",
  );
});

test("a signal goes to the process that was meant, and to no other", async () => {
  const child = spawn("sleep", ["1000"], { stdio: "ignore" });
  const exited = once(child, "exit");
  const pid = child.pid!;
  const start = startTimeOf(pid)!;
  assert.equal(await kernel.kill(pid, 9, start - 1n), false);
  assert.equal(await kernel.kill(pid, 0, start), true);
  assert.equal(await kernel.kill(pid, 15, start), true);
  assert.deepEqual(await exited, [null, "SIGTERM"]);
  assert.equal(await kernel.kill(pid, 15, start), false);
  assert.equal(await kernel.kill(pid, 15), false);
  await assert.rejects(kernel.kill(0, 15), /EINVAL/);
  await assert.rejects(kernel.kill(-1, 15), /EINVAL/);
  await assert.rejects(kernel.kill(process.pid, 999), /EINVAL/);
});

test("the start time is found behind any command name", () => {
  const fields = Array.from({ length: 50 }, (_, i) => String(i + 4)).join(" ");
  assert.equal(parseStartTime(`12 (a) b (c)) S ${fields}`), 22n);
  assert.equal(startTimeOf(2 ** 30), undefined);
});

test("probing finds what other tools find, and leaves nothing", async () => {
  const features = await kernel.probe();
  const links = (kind: string, ...more: string[]): boolean => {
    spawnSync("ip", ["link", "add", "probe-parent", "type", "veth", "peer", "name", "probe-peer"]);
    const made = spawnSync("ip", ["link", "add", "probe0", ...more, "type", kind]).status === 0;
    spawnSync("ip", ["link", "del", "probe-parent"]);
    return made;
  };
  assert.equal(features.macvlan, links("macvlan", "link", "probe-parent"));
  assert.equal(features.ipvlan, links("ipvlan", "link", "probe-parent"));
  assert.equal(features.wireguard, links("wireguard"));
  assert.equal(features.ipv6, existsSync("/proc/sys/net/ipv6"));
  assert.equal(features.apparmor, existsSync("/sys/kernel/security/apparmor"));
  assert.equal(features.nftables, spawnSync("nft", ["add", "table", "inet", "probe"]).status === 0);
  assert.ok(["v1", "v2", "hybrid"].includes(features.cgroup));
  assert.equal(await kernel.probe(), features);
  assert.deepEqual(
    (await kernel.links()).map((link) => link.name).filter((name) => name !== "probe0"),
    ["lo"],
  );
});

test("cgroup layouts are told apart", async () => {
  const root = join(folder, "cgroup");
  const { mkdirSync } = await import("node:fs");
  mkdirSync(root);
  await kernel.mount([{ type: "tmpfs", target: root }]);
  mkdirSync(join(root, "unified"));
  assert.equal(cgroupLayout(root), "v1");
  assert.equal(spawnSync("mount", ["-t", "cgroup2", "none", join(root, "unified")]).status, 0);
  assert.equal(cgroupLayout(root), "hybrid");
  assert.equal(cgroupLayout(join(root, "unified")), "v2");
});

test("the process stays in its own namespaces", async () => {
  const before = readlinkSync("/proc/self/ns/net");
  await kernel.createNetworkNamespace(join(folder, "ns"));
  await kernel.links(join(folder, "ns"));
  assert.equal(readlinkSync("/proc/self/ns/net"), before);
  await kernel.removeNetworkNamespace(join(folder, "ns"));
});
