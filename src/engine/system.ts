import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, hostname, release, totalmem } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { version } from "../base/version.ts";
import { ownFiles } from "../containers/bundle.ts";
import type { Container } from "../containers/containers.ts";
import { logPath, rootfsDir } from "../containers/context.ts";
import type { Image } from "../images/images.ts";
import { chainIds } from "../oci/digest.ts";
import type { Snapshots } from "../snapshots/snapshots.ts";
import { diskUsage } from "./disk-usage.ts";
import type { Engine } from "./engine.ts";

const run = promisify(execFile);

/** What the API shows of the engine as a whole and of the host: see `SystemInfo` in api/system.ts. */
export async function systemOf(engine: Engine) {
  const { config } = engine;
  const { snapshots } = engine.services;
  const components = await Promise.all(Object.entries(config.runtimes).map(([name, path]) => component(name, path)));
  return {
    facts: {
      id: engineId(config.dataRoot),
      version,
      gitCommit: "",
      buildTime: "",
      dataRoot: config.dataRoot,
      storageDriver: "overlay2",
      storageStatus: [
        ["Backing Filesystem", "extfs"],
        ["Supports d_type", "true"],
        ["Native Overlay Diff", "true"],
      ] as ReadonlyArray<readonly [string, string]>,
      volumeDrivers: ["local"],
      networkDrivers: ["bridge", "host", "null"],
      logDrivers: ["json-file", "none"],
      runtimes: config.runtimes,
      defaultRuntime: config.defaultRuntime,
      initBinary: "docker-init",
      components,
      labels: config.labels,
      insecureRegistries: config.insecureRegistries,
      registryMirrors: config.registryMirrors,
      securityOptions: ["name=seccomp,profile=builtin"],
      debug: config.debug,
    },
    host: async () => hostFacts(),
    container: (container: Container) => ({
      ...pathsOf(config, container),
      graph: snapshotGraph(config, snapshots, container),
    }),
    image: (image: Image) => imageGraph(snapshots, image),
    layersSize: async () => snapshots.layers().reduce((sum, { size }) => sum + size, 0),
    volumeSize: async (_op: unknown, name: string) => diskUsage(engine.volumes.get(name).mountpoint),
  };
}

/** The engine's own ID lives as long as its data root. */
function engineId(dataRoot: string): string {
  const file = join(dataRoot, "engine-id");
  if (!existsSync(file)) writeFileSync(file, randomUUID());
  return readFileSync(file, "utf8");
}

async function component(name: string, path: string): Promise<{ name: string; version: string }> {
  const { stdout } = await run(path, ["--version"]).catch(() => ({ stdout: "" }));
  return { name, version: /version:?\s+(\S+)/.exec(stdout)?.[1] ?? "unknown" };
}

function pathsOf(config: Engine["config"], container: Container) {
  if (container.state.startedAt.startsWith("0001-")) return { resolvConf: "", hostname: "", hosts: "", log: "" };
  const { resolvConf, hostname: hostnameFile, hosts } = ownFiles(config, container.id);
  return { resolvConf, hostname: hostnameFile, hosts, log: logPath(config, container) ?? "" };
}

/** How a root is made, under the names of Docker's overlay2 driver. */
interface Graph {
  readonly name: string;
  readonly data: Readonly<Record<string, string>>;
}

function snapshotGraph(config: Engine["config"], snapshots: Snapshots, container: Container): Graph {
  const snapshot = snapshots.snapshot(container.id);
  if (!snapshot) return { name: "overlay2", data: {} };
  const lower: string[] = [];
  for (let layer = snapshot.parent && snapshots.layer(snapshot.parent); layer; ) {
    lower.push(layer.path);
    layer = layer.parent && snapshots.layer(layer.parent);
  }
  return {
    name: "overlay2",
    data: {
      ID: container.id,
      LowerDir: lower.join(":"),
      MergedDir: rootfsDir(config, container.id),
      UpperDir: snapshot.upper,
      WorkDir: snapshot.work,
    },
  };
}

function imageGraph(snapshots: Snapshots, image: Image): Graph {
  const layers = chainIds(image.config.rootfs.diff_ids)
    .map((id) => snapshots.layer(id)?.path)
    .filter((path) => path !== undefined);
  const upper = layers.at(-1);
  if (upper === undefined) return { name: "overlay2", data: {} };
  const lower = layers.slice(0, -1).reverse();
  return {
    name: "overlay2",
    data: { ...(lower.length > 0 ? { LowerDir: lower.join(":") } : {}), UpperDir: upper },
  };
}

function hostFacts() {
  const os = osRelease();
  const unified = existsSync("/sys/fs/cgroup/cgroup.controllers");
  return {
    hostname: hostname(),
    kernelVersion: release(),
    operatingSystem: os["PRETTY_NAME"] ?? "Linux",
    osVersion: os["VERSION_ID"] ?? "",
    machine: process.arch === "x64" ? "x86_64" : process.arch === "arm64" ? "aarch64" : process.arch,
    cpus: cpus().length,
    memory: totalmem(),
    cgroupDriver: "cgroupfs" as const,
    cgroupVersion: unified ? ("2" as const) : ("1" as const),
    ipv4Forwarding: readTrimmed("/proc/sys/net/ipv4/ip_forward") === "1",
    limits: unified ? limitsOfV2() : limitsOfV1(),
    openFiles: readdirSync("/proc/self/fd").length,
    warnings: [],
  };
}

function limitsOfV2() {
  const controllers = new Set(readTrimmed("/sys/fs/cgroup/cgroup.controllers").split(" "));
  const has = (name: string): boolean => controllers.has(name);
  return {
    memory: has("memory"),
    swap: has("memory"),
    cpu: has("cpu"),
    cpuset: has("cpuset"),
    pids: has("pids"),
    oomKillDisable: false,
  };
}

function limitsOfV1() {
  const has = (path: string): boolean => existsSync(join("/sys/fs/cgroup", path));
  return {
    memory: has("memory/memory.limit_in_bytes"),
    swap: has("memory/memory.memsw.limit_in_bytes"),
    cpu: has("cpu/cpu.cfs_quota_us"),
    cpuset: has("cpuset/cpuset.cpus"),
    pids: has("pids"),
    oomKillDisable: has("memory/memory.oom_control"),
  };
}

function osRelease(): Record<string, string> {
  const text = readTrimmed("/etc/os-release") || readTrimmed("/usr/lib/os-release");
  const pairs = [...text.matchAll(/^([A-Z_]+)=(?:"([^"]*)"|(\S*))$/gm)];
  return Object.fromEntries(pairs.map(([, key, quoted, plain]) => [key!, quoted ?? plain ?? ""]));
}

function readTrimmed(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return "";
  }
}
