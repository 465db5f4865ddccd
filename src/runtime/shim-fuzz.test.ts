import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryFolder } from "../kernel/testing/temporary.ts";

const folder = join(import.meta.dirname, "../../native/shim");
/** How many inputs; millions for a thorough run. */
const runs = process.env["KEELSON_FUZZ_RUNS"] ?? "200000";

test(`${runs} inputs of libFuzzer find nothing in the socket protocol's decoder`, () => {
  const made = spawnSync("make", ["-s", "-C", folder, "fuzz"], { encoding: "utf8" });
  assert.equal(made.status, 0, made.stderr);
  const args = [`-runs=${runs}`, "-max_len=4096", "-verbosity=0", "-print_final_stats=1"];
  const fuzzed = spawnSync(join(folder, "build/fuzz"), args, { encoding: "utf8", cwd: temporaryFolder("fuzz") });
  assert.equal(fuzzed.status, 0, fuzzed.stderr.slice(-4000));
  assert.match(fuzzed.stderr, new RegExp(`number_of_executed_units: ${runs}`));
});
