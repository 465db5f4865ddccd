import { existsSync, readFileSync } from "node:fs";
import { arch, availableParallelism, release } from "node:os";
import { boundingCapabilities } from "./capabilities.ts";

/** What of the host decides how a container's spec looks. Found out once by {@link probeHost}. */
export interface HostFeatures {
  /** The tree that the runtime will see at `/sys/fs/cgroup`; a hybrid host counts as v1. */
  readonly cgroup: "v1" | "v2";
  /** Major and minor. */
  readonly kernel: readonly [number, number];
  /** Node's name of the processor. */
  readonly arch: string;
  readonly seccomp: boolean;
  readonly apparmor: boolean;
  /** Read-only for a whole tree of mounts (mount_setattr(2), Linux 5.12). */
  readonly recursiveReadOnly: boolean;
  /** The memory controller accounts swap. */
  readonly swapLimit: boolean;
  /** Capabilities that the engine itself may hand on, by number. */
  readonly capabilities: readonly string[];
  /** Folders of sysfs to mask that only some processors have. */
  readonly thermalThrottle: readonly string[];
}

/** Reads the host's features from /proc and /sys. About a millisecond: do it once. */
export function probeHost(): HostFeatures {
  const cgroup = existsSync("/sys/fs/cgroup/cgroup.controllers") ? "v2" : "v1";
  const kernel = parseKernel(release());
  const status = readFileSync("/proc/self/status", "utf8");
  return {
    cgroup,
    kernel,
    arch: arch(),
    seccomp: /^Seccomp:/m.test(status),
    apparmor: readOr("/sys/module/apparmor/parameters/enabled", "N").startsWith("Y"),
    recursiveReadOnly: atLeast(kernel, [5, 12]),
    swapLimit: cgroup === "v2" || existsSync("/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes"),
    capabilities: boundingCapabilities(status),
    thermalThrottle: thermalThrottle(),
  };
}

/** `6.18.44-foo` is 6.18. */
export function parseKernel(text: string): readonly [number, number] {
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(text) ?? [];
  return [Number(major ?? 0), Number(minor ?? 0)];
}

/** True where `kernel` is `minimum` or newer. */
export function atLeast(kernel: readonly [number, number], minimum: readonly [number, number]): boolean {
  return kernel[0] > minimum[0] || (kernel[0] === minimum[0] && kernel[1] >= minimum[1]);
}

/** The folders of sysfs with the processors' thermal counters, which tell containers of each other (Docker masks them). */
export function thermalThrottle(): string[] {
  const all = Array.from(
    { length: availableParallelism() },
    (_, cpu) => `/sys/devices/system/cpu/cpu${cpu}/thermal_throttle`,
  );
  return all.filter((path) => existsSync(path));
}

function readOr(path: string, fallback: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return fallback;
  }
}
