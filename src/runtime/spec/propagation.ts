import { readFileSync, realpathSync } from "node:fs";
import { invalid } from "../../base/errors.ts";
import type { ResolvedMount } from "./mounts.ts";

/**
 * What the container's own root must be (`linux.rootfsPropagation`) so that the asked propagation works; undefined
 * where the default will do. Throws `invalid`, as Docker does at the start, for a shared or slave mount whose source is
 * on a mount that is not shared, for it could never propagate. `mountinfo` is read only then.
 */
export function rootPropagation(
  mounts: readonly ResolvedMount[],
  mountinfo: () => string = () => readFileSync("/proc/self/mountinfo", "utf8"),
): string | undefined {
  let propagation: string | undefined;
  for (const { source, propagation: wanted } of mounts) {
    const shared = wanted === "shared" || wanted === "rshared";
    if (!shared && wanted !== "slave" && wanted !== "rslave") continue;
    const { target, tags } = mountOf(source, mountinfo());
    if (!tags.some((tag) => tag.startsWith("shared:") || (!shared && tag.startsWith("master:"))))
      throw invalid(
        `path ${source} is mounted on ${target} but it is not a shared ${shared ? "mount" : "or slave mount"}`,
        { path: source },
      );
    propagation = shared ? "shared" : (propagation ?? "rslave");
  }
  return propagation;
}

/** The mount that a path is on, with its optional fields (proc_pid_mountinfo(5)). */
function mountOf(source: string, mountinfo: string): { target: string; tags: string[] } {
  const path = real(source);
  let best = { target: "", tags: [] as string[] };
  for (const line of mountinfo.split("\n")) {
    const [, , , , raw = "", , ...rest] = line.split(" ");
    const target = raw.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
    const above = path === target || path.startsWith(target === "/" ? "/" : `${target}/`);
    // Of mounts at one place the last is the visible one.
    if (target !== "" && above && target.length >= best.target.length)
      best = { target, tags: rest.slice(0, rest.indexOf("-")) };
  }
  return best;
}

function real(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
