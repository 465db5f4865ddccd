import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { mountsBelow } from "../mounts/mountinfo.ts";

/**
 * A folder for one test file, in which it may mount (in the namespace that `isolate` made); removed, with what is
 * mounted below, when the file's tests have ended.
 */
export function temporaryFolder(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `keelson-${name}-`));
  after(() => {
    // A mount that was seen through several binds goes from all of them at once.
    for (const { target } of mountsBelow(folder).reverse()) spawnSync("umount", ["-l", target]);
    rmSync(folder, { recursive: true, force: true });
  });
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
