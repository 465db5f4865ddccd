/** `npm run check`: formatter, linter, type checker and the import floors; all of them run, and all faults are shown. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { checkFloors } from "./floors.ts";

const root = join(import.meta.dirname, "..");
const bin = (name: string): string => join(root, "node_modules/.bin", name);

function runs(title: string, command: string, args: string[]): boolean {
  const result = spawnSync(command, args, { cwd: root, stdio: "inherit" });
  process.stderr.write(`check: ${title} ${result.status === 0 ? "ok" : "FAILED"}\n`);
  return result.status === 0;
}

const faults = checkFloors(join(root, "src"));
for (const fault of faults) process.stderr.write(`floors: ${fault}\n`);
process.stderr.write(`check: floors ${faults.length === 0 ? "ok" : "FAILED"}\n`);

const results = [
  faults.length === 0,
  runs("format and lint", process.execPath, [bin("biome"), "check", "--error-on-warnings", "."]),
  runs("types", process.execPath, [bin("tsc"), "-p", "."]),
];
process.exitCode = results.every(Boolean) ? 0 : 1;
