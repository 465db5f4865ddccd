import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { isKind } from "../../base/errors.ts";
import { openKernel } from "../open.ts";
import { isolate } from "../testing/isolate.ts";
import { json, temporaryFolder } from "../testing/temporary.ts";

isolate(import.meta.url);

const folder = temporaryFolder("namespaces");
const kernel = await openKernel();
after(() => kernel.close());

test("a namespace has lo up, is bound at its path, and is not ours", async () => {
  const path = join(folder, "one");
  await kernel.createNetworkNamespace(path);
  const links = json(path, "ip", "-j", "link");
  assert.equal(links.length, 1);
  assert.ok(links[0].flags.includes("UP"));
  assert.notEqual(statSync(path).ino, statSync("/proc/self/ns/net").ino);
  assert.match(readFileSync("/proc/self/mountinfo", "utf8"), new RegExp(` ${path} .* - nsfs `));
  await kernel.removeNetworkNamespace(path);
  assert.ok(!existsSync(path));
  assert.ok(!readFileSync("/proc/self/mountinfo", "utf8").includes(path));
});

test("more than are kept ready, each another one", async () => {
  const paths = Array.from({ length: 12 }, (_, i) => join(folder, `many${i}`));
  await Promise.all(paths.map((path) => kernel.createNetworkNamespace(path)));
  assert.equal(new Set(paths.map((path) => statSync(path).ino)).size, 12);
  await Promise.all(paths.map((path) => kernel.removeNetworkNamespace(path)));
});

test("odd paths", async () => {
  const path = join(folder, "a b,c:d\\e\tä");
  await kernel.createNetworkNamespace(path);
  assert.deepEqual(
    (await kernel.mounts(path)).map(({ target, type }) => [target, type]),
    [[path, "nsfs"]],
  );
  assert.equal((await kernel.links(path)).length, 1);
  await kernel.removeNetworkNamespace(path);
  assert.ok(!existsSync(path));
});

test("a path that is taken is refused and left alone", async () => {
  const path = join(folder, "taken");
  writeFileSync(path, "mine");
  await assert.rejects(
    kernel.createNetworkNamespace(path),
    (error) => isKind(error, "system") && error.fields.errno === "EEXIST",
  );
  assert.equal(readFileSync(path, "utf8"), "mine");
  await assert.rejects(
    kernel.createNetworkNamespace(join(folder, "no", "such", "folder")),
    (error) => isKind(error, "system") && error.fields.errno === "ENOENT",
  );
});

test("removing twice, and what was never bound, is no error", async () => {
  const path = join(folder, "twice");
  await kernel.createNetworkNamespace(path);
  await kernel.removeNetworkNamespace(path);
  await kernel.removeNetworkNamespace(path);
  writeFileSync(path, "");
  await kernel.removeNetworkNamespace(path);
  assert.ok(!existsSync(path));
});

test("a killed process leaves only what it had bound", async () => {
  const path = join(folder, "left");
  const script = `
    import { openKernel } from ${JSON.stringify(new URL("../open.ts", import.meta.url).href)};
    const kernel = await openKernel({ readyNamespaces: 3 });
    await kernel.createNetworkNamespace(${JSON.stringify(path)});
    console.log("made");
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [said] = await Promise.race([once(child.stdout, "data"), once(child, "exit")]);
  assert.equal(String(said), "made\n");
  child.kill("SIGKILL");
  await once(child, "exit");
  assert.equal((await kernel.mounts(folder)).length, 1);
  assert.equal((await kernel.links(path)).length, 1);
  await kernel.removeNetworkNamespace(path);
});
