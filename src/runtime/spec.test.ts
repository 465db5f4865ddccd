import assert from "node:assert/strict";
import { test } from "node:test";
import type { ContainerConfig, HostConfig } from "../client/endpoints/container-config.ts";
import type { RuntimeSpec, SpecDevice } from "../oci/runtime-spec.ts";
import { buildExecProcess, buildSpec, type DeviceSource, type HostFeatures, type SpecInput } from "./spec.ts";
import { allCapabilities } from "./spec/capabilities.ts";
import type { ResolvedMount } from "./spec/mounts.ts";
import dockerSpecs from "./testing/docker-28-specs.json" with { type: "json" };
import { lookupUser } from "./users.ts";

/** The host that Docker's specs were written on: cgroup v1, and no CAP_SYS_RESOURCE to give. */
const host: HostFeatures = {
  cgroup: "v1",
  kernel: [6, 18],
  arch: "x64",
  seccomp: true,
  apparmor: false,
  recursiveReadOnly: true,
  swapLimit: true,
  capabilities: allCapabilities.filter((name) => name !== "CAP_SYS_RESOURCE"),
  thermalThrottle: [],
};

const device = (path: string, type: "c" | "b", major: number, minor: number, fileMode = 0o600): SpecDevice => ({
  path,
  type,
  major,
  minor,
  fileMode,
  uid: 0,
  gid: 0,
});
const listed = [
  device("/dev/fuse", "c", 10, 229),
  device("/dev/kvm", "c", 10, 232),
  device("/dev/loop0", "b", 7, 0),
  device("/dev/net/tun", "c", 10, 200),
  device("/dev/null", "c", 1, 3, 0o666),
];
const devices: DeviceSource = {
  lookup: (path) =>
    listed.find((one) => one.path === path) ??
    (path === "/dev/vda" ? device(path, "b", 254, 0) : path === "/dev/net" ? "folder" : "missing"),
  under: (folder) => listed.filter(({ path }) => path.startsWith(`${folder}/`)),
};

const passwd = "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1001::/home/app:/bin/sh\n";
const group = "root:x:0:\napp:x:1001:\nwheel:x:10:app,root\n";

function input(overrides: Partial<SpecInput> = {}): SpecInput {
  return {
    id: "ID",
    config: {},
    hostConfig: {},
    rootfs: "/rootfs",
    args: ["true"],
    user: { uid: 0, gid: 0, additionalGids: [0] },
    hostname: "ID12",
    mounts: [],
    network: "/netns",
    files: {
      resolvConf: "/data/containers/ID/resolv.conf",
      hostname: "/data/containers/ID/hostname",
      hosts: "/data/containers/ID/hosts",
    },
    initPath: "/usr/bin/docker-init",
    cgroupParent: "/docker",
    host,
    devices,
    ...overrides,
  };
}

/** A parsed spec without what says the same in different words; each line names the difference that it levels. */
// biome-ignore lint/suspicious/noExplicitAny: JSON of two writers is compared, of which one is not typed.
function level(text: string): any {
  const spec = JSON.parse(text);
  const { process, linux } = spec;
  delete spec.ociVersion;
  delete linux.seccomp; // Compared in its own test.
  process.terminal ||= undefined; // Docker leaves false out.
  for (const [name, set] of Object.entries<string[]>(process.capabilities ?? {}))
    process.capabilities[name] = set.length === 0 ? undefined : [...set].sort(); // Sets; Docker leaves empty ones out.
  process.user.additionalGids = [...new Set<number>(process.user.additionalGids)].sort((a, b) => a - b);
  for (const namespace of linux.namespaces) if (namespace.type === "network") namespace.path = undefined; // Docker wires it later.
  const rules = linux.resources.devices.map((rule: object) => JSON.stringify(rule));
  linux.resources.devices = [...new Set(rules)]; // Docker writes its default rules twice.
  const { memory } = linux.resources;
  if (memory?.disableOOMKiller === false) memory.disableOOMKiller = undefined; // The default, written out.
  if (JSON.stringify(memory) === "{}") linux.resources.memory = undefined;
  if (JSON.stringify(linux.resources.blockIO) === "{}") linux.resources.blockIO = undefined;
  const depth = (mount: { destination: string }): string => `${mount.destination.split("/").length}${mount.destination}`;
  const system = (mount: { type: string }): boolean => !["bind", "tmpfs"].includes(mount.type);
  spec.mountOrder = spec.mounts.filter(system).map(depth);
  spec.mounts.sort((a: { destination: string }, b: { destination: string }) => (depth(a) < depth(b) ? -1 : 1));
  // Go's sort leaves mounts of one depth in any order; among tmpfs options only the last of a kind counts.
  for (const mount of spec.mounts) if (mount.type === "tmpfs") mount.options.sort();
  return JSON.parse(JSON.stringify(spec));
}

for (const golden of dockerSpecs) {
  test(`writes what Docker 28 writes: ${golden.title}`, () => {
    const config: ContainerConfig = golden.config;
    const hostConfig = golden.hostConfig as unknown as HostConfig;
    const { user } = lookupUser(passwd, group, config.User ?? "", hostConfig.GroupAdd);
    const joins = hostConfig.PidMode?.startsWith("container:");
    const spec = buildSpec(
      input({
        config,
        hostConfig,
        args: [golden.path, ...golden.args],
        user,
        hostname: config.Hostname ?? "",
        mounts: golden.mounts as ResolvedMount[],
        network: hostConfig.NetworkMode === "host" ? "host" : "/netns",
        joined: joins ? { pid: "/proc/1234/ns/pid", ipc: "/proc/1234/ns/ipc" } : undefined,
        shm: joins ? "/shm" : undefined,
      }),
    );
    assert.deepEqual(level(JSON.stringify(spec)), level(JSON.stringify(golden.spec)));
  });
}
