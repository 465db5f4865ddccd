import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { ShimError } from "./shim-connection.ts";
import { runtimeError } from "./shim-errors.ts";
import { errorKinds } from "./shim-protocol.ts";

const docker = {
  start:
    "failed to create task for container: failed to create shim task: OCI runtime create failed: NAME create failed: " +
    "unable to start container process: error during container init: ",
  exec: "OCI runtime exec failed: exec failed: unable to start container process: ",
};

// What each runtime prints, and Docker 28's words for it.
const cases = [
  ["crun", "nope", "executable file `nope` not found in $PATH: No such file or directory", "missing"],
  ["crun", "/nope/x", "executable file `/nope/x` not found in $PATH: No such file or directory", "noFile"],
  ["crun", "/nope/x", "executable file `/nope/x` not found: No such file or directory", "noFile"],
  ["crun", "/bin/plain", "open executable: Permission denied", "denied"],
  ["crun", "/bin/plain", "the path `/bin/plain` exists but it is not executable: Operation not permitted", "denied"],
  ["crun", "/etc", "open executable: Operation not permitted", "folder"],
  ["crun", "/etc", "the path `/etc` is not a regular file: Operation not permitted", "folder"],
  [
    "runc",
    "nope",
    'runc run failed: unable to start container process: exec: "nope": executable file not found in $PATH',
    "missing",
  ],
  [
    "runc",
    "/nope/x",
    'runc run failed: unable to start container process: error during container init: exec: "/nope/x": stat /nope/x: no such file or directory',
    "noFile",
  ],
  [
    "runc",
    "/etc",
    'runc run failed: unable to start container process: error during container init: exec: "/etc": is a directory',
    "folder",
  ],
] as const;

const words = {
  missing: { text: 'exec: "nope": executable file not found in $PATH', exitCode: 127 },
  noFile: { text: 'exec: "/nope/x": stat /nope/x: no such file or directory', exitCode: 127 },
  denied: { text: 'exec: "/bin/plain": permission denied', exitCode: 126 },
  folder: { text: 'exec: "/etc": is a directory: permission denied', exitCode: 126 },
};

describe("the error of a refused start or exec", () => {
  let dir: string;
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "keelson-shim-errors-"));
  });
  after(() => rm(dir, { recursive: true }));

  for (const [runtime, command, printed, meaning] of cases)
    it(`is Docker's for ${runtime}: ${printed}`, async () => {
      await writeFile(join(dir, "config.json"), JSON.stringify({ process: { args: [command] } }));
      await writeFile(join(dir, "exec.json"), JSON.stringify({ args: [command] }));
      const refused = new ShimError(errorKinds.runtime, printed);
      const start = await runtimeError(refused, { verb: "start", runtime: `/usr/bin/${runtime}`, path: dir });
      assert.equal(start.message, docker.start.replace("NAME", runtime) + words[meaning].text);
      assert.equal(start.fields.exitCode, words[meaning].exitCode);
      assert.equal(start.kind, "invalid");
      const exec = await runtimeError(refused, { verb: "exec", runtime, path: join(dir, "exec.json") });
      assert.equal(exec.message, docker.exec + words[meaning].text);
    });

  it("keeps any other words and is 128", async () => {
    const refused = new ShimError(errorKinds.runtime, "something\nmount `proc` to `/x`: Invalid argument");
    const error = await runtimeError(refused, { verb: "start", runtime: "crun", path: dir });
    assert.match(error.message, /crun create failed: mount `proc` to `\/x`: Invalid argument$/);
    assert.deepEqual([error.kind, error.fields.exitCode], ["system", 128]);
  });

  it("leaves errors that are not the runtime's alone", async () => {
    const other = new ShimError(errorKinds.notFound, "the container is not running");
    await assert.rejects(runtimeError(other, { verb: "exec", runtime: "crun", path: dir }), other);
  });
});
