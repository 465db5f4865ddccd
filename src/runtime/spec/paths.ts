import type { HostConfig } from "../../client/endpoints/container-config.ts";
import type { HostFeatures } from "./host.ts";

/** What Docker hides of every container that is not privileged. */
export const defaultMaskedPaths: readonly string[] = [
  "/proc/asound",
  "/proc/acpi",
  "/proc/interrupts",
  "/proc/kcore",
  "/proc/keys",
  "/proc/latency_stats",
  "/proc/timer_list",
  "/proc/timer_stats",
  "/proc/sched_debug",
  "/proc/scsi",
  "/sys/firmware",
  "/sys/devices/virtual/powercap",
];

/** What Docker shows read-only. */
export const defaultReadonlyPaths: readonly string[] = [
  "/proc/bus",
  "/proc/fs",
  "/proc/irq",
  "/proc/sys",
  "/proc/sysrq-trigger",
];

/** Paths that a container does not see: the user's own list, or Docker's; without a list none when it is privileged. */
export function maskedPaths(
  { MaskedPaths, Privileged }: HostConfig,
  host: Pick<HostFeatures, "thermalThrottle">,
): readonly string[] | undefined {
  return nonEmpty(MaskedPaths ?? (Privileged ? [] : [...defaultMaskedPaths, ...host.thermalThrottle]));
}

/** Paths that a container sees but cannot write, by the same rule. */
export function readonlyPaths({ ReadonlyPaths, Privileged }: HostConfig): readonly string[] | undefined {
  return nonEmpty(ReadonlyPaths ?? (Privileged ? [] : defaultReadonlyPaths));
}

const nonEmpty = (paths: readonly string[]): readonly string[] | undefined => (paths.length > 0 ? paths : undefined);
