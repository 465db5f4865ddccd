import type { HostConfig } from "../../client/endpoints/container-config.ts";
import type { LinuxResources, Process } from "../../oci/runtime-spec.ts";
import { blockDevice, type DeviceRules, type DeviceSource } from "./devices.ts";
import type { HostFeatures } from "./host.ts";

/** The period that `--cpus` is a share of, in microseconds. */
const cpuPeriod = 100_000;

/** The cgroup limits of a container. What this host's cgroups cannot do is left out, as Docker leaves it out. */
export function resources(
  hostConfig: HostConfig,
  rules: DeviceRules,
  host: HostFeatures,
  devices?: DeviceSource,
): LinuxResources {
  return {
    devices: rules,
    memory: memory(hostConfig, host),
    cpu: cpu(hostConfig),
    pids: (hostConfig.PidsLimit ?? 0) > 0 ? { limit: hostConfig.PidsLimit! } : undefined,
    blockIO: blockIo(hostConfig, devices),
  };
}

/** Bytes. Swap counts memory and swap together; unless said otherwise it is twice the memory. */
function memory(hostConfig: HostConfig, host: HostFeatures): LinuxResources["memory"] {
  const { Memory = 0, MemorySwap = 0, MemoryReservation = 0, MemorySwappiness = -1, OomKillDisable } = hostConfig;
  // Unlimited swap (-1) is what a cgroup has when nobody sets it.
  const swap = MemorySwap === 0 ? Memory * 2 : MemorySwap;
  return whole({
    limit: Memory || undefined,
    reservation: MemoryReservation || undefined,
    swap: Memory > 0 && swap > 0 && host.swapLimit ? swap : undefined,
    swappiness: host.cgroup === "v1" && MemorySwappiness >= 0 ? MemorySwappiness : undefined,
    disableOOMKiller: host.cgroup === "v1" && OomKillDisable ? true : undefined,
  });
}

function cpu(hostConfig: HostConfig): LinuxResources["cpu"] {
  const { NanoCpus = 0 } = hostConfig;
  return whole({
    shares: hostConfig.CpuShares || undefined,
    quota: NanoCpus > 0 ? Math.trunc((NanoCpus * cpuPeriod) / 1e9) : hostConfig.CpuQuota || undefined,
    period: NanoCpus > 0 ? cpuPeriod : hostConfig.CpuPeriod || undefined,
    realtimePeriod: hostConfig.CpuRealtimePeriod || undefined,
    realtimeRuntime: hostConfig.CpuRealtimeRuntime || undefined,
    cpus: hostConfig.CpusetCpus || undefined,
    mems: hostConfig.CpusetMems || undefined,
  });
}

type Limits = ReadonlyArray<{ readonly Path?: string; readonly Rate?: number }> | undefined;

function blockIo(hostConfig: HostConfig, source?: DeviceSource): object | undefined {
  const throttle = (limits: Limits): object[] | undefined =>
    limits?.length
      ? limits.map(({ Path = "", Rate = 0 }) => ({ ...blockDevice(Path, source), rate: Rate }))
      : undefined;
  return whole({
    weight: hostConfig.BlkioWeight || undefined,
    weightDevice: hostConfig.BlkioWeightDevice?.length
      ? hostConfig.BlkioWeightDevice.map(({ Path = "", Weight = 0 }) => ({
          ...blockDevice(Path, source),
          weight: Weight,
        }))
      : undefined,
    throttleReadBpsDevice: throttle(hostConfig.BlkioDeviceReadBps),
    throttleWriteBpsDevice: throttle(hostConfig.BlkioDeviceWriteBps),
    throttleReadIOPSDevice: throttle(hostConfig.BlkioDeviceReadIOps),
    throttleWriteIOPSDevice: throttle(hostConfig.BlkioDeviceWriteIOps),
  });
}

/** `-1` is RLIM_INFINITY, which no JavaScript number can hold: it is written as raw JSON. */
const unlimited = (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON("18446744073709551615") as number;

/** `--ulimit`: none by default, so that a container has what the engine has. */
export function rlimits({ Ulimits }: HostConfig): Process["rlimits"] {
  if (!Ulimits?.length) return undefined;
  const bound = (value = 0): number => (value < 0 ? unlimited : value);
  return Ulimits.map(({ Name = "", Soft, Hard }) => ({
    type: `RLIMIT_${Name.toUpperCase()}`,
    soft: bound(Soft),
    hard: bound(Hard),
  }));
}

/** Undefined where no field is set. */
function whole<T extends object>(fields: T): T | undefined {
  return Object.values(fields).some((value) => value !== undefined) ? fields : undefined;
}
