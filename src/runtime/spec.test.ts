import assert from "node:assert/strict";
import { test } from "node:test";
import type { ContainerConfig, HostConfig } from "../client/endpoints/container-config.ts";
import type { SpecDevice } from "../oci/runtime-spec.ts";
import { allCapabilities } from "./spec/capabilities.ts";
import type { ResolvedMount } from "./spec/mounts.ts";
import { buildExecProcess, buildSpec, type DeviceSource, type HostFeatures, type SpecInput } from "./spec.ts";
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
  const depth = (mount: { destination: string }): string =>
    `${mount.destination.split("/").length}${mount.destination}`;
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

test("an exec has the container's variables, folder and capabilities, and its own over them", () => {
  const base = { config: { Env: ["A=1", "B=2", "PATH=/bin"], WorkingDir: "/srv" }, hostConfig: { CapDrop: ["ALL"] } };
  const common = { ...input(base), args: ["id"], home: "/root" };
  const plain = buildExecProcess({ ...common, exec: { Env: ["B=3", "C=4"] } });
  assert.deepEqual(plain.env, ["PATH=/bin", "HOSTNAME=ID12", "A=1", "B=3", "C=4", "HOME=/root"]);
  assert.equal(plain.cwd, "/srv");
  assert.deepEqual(plain.capabilities?.bounding, []);
  assert.equal(plain.terminal, false);
  const privileged = buildExecProcess({
    ...common,
    exec: { Privileged: true, Tty: true, ConsoleSize: [24, 80], WorkingDir: "/tmp" },
  });
  assert.deepEqual(privileged.capabilities?.effective, host.capabilities);
  assert.deepEqual(privileged.consoleSize, { height: 24, width: 80 });
  assert.equal(privileged.cwd, "/tmp");
  assert.ok(privileged.env.includes("TERM=xterm"));
});

test("a cgroup2 host gives a cgroup namespace by default and knows no swappiness", () => {
  const v2 = { ...host, cgroup: "v2" as const };
  const spec = buildSpec(
    input({ host: v2, hostConfig: { Memory: 64 << 20, MemorySwappiness: 10, OomKillDisable: true } }),
  );
  assert.ok(spec.linux.namespaces.some(({ type }) => type === "cgroup"));
  assert.deepEqual(JSON.parse(JSON.stringify(spec.linux.resources?.memory)), { limit: 64 << 20, swap: 128 << 20 });
  const shared = buildSpec(input({ host: v2, hostConfig: { CgroupnsMode: "host" } }));
  assert.ok(!shared.linux.namespaces.some(({ type }) => type === "cgroup"));
});

test("a user's mount takes the place of a default one, and one at /dev of all below it", () => {
  const bind = (destination: string): ResolvedMount => ({
    type: "bind",
    source: "/from",
    destination,
    rw: true,
    propagation: "rprivate",
  });
  const at = (mounts: readonly ResolvedMount[]): string[] =>
    buildSpec(input({ mounts })).mounts.map(({ destination, source }) => `${destination} ${source}`);
  const hosts = at([bind("/etc/hosts"), bind("/dev/shm")]);
  assert.ok(hosts.includes("/etc/hosts /from") && !hosts.some((line) => line.endsWith("ID/hosts")));
  assert.ok(hosts.includes("/dev/shm /from") && !hosts.includes("/dev/shm shm"));
  const dev = at([bind("/dev")]);
  assert.deepEqual(
    dev.filter((line) => line.startsWith("/dev")),
    ["/dev /from"],
  );
});

test("--init needs an init, and is left out where the container is not alone in its PID namespace", () => {
  assert.throws(() => buildSpec(input({ initPath: undefined, hostConfig: { Init: true } })), { kind: "invalid" });
  const shared = buildSpec(input({ hostConfig: { Init: true, PidMode: "host" } }));
  assert.deepEqual(shared.process.args, ["true"]);
});

test("the user's own masked and read-only paths hold, for a privileged container too", () => {
  const own = { MaskedPaths: ["/a"], ReadonlyPaths: ["/b"], Privileged: true };
  const { maskedPaths, readonlyPaths } = buildSpec(input({ hostConfig: own })).linux;
  assert.deepEqual([maskedPaths, readonlyPaths], [["/a"], ["/b"]]);
  const none = buildSpec(input({ hostConfig: { MaskedPaths: [], ReadonlyPaths: [] } })).linux;
  assert.deepEqual([none.maskedPaths, none.readonlyPaths], [undefined, undefined]);
});

test("an unlimited ulimit is written as the kernel's infinity, which no JavaScript number holds", () => {
  const spec = buildSpec(input({ hostConfig: { Ulimits: [{ Name: "core", Soft: -1, Hard: -1 }] } }));
  assert.match(JSON.stringify(spec.process.rlimits), /"soft":18446744073709551615,"hard":18446744073709551615/);
  assert.equal(buildSpec(input()).process.rlimits, undefined);
});

test("a container without seccomp in the kernel runs, unless it asks for a profile", () => {
  const bare = { ...host, seccomp: false };
  assert.equal(buildSpec(input({ host: bare })).linux.seccomp, undefined);
  assert.throws(() => buildSpec(input({ host: bare, hostConfig: { SecurityOpt: ["seccomp={}"] } })), {
    message: "seccomp is not enabled in your kernel, cannot run a custom seccomp profile",
  });
});
