import { readFileSync, realpathSync } from "node:fs";
import type { MountInfo } from "../kernel.ts";

/** Takes `/proc/<pid>/mountinfo` apart (proc_pid_mountinfo(5)). Options are the mount's, then the file system's. */
export function parseMountInfo(text: string): MountInfo[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const fields = line.split(" ");
      // Optional fields end with a lone dash.
      const dash = fields.indexOf("-", 6);
      const [type = "", source = "", superOptions = ""] = fields.slice(dash + 1);
      return {
        target: unescapeOctal(fields[4] ?? ""),
        source: unescapeOctal(source),
        type,
        root: unescapeOctal(fields[3] ?? ""),
        options: unescapeOctal(`${fields[5]},${superOptions}`),
      };
    });
}

/** Blank, tab, newline and backslash are written as `\040` and the like, other bytes as they are. */
function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}

/** The mounts at or below `prefix`, whose symbolic links are followed; targets start with `prefix` as it was given. */
export function mountsBelow(prefix: string): MountInfo[] {
  const given = prefix.replace(/\/+$/, "");
  const real = realPath(given).replace(/\/+$/, "");
  return parseMountInfo(readFileSync("/proc/thread-self/mountinfo", "utf8"))
    .filter(({ target }) => target === (real || "/") || target.startsWith(`${real}/`))
    .map((mount) => ({ ...mount, target: given + mount.target.slice(real.length) }));
}

function realPath(path: string): string {
  try {
    return realpathSync(path === "" ? "/" : path);
  } catch {
    return path;
  }
}
