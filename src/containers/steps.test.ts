/**
 * The order of state changes: a process is killed at each step of create, start, exit and remove in turn, and the next one
 * has to find a container that is whole or none, and to leave nothing behind. KEELSON_STEPS=after kills after each step,
 * too, which takes twice as long.
 */
import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { isolate } from "../kernel/testing/isolate.ts";

isolate(import.meta.url);

const root = mkdtempSync(join(tmpdir(), "keelson-steps-"));
execFileSync("mount", ["-t", "tmpfs", "-o", "mode=755", "steps", root]);
after(() => {
  execFileSync("umount", ["-l", root]);
  rmdirSync(root);
});

interface Life {
  readonly found: ReadonlyArray<{
    readonly status: string;
    readonly exitCode: number;
    readonly pid: number;
    readonly startedAt: string;
    readonly log: string;
  }>;
  readonly left: readonly string[];
  /** Where it was not killed: how many steps there are. */
  readonly steps?: number;
}

function live(step: number): Promise<Life> {
  const { promise, resolve, reject } = Promise.withResolvers<Life>();
  const child = join(import.meta.dirname, "testing/steps-child.ts");
  const args = [...process.execArgv, child, root, String(step), process.env["KEELSON_STEPS"] ?? ""];
  // So many processes of the same program: each takes its modules as the first one compiled them.
  const env = { ...process.env, NODE_COMPILE_CACHE: join(root, "compiled") };
  execFile(process.execPath, args, { env, timeout: 60_000, killSignal: "SIGTERM" }, (error, stdout, stderr) => {
    if (error && error.signal !== "SIGKILL") return reject(new Error(`step ${step}: ${error.message}\n${stderr}`));
    const lines = stdout.split("\n").filter(Boolean);
    resolve(Object.assign({}, ...lines.map((line) => JSON.parse(line) as object)) as Life);
  });
  return promise;
}

function check({ found, left }: Life, where: string): void {
  assert.deepEqual(left, [], `left behind by a kill ${where}`);
  assert.ok(found.length <= 1, where);
  for (const { status, exitCode, pid, startedAt, log } of found) {
    const what = `${where}: ${JSON.stringify({ status, exitCode, pid, startedAt, log })}`;
    assert.ok(["created", "running", "exited"].includes(status), what);
    assert.equal(pid > 0, status === "running", what);
    assert.equal(startedAt.startsWith("0001-"), status === "created", what);
    // One that was never let run has no exit of its own.
    if (status === "exited") assert.ok(exitCode === 7 || (exitCode === 255 && log === ""), what);
    if (status === "exited" && exitCode === 7) assert.match(log, /said/, what);
  }
}

test("a kill at any step leaves a whole container or none, and nothing else", async (t) => {
  // The first life is whole: it counts the steps.
  const { steps = 0 } = await live(0);
  assert.ok(steps > 15, `${steps} steps`);
  for (let step = 1; step <= steps; step++) {
    const life = await live(step);
    check(life, step === 1 ? "at the end" : `at step ${step - 1}`);
    assert.equal(life.steps, undefined, `step ${step} was not reached`);
    t.diagnostic(`${step}: killed ${readFileSync(join(root, "killed-at"), "utf8")}`);
  }
  const last = await live(0);
  check(last, "at the last step");
});
