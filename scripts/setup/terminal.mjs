// What setup says, and the programs that it runs.
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
export const tools = join(root, ".tools");

let quiet = false;
let lineIsOpen = false;

export function beQuiet() {
  quiet = true;
}

export function say(text) {
  if (!quiet) process.stderr.write(`setup: ${text}\n`);
}

/** Says what is done now, does it, and says how long it took. */
export function step(text, act) {
  if (!quiet) process.stderr.write(`setup: ${text} ... `);
  lineIsOpen = !quiet;
  const start = Date.now();
  const result = act();
  lineIsOpen = false;
  if (!quiet) process.stderr.write(`${((Date.now() - start) / 1000).toFixed(1)} s\n`);
  return result;
}

/** Ends setup with what went wrong and what may be done about it. */
export function fail(text, hint) {
  process.stderr.write(`${lineIsOpen ? "failed\n" : ""}setup: ${text}\n${hint ? `setup: ${hint}\n` : ""}`);
  process.exit(1);
}

/** What a program printed. Where it fails, setup ends with the last lines of that, and the hint. */
export function run(command, args, { hint, ...options } = {}) {
  const result = spawnSync(command, args, {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 1 << 26,
    stdio: ["ignore", "pipe", "pipe"],
    ...options,
  });
  if (result.error) fail(`${command}: ${result.error.message}`, hint);
  if (result.status !== 0) {
    fail(`${command} ${args.join(" ")} failed:\n${endsOf(result.stdout + result.stderr)}`, hint);
  }
  return result.stdout;
}

/** The first and the last lines of a long text: one end says what went wrong. */
function endsOf(text) {
  const lines = text.trimEnd().split("\n");
  return (lines.length <= 24 ? lines : [...lines.slice(0, 12), "...", ...lines.slice(-12)]).join("\n");
}
