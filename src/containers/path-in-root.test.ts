import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { isKind } from "../base/errors.ts";
import { within } from "./mount-sources.ts";
import { pathInRoot } from "./path-in-root.ts";

const base = mkdtempSync(join(tmpdir(), "keelson-path-"));
after(() => rmSync(base, { recursive: true }));
const root = join(base, "root");
mkdirSync(join(root, "data/deep/..hidden"), { recursive: true });
mkdirSync(join(root, "etc"), { recursive: true });
writeFileSync(join(root, "file"), "");
mkdirSync(join(base, "outside"));
for (const [link, target] of [
  ["to-data", "data"],
  ["absolute", "/data/deep"],
  ["up", "../../../../../../../../etc"],
  ["host", join(base, "outside")],
  ["data/out", "../.."],
  ["data/sideways", "../to-data/deep"],
  ["loop", "loop"],
  ["ping", "pong"],
  ["pong", "ping"],
  ["dangling", "nowhere"],
  ["self", "."],
  ["slash", "/"],
] as const)
  symlinkSync(target, join(root, link));
for (let index = 0; index < 50; index++)
  symlinkSync(index === 0 ? "data" : `chain${index - 1}`, join(root, `chain${index}`));

for (const [path, found] of [
  ["/", ""],
  ["", ""],
  ["/data", "data"],
  ["//data//deep/", "data/deep"],
  ["/data/./deep", "data/deep"],
  ["/to-data/deep", "data/deep"],
  ["/absolute", "data/deep"],
  ["/absolute/..hidden", "data/deep/..hidden"],
  ["/data/sideways", "data/deep"],
  ["/file", "file"],
  ["/self/self/data", "data"],
  ["/slash/slash/data", "data"],
  ["/chain39", "data"],
  // None of these leads out.
  ["/up", "etc"],
  ["/../../../etc", "etc"],
  ["/data/out", ""],
  ["/data/out/../../../etc", "etc"],
  ["/data/../../../../file", "file"],
] as const)
  test(`${JSON.stringify(path)} is /${found}`, async () => {
    assert.equal(await pathInRoot(root, path), join(root, found));
  });

for (const path of ["/nothing", "/host", "/dangling", "/loop", "/ping", "/chain40", "/file/below", "/loop/../data"])
  test(`${path} is nothing`, async () => {
    assert.equal(await pathInRoot(root, path), undefined);
  });

test("a subpath of a mount is a folder or file within it", async () => {
  assert.equal(await within(root, undefined), root);
  assert.equal(await within(root, "data/deep"), join(root, "data/deep"));
  assert.equal(await within(root, "to-data"), join(root, "data"));
  assert.equal(await within(root, "file"), join(root, "file"));
  // A name that begins with two dots is a name like others.
  assert.equal(await within(join(root, "data/deep"), "..hidden"), join(root, "data/deep/..hidden"));
});

for (const subpath of ["..", "../outside", "host", "up", "absolute", "data/out", "slash"])
  test(`the subpath ${subpath} leads out and is refused`, async () => {
    await assert.rejects(within(root, subpath), (error) => isKind(error, "invalid") || isKind(error, "notFound"));
  });

test("a subpath that is not there is named", async () => {
  await assert.rejects(
    within(root, "nothing"),
    (error) => isKind(error, "notFound") && error.message.includes(`${root}/nothing`),
  );
});
