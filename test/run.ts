/**
 * Runs the suite: the house's own checks, then every test file, then the proof that nothing of ours is left on the machine.
 *
 *   npm test [-- FILE...]      all tests, or those files
 *   npm run test:oracle        the API and CLI suite against the Docker that KEELSON_ORACLE names (unix:///…)
 */
import { spawnSync } from "node:child_process";
import { globSync } from "node:fs";
import { join } from "node:path";
import { traces } from "./leaks.ts";

const root = join(import.meta.dirname, "..");
const args = process.argv.slice(2);
const oracle = args.includes("--oracle");
const named = args.filter((argument) => !argument.startsWith("--"));

if (oracle && !process.env["KEELSON_ORACLE"]) {
  process.stderr.write("test:oracle: set KEELSON_ORACLE to a Docker daemon's socket, unix:///path/docker.sock\n");
  process.exit(1);
}

/** The suite that speaks through a command line runs with docker's first, and then with our own. */
const commandLineSuite = ["run", "lifecycle", "images", "terminal"].map((name) => `test/compat/${name}.test.ts`);
/** One Docker serves all files of the oracle's suite, one after another. */
const reporting = [`--test-concurrency=${oracle ? 1 : 2}`, "--test-timeout=240000", "--test-reporter=spec"];

const before = traces();
const all = named.length === 0 && !oracle;
const codes = [
  all ? node(["scripts/check.ts"]) : 0,
  node(["--test", ...reporting, ...files()]),
  all ? node(["--test", ...reporting, ...commandLineSuite], { KEELSON_COMPAT_CLIENT: "keelson" }) : 0,
  reportLeaks(),
];
process.exitCode = codes.some((code) => code !== 0) ? 1 : 0;

function files(): string[] {
  if (named.length > 0) return named;
  const patterns = oracle
    ? ["test/compat/*.test.ts"]
    : ["src/**/*.test.ts", "test/*.test.ts", "test/compat/*.test.ts", "scripts/*.test.ts"];
  return globSync(patterns, { cwd: root }).sort();
}

function node(argv: string[], more: Readonly<Record<string, string>> = {}): number {
  const env: NodeJS.ProcessEnv = { ...process.env, ...more };
  delete env["NODE_TEST_CONTEXT"];
  const run = spawnSync(process.execPath, ["--disable-warning=ExperimentalWarning", ...argv], {
    cwd: root,
    stdio: "inherit",
    env,
  });
  return run.status ?? 1;
}

function reportLeaks(): number {
  const left = [...traces()].filter((trace) => !before.has(trace));
  for (const trace of left) process.stderr.write(`left behind: ${trace}\n`);
  process.stderr.write(left.length === 0 ? "leaks: none\n" : `leaks: ${left.length}\n`);
  return left.length === 0 ? 0 : 1;
}
