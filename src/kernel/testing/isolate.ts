import { spawnSync } from "node:child_process";
import { constants } from "node:os";
import { fileURLToPath } from "node:url";

const marker = "KEELSON_TEST_ISOLATED";

/**
 * Runs the calling test file in a network namespace and a mount namespace of its own: the first call replaces the
 * process by one in fresh namespaces (and never returns there); in that process it brings `lo` up and returns. What the
 * test leaves behind in the kernel (links, nft tables, mounts, bound namespaces) ends with it; files it removes itself.
 *
 * ```ts
 * import { isolate } from "../kernel/testing/isolate.ts";
 * isolate(import.meta.url); // first statement of the file
 * ```
 *
 * Needs root, and `unshare` and `setpriv` of util-linux. `/sys/class/net` goes on showing the links of the machine.
 */
export function isolate(url: string): void {
  if (process.env[marker] === String(process.ppid)) return;
  const inside = 'ip link set lo up && exec "$@"';
  const result = spawnSync(
    "setpriv",
    // The child ends with us; the marker names its parent, so that what it starts is not taken for isolated itself.
    ["--pdeathsig", "KILL", "unshare", "--net", "--mount", "--propagation", "private", "sh", "-c", inside, "sh"].concat(
      [process.execPath, ...process.execArgv, fileURLToPath(url), ...process.argv.slice(2)],
    ),
    { stdio: "inherit", env: { ...process.env, [marker]: String(process.pid) } },
  );
  if (result.error) throw result.error;
  process.exit(result.status ?? 128 + (constants.signals[result.signal ?? "SIGKILL"] ?? 0));
}
