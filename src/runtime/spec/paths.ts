import type { HostConfig } from "../../client/endpoints/container-config.ts";
import type { HostFeatures } from "./host.ts";

const masked: readonly string[] = [
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

const readonly: readonly string[] = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

/** Paths that a container does not see: Docker's, or the user's own list; none when it is privileged. */
export function maskedPaths(
  hostConfig: HostConfig,
  host: Pick<HostFeatures, "thermalThrottle">,
): readonly string[] | undefined {
  if (hostConfig.Privileged) return undefined;
  return nonEmpty(hostConfig.MaskedPaths ?? [...masked, ...host.thermalThrottle]);
}

/** Paths that a container sees but cannot write. */
export function readonlyPaths(hostConfig: HostConfig): readonly string[] | undefined {
  return hostConfig.Privileged ? undefined : nonEmpty(hostConfig.ReadonlyPaths ?? readonly);
}

const nonEmpty = (paths: readonly string[]): readonly string[] | undefined => (paths.length > 0 ? paths : undefined);
