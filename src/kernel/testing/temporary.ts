import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";

/** A folder for one test file, under its real path; removed when the file's tests have ended. */
export function temporaryFolder(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `keelson-${name}-`));
  after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** What a command prints. Throws with its stderr where it fails. */
export function output(command: string, ...args: readonly string[]): string {
  return execFileSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

/** What a command prints, as JSON; inside the network namespace at a path where one is given. */
// biome-ignore lint/suspicious/noExplicitAny: whatever the tool prints, the test asserts on.
export function json(namespace: string | undefined, command: string, ...args: readonly string[]): any {
  const text =
    namespace === undefined ? output(command, ...args) : output("nsenter", `--net=${namespace}`, command, ...args);
  return JSON.parse(text || "[]");
}
