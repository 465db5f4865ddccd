import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { lookupUser, resolveUser } from "./users.ts";

const passwd = `# comment
root:x:0:0:root:/root:/bin/sh
broken:x:abc:0::/:
short
app:x:1000:1001::/home/app:/bin/sh
1234:x:77:78::/odd:
nohome:x:5:5
`;
const group = "root:x:0:\napp:x:1001:\nwheel:x:10:app, root\nstaff:x:50:app,other\nbad:x:y:app\n";

const cases: ReadonlyArray<[spec: string, add: string[], uid: number, gids: number[], home: string]> = [
  ["", [], 0, [0, 10], "/root"],
  ["root", [], 0, [0, 10], "/root"],
  ["0", [], 0, [0, 10], "/root"],
  ["root:", [], 0, [0, 10], "/root"],
  ["app", [], 1000, [1001, 10, 50], "/home/app"],
  ["1000", [], 1000, [1001, 10, 50], "/home/app"],
  ["app:wheel", [], 1000, [10], "/home/app"],
  ["app:10", [], 1000, [10], "/home/app"],
  ["app:4242", [], 1000, [4242], "/home/app"],
  [":10", [], 0, [10], "/root"],
  ["4242", [], 4242, [0], "/"],
  ["4242:4243", [], 4242, [4243], "/"],
  ["1234", [], 77, [78], "/odd"],
  ["nohome", [], 5, [5], "/"],
  ["app", ["99", "wheel"], 1000, [1001, 10, 50, 99], "/home/app"],
  ["7:8", ["staff"], 7, [8, 50], "/"],
];
for (const [spec, add, uid, gids, home] of cases)
  test(`user ${JSON.stringify(spec)} with groups [${add}]`, () => {
    const found = lookupUser(passwd, group, spec, add);
    assert.deepEqual(found, { user: { uid, gid: gids[0], additionalGids: gids }, home });
  });

const refused: ReadonlyArray<[spec: string, add: string[], message: string]> = [
  ["nope", [], "unable to find user nope: no matching entries in passwd file"],
  ["broken", [], "unable to find user broken: no matching entries in passwd file"],
  ["app:nope", [], "unable to find group nope: no matching entries in group file"],
  ["app", ["nope"], "unable to find group nope: no matching entries in group file"],
  ["app", [""], "unable to find group : no matching entries in group file"],
  ["-1", [], "uids and gids must be in range 0-2147483647"],
  ["99999999999", [], "uids and gids must be in range 0-2147483647"],
  ["0:-1", [], "uids and gids must be in range 0-2147483647"],
];
for (const [spec, add, message] of refused)
  test(`no user ${JSON.stringify(spec)} with groups [${add}]`, () =>
    assert.throws(() => lookupUser(passwd, group, spec, add), { kind: "invalid", message }));

test("the files are read inside the root, wherever their links point", (t) => {
  const dir = mkdtempSync(join(tmpdir(), "keelson-users-"));
  t.after(() => rmSync(dir, { recursive: true }));
  const root = join(dir, "root");
  assert.throws(() => resolveUser(root, ""), { kind: "system", message: /ENOENT/ }, "no root at all");
  mkdirSync(join(root, "real"), { recursive: true });
  assert.equal(resolveUser(root, "7").home, "/", "no files at all");
  assert.throws(() => resolveUser(root, "root"), { kind: "invalid" });
  writeFileSync(join(dir, "passwd"), "evil:x:66:66::/evil:\n");
  writeFileSync(join(root, "real", "passwd"), "good:x:42:43::/good:\n");
  symlinkSync("/real", join(root, "etc"));
  assert.equal(resolveUser(root, "good").user.uid, 42, "an absolute link starts at the root");
  rmSync(join(root, "real", "passwd"));
  symlinkSync(join("..", "..", "..", "passwd"), join(root, "real", "passwd"));
  assert.throws(() => resolveUser(root, "evil"), { message: /unable to find user evil/ });
  rmSync(join(root, "real", "passwd"));
  symlinkSync("passwd", join(root, "real", "passwd"));
  assert.throws(() => resolveUser(root, "evil"), { message: /unable to find user evil/ }, "a link to itself");
  rmSync(join(root, "real", "passwd"));
  mkdirSync(join(root, "real", "passwd"));
  assert.throws(() => resolveUser(root, "evil"), { message: /unable to find user evil/ }, "a folder");
});
