import { invalid, type KeelsonError, messageOf } from "../base/errors.ts";
import type { HostConfig } from "../client/endpoints/container-config.ts";
import { type HostLimits, parseCpuList } from "./limits-of-host.ts";

const mega = 1024 * 1024;
/** Less than this no container starts. */
const minMemory = 6 * mega;

type Check = (asked: HostConfig, host: HostLimits, warn: (text: string) => void) => HostConfig;

/**
 * Checks a container's limits against each other and the host, in Docker's words, and returns them with what this host
 * cannot do taken out, each with a warning.
 */
export function checkResources(asked: HostConfig, host: HostLimits, warn: (text: string) => void): HostConfig {
  return [memory, swap, memoryDetails, oom, pids, cpu, cpuset, blkio].reduce(
    (now, check) => check(now, host, warn),
    asked,
  );
}

const memory: Check = (asked, host, warn) => {
  const { Memory = 0, MemoryReservation = 0 } = asked;
  if (Memory !== 0 && Memory < minMemory) throw invalid("Minimum memory limit allowed is 6MB");
  if (MemoryReservation > 0 && MemoryReservation < minMemory)
    throw invalid("Minimum memory reservation allowed is 6MB");
  if (Memory > 0 && MemoryReservation > Memory)
    throw invalid("Minimum memory limit can not be less than memory reservation limit, see usage");
  if (host.controllers.has("memory") || (Memory === 0 && MemoryReservation === 0)) return asked;
  warn("Your kernel does not support memory limit capabilities or the cgroup is not mounted. Limitation discarded.");
  return { ...asked, Memory: 0, MemorySwap: 0, MemoryReservation: 0 };
};

const swap: Check = (asked, host, warn) => {
  const { Memory = 0, MemorySwap = 0 } = asked;
  if (Memory > 0 && MemorySwap > 0 && MemorySwap < Memory)
    throw invalid("Minimum memoryswap limit should be larger than memory limit, see usage");
  if (Memory === 0 && MemorySwap > 0)
    throw invalid("You should always set the Memory limit when using Memoryswap limit, see usage");
  if (Memory === 0) return asked;
  if (host.swapLimit) return { ...asked, MemorySwap: MemorySwap === 0 ? Memory * 2 : MemorySwap };
  if (MemorySwap !== -1)
    warn(
      "Your kernel does not support swap limit capabilities or the cgroup is not mounted. Memory limited without swap.",
    );
  return { ...asked, MemorySwap: -1 };
};

const memoryDetails: Check = (asked, host, warn) => {
  const { MemorySwappiness, ShmSize = 0 } = asked;
  if (ShmSize < 0) throw invalid("SHM size can not be less than 0");
  if (MemorySwappiness === undefined || MemorySwappiness === -1) return { ...asked, MemorySwappiness: undefined };
  if (host.cgroup === "v2") {
    warn(
      "Your kernel does not support memory swappiness capabilities or the cgroup is not mounted. Memory swappiness discarded.",
    );
    return { ...asked, MemorySwappiness: undefined };
  }
  if (MemorySwappiness < 0 || MemorySwappiness > 100)
    throw invalid(`Invalid value: ${MemorySwappiness}, valid memory swappiness range is 0-100`);
  return asked;
};

const oom: Check = (asked, host, warn) => {
  const { OomKillDisable, OomScoreAdj = 0, Memory = 0 } = asked;
  if (OomScoreAdj < -1000 || OomScoreAdj > 1000)
    throw invalid(`Invalid value ${OomScoreAdj}, range for oom score adj is [-1000, 1000]`);
  if (!OomKillDisable) return asked;
  if (host.cgroup === "v2") {
    warn("Your kernel does not support OomKillDisable. OomKillDisable discarded.");
    return { ...asked, OomKillDisable: undefined };
  }
  if (Memory === 0)
    warn(
      "OOM killer is disabled for the container, but no memory limit is set, this can result in the system running out of resources.",
    );
  return asked;
};

const pids: Check = (asked, host, warn) => {
  if ((asked.PidsLimit ?? 0) <= 0 || host.controllers.has("pids")) return asked;
  warn("Your kernel does not support PIDs limit capabilities or the cgroup is not mounted. PIDs limit discarded.");
  return { ...asked, PidsLimit: undefined };
};

const cpu: Check = (asked, host, warn) => {
  const { NanoCpus = 0, CpuPeriod = 0, CpuQuota = 0, CpuShares = 0, CpuPercent = 0 } = asked;
  if (NanoCpus > 0 && CpuPeriod > 0) throw invalid("Conflicting options: Nano CPUs and CPU Period cannot both be set");
  if (NanoCpus > 0 && CpuQuota > 0) throw invalid("Conflicting options: Nano CPUs and CPU Quota cannot both be set");
  if (NanoCpus < 0 || NanoCpus > host.cpus * 1e9)
    throw invalid(`range of CPUs is from 0.01 to ${host.cpus}.00, as there are only ${host.cpus} CPUs available`);
  if (CpuShares < 0) throw invalid(`invalid CPU shares (${CpuShares}): value must be a positive integer`);
  if (CpuShares === 1) throw invalid("the minimum allowed cpu-shares is 2");
  if (CpuShares > 262144) throw invalid("the maximum allowed cpu-shares is 262144");
  if (CpuPeriod !== 0 && (CpuPeriod < 1000 || CpuPeriod > 1_000_000))
    throw invalid("CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)");
  if (CpuQuota > 0 && CpuQuota < 1000) throw invalid("CPU cfs quota can not be less than 1ms (i.e. 1000)");
  if (CpuPercent > 0) warn("linux does not support CPU percent. Percent discarded.");
  if (!host.controllers.has("cpu") && NanoCpus > 0)
    throw invalid(
      "NanoCPUs can not be set, as your kernel does not support CPU CFS scheduler or the cgroup is not mounted",
    );
  return CpuPercent > 0 ? { ...asked, CpuPercent: 0 } : asked;
};

const cpuset: Check = (asked, host, warn) => {
  const { CpusetCpus = "", CpusetMems = "" } = asked;
  if (CpusetCpus === "" && CpusetMems === "") return asked;
  if (!host.controllers.has("cpuset")) {
    warn("Your kernel does not support cpuset or the cgroup is not mounted. Cpuset discarded.");
    return { ...asked, CpusetCpus: "", CpusetMems: "" };
  }
  within(CpusetCpus, host.cpuList, "cpus", "CPUs");
  within(CpusetMems, host.memoryNodes, "mems", "memory nodes");
  return asked;
};

function within(asked: string, available: string, what: "cpus" | "mems", words: string): void {
  const there = parseCpuList(available);
  let wanted: Set<number>;
  try {
    wanted = parseCpuList(asked);
  } catch (cause) {
    throw invalid(`Invalid value ${asked} for cpuset ${what}: ${messageOf(cause)}`, { cause });
  }
  if (![...wanted].every((number) => there.has(number)))
    throw invalid(`Requested ${words} are not available - requested ${asked}, available: ${available}`);
}

const blkio: Check = (asked, host, warn) => {
  const weight = asked.BlkioWeight ?? 0;
  const kept: HostConfig = { ...asked };
  const maximum = (what: string): KeelsonError =>
    invalid(`invalid option: QoS maximum ${what} configuration is not supported on linux`);
  if (asked.IOMaximumIOps) throw maximum("IOPs");
  if (asked.IOMaximumBandwidth) throw maximum("bandwidth");
  if (weight !== 0 && !host.blkioWeight) {
    warn("Your kernel does not support Block I/O weight or the cgroup is not mounted. Weight discarded.");
    kept.BlkioWeight = 0;
  } else if (weight !== 0 && (weight < 10 || weight > 1000)) throw invalid("Range of blkio weight is from 10 to 1000");
  if (asked.BlkioWeightDevice?.length && !host.blkioWeightDevice) {
    warn("Your kernel does not support Block I/O weight_device or the cgroup is not mounted. Weight-device discarded.");
    kept.BlkioWeightDevice = [];
  }
  return kept;
};
