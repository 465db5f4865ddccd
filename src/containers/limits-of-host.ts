import { existsSync, readdirSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { invalid } from "../base/errors.ts";
import { thermalThrottle } from "../runtime/spec/host.ts";

/** What of the host bounds a container's resources. */
export interface HostLimits {
  readonly cgroup: "v1" | "v2";
  /** Controllers that the host has. */
  readonly controllers: ReadonlySet<string>;
  /** How many processors the engine may use. */
  readonly cpus: number;
  /** Processors and memory nodes, as `0-3,5`. */
  readonly cpuList: string;
  readonly memoryNodes: string;
  readonly swapLimit: boolean;
  readonly blkioWeight: boolean;
  readonly blkioWeightDevice: boolean;
  /** Folders of sysfs to mask that only some processors have. */
  readonly thermalThrottle: readonly string[];
}

/** Reads the limits from sysfs. Cheap, yet once is enough. */
export function probeLimits(root = "/sys/fs/cgroup"): HostLimits {
  const v2 = existsSync(`${root}/cgroup.controllers`);
  const has = (path: string): boolean => existsSync(`${root}/${path}`);
  return {
    cgroup: v2 ? "v2" : "v1",
    controllers: new Set(
      v2 ? read(`${root}/cgroup.controllers`).split(" ") : existsSync(root) ? readdirSync(root) : [],
    ),
    cpus: availableParallelism(),
    cpuList: read(`${root}/cpuset.cpus.effective`, `${root}/cpuset/cpuset.cpus`, "/sys/devices/system/cpu/online"),
    memoryNodes: read(`${root}/cpuset.mems.effective`, `${root}/cpuset/cpuset.mems`, "/sys/devices/system/node/online"),
    swapLimit: v2 || has("memory/memory.memsw.limit_in_bytes"),
    blkioWeight: v2 || has("blkio/blkio.weight") || has("blkio/blkio.bfq.weight"),
    blkioWeightDevice: v2 || has("blkio/blkio.weight_device") || has("blkio/blkio.bfq.weight_device"),
    thermalThrottle: thermalThrottle(),
  };
}

/** The text of the first of the files that is there. */
function read(...paths: string[]): string {
  for (const path of paths) {
    try {
      return readFileSync(path, "utf8").trim();
    } catch {
      // The next one.
    }
  }
  return "0";
}

/** The numbers of a list such as `0-3,5`. Throws `invalid` "invalid format: X". */
export function parseCpuList(text: string): Set<number> {
  const numbers = new Set<number>();
  for (const part of text === "" ? [] : text.split(",")) {
    const [, first, last = first] = /^(\d{1,4})(?:-(\d{1,4}))?$/.exec(part) ?? [];
    if (first === undefined || Number(last) < Number(first)) throw invalid(`invalid format: ${text}`);
    for (let number = Number(first); number <= Number(last); number++) numbers.add(number);
  }
  return numbers;
}
