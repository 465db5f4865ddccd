import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readdirSync, rmdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import type { ContainerConfig, HostConfig } from "../client/endpoints/container-config.ts";
import { isolate } from "../kernel/testing/isolate.ts";
import { output, temporaryFolder } from "../kernel/testing/temporary.ts";
import { buildSpec, probeHost, type ResolvedMount } from "./spec.ts";
import { resolveUser } from "./users.ts";

isolate(import.meta.url);

// crun refuses v1 hierarchies with a v2 tree beside them, and writes files where that tree was: so its place is covered,
// in this namespace of the test's own, by an empty file system.
if (existsSync("/sys/fs/cgroup/unified/cgroup.controllers")) {
  output("umount", "/sys/fs/cgroup/unified");
  output("mount", "-t", "tmpfs", "tmpfs", "/sys/fs/cgroup/unified");
}

// Before the folder's own removal, which could not remove a mount point.
after(() => output("umount", network));
const folder = temporaryFolder("spec-run");
/** A network namespace of the containers' own: runc sets no parameters of one that it is in itself. */
const network = join(folder, "netns");
writeFileSync(network, "");
output("unshare", `--net=${network}`, "true");
const rootfs = join(folder, "rootfs");
for (const name of ["bin", "etc", "root", "tmp", "data"]) mkdirSync(join(rootfs, name), { recursive: true });
copyFileSync("/bin/busybox", join(rootfs, "bin", "busybox"));
for (const applet of ["sh", "cat", "id", "grep", "touch", "hostname", "ls", "mkdir", "mount", "ulimit", "echo", "head"])
  symlinkSync("busybox", join(rootfs, "bin", applet));
writeFileSync(join(rootfs, "etc", "passwd"), "root:x:0:0::/root:/bin/sh\napp:x:1000:1001::/home/app:/bin/sh\n");
writeFileSync(join(rootfs, "etc", "group"), "root:x:0:\napp:x:1001:\nwheel:x:10:app\n");

const parent = `/keelson-test-${process.pid}`;
after(() => {
  const trees = ["", ...readdirSync("/sys/fs/cgroup")].map((name) => join("/sys/fs/cgroup", name, parent));
  for (const tree of trees) if (existsSync(tree) && !tree.includes("unified")) rmdirSync(tree);
});

interface Run {
  readonly script: string;
  readonly config?: ContainerConfig;
  readonly hostConfig?: HostConfig;
  readonly mounts?: readonly ResolvedMount[];
}

let count = 0;

function run(runtime: string, { script, config = {}, hostConfig = {}, mounts = [] }: Run): string {
  const id = `spec-${process.pid}-${count++}`;
  const bundle = join(folder, id);
  mkdirSync(bundle);
  const file = (name: string): string => {
    writeFileSync(join(bundle, name), `${name}\n`);
    return join(bundle, name);
  };
  const spec = buildSpec({
    id,
    config,
    hostConfig,
    rootfs,
    args: ["sh", "-c", script],
    ...resolveUser(rootfs, config.User ?? "", hostConfig.GroupAdd),
    hostname: "inside",
    mounts,
    network,
    files: { hosts: file("hosts"), hostname: file("hostname"), resolvConf: file("resolv.conf") },
    initPath: "/bin/busybox",
    cgroupParent: parent,
    host: probeHost(),
  });
  writeFileSync(join(bundle, "config.json"), JSON.stringify(spec));
  const { stdout, stderr, status } = spawnSync(
    runtime,
    ["--root", join(folder, `state-${runtime}`), "run", "-b", bundle, id],
    { encoding: "utf8", input: "" },
  );
  assert.equal(status, 0, `${runtime}: ${stderr}`);
  return stdout.trim();
}

const installed = (runtime: string): boolean => spawnSync(runtime, ["--version"]).status === 0;
const runtimes = ["crun", "runc"];
test("there is a runtime to try specs with", () => assert.ok(runtimes.some(installed)));

for (const runtime of runtimes) {
  const skip = installed(runtime) ? false : `${runtime} is not installed here`;
  const lines = (request: Run): string[] => run(runtime, request).split("\n");

  test(`${runtime}: a container with Docker's defaults`, { skip }, () => {
    const status = "grep -E '^(CapEff|CapBnd|CapAmb|Seccomp|NoNewPrivs):' /proc/self/status";
    assert.deepEqual(lines({ script: `id -u; hostname; echo $HOME $HOSTNAME; cat /etc/hosts; ${status}` }), [
      "0",
      "inside",
      "/root inside",
      "hosts",
      "CapEff:\t00000000a80425fb",
      "CapBnd:\t00000000a80425fb",
      "CapAmb:\t0000000000000000",
      "NoNewPrivs:\t0",
      "Seccomp:\t2",
    ]);
    const [sys, cgroup, mount, ...masked] = lines({
      script:
        "(echo x >/proc/sys/kernel/hostname) 2>&1; mkdir /sys/fs/cgroup/cpu/x 2>&1; mount -t tmpfs x /tmp 2>&1; ls /sys/firmware; head -c 1 /proc/keys",
    });
    assert.match(sys!, /Read-only file system/);
    assert.match(cgroup!, /Read-only file system|No such file/);
    assert.match(mount!, /Operation not permitted|permission denied/);
    assert.deepEqual(masked, [], "masked paths are empty");
  });

  test(`${runtime}: user, limits, read-only root, devices, parameters`, { skip }, () => {
    const out = lines({
      script: `id; ulimit -n; ulimit -c; cat /proc/self/oom_score_adj; cat /proc/sys/net/ipv4/ip_unprivileged_port_start; touch /x 2>&1; touch /data/x 2>&1; touch /tmp/${runtime}/ok && echo writable; grep -c . /proc/self/status >/dev/other && echo device; cat /proc/sys/kernel/domainname; pwd`,
      config: { User: "app", Domainname: "example.org", WorkingDir: "/work" },
      hostConfig: {
        Memory: 64 << 20,
        NanoCpus: 5e8,
        PidsLimit: 20,
        OomScoreAdj: 100,
        GroupAdd: ["99"],
        ReadonlyRootfs: false,
        Tmpfs: { [`/tmp/${runtime}`]: "mode=1777" },
        Ulimits: [
          { Name: "nofile", Soft: 50, Hard: 60 },
          { Name: "core", Soft: 0, Hard: 0 },
        ],
        Devices: [{ PathOnHost: "/dev/null", PathInContainer: "/dev/other", CgroupPermissions: "rw" }],
      },
      mounts: [
        { type: "bind", source: join(folder), destination: "/data", rw: false, propagation: "rprivate" },
        {
          type: "bind",
          source: join(rootfs, "etc", "passwd"),
          destination: "/one",
          rw: false,
          propagation: "rprivate",
        },
      ],
    });
    assert.match(out[0]!, /^uid=1000\(app\) gid=1001\(app\) groups=(?=.*10\(wheel\))(?=.*99)/);
    assert.deepEqual(out.slice(1, 5), ["50", "0", "100", "0"]);
    assert.match(out[5]!, /Permission denied/);
    assert.match(out[6]!, /Read-only file system|Permission denied/);
    assert.deepEqual(out.slice(7), ["writable", "device", "example.org", "/work"]);
  });

  test(`${runtime}: a read-only root, and what is mounted on it`, { skip }, () => {
    const out = lines({
      script: "touch /x 2>&1; touch /etc/hosts 2>&1; touch /dev/shm/ok && echo shm",
      hostConfig: { ReadonlyRootfs: true },
    });
    assert.match(out[0]!, /Read-only file system/);
    assert.match(out[1]!, /Read-only file system/);
    assert.equal(out[2], "shm");
  });

  test(`${runtime}: privileged`, { skip }, () => {
    const out = lines({
      script:
        "grep ^Seccomp: /proc/self/status; mount -t tmpfs x /tmp && echo mounted; ls /dev/kmsg; mkdir /sys/fs/cgroup/x 2>&1",
      hostConfig: { Privileged: true, Init: false },
    });
    assert.deepEqual(out.slice(0, 3), ["Seccomp:\t0", "mounted", "/dev/kmsg"]);
  });

  test(`${runtime}: the host's namespaces and no /dev/shm`, { skip }, () => {
    const out = lines({
      script: `cat /proc/${process.pid}/comm; ls /dev/shm 2>&1 | grep -c .`,
      hostConfig: { PidMode: "host", UTSMode: "host", IpcMode: "none", CgroupnsMode: "private" },
    });
    assert.match(out[0]!, /node|MainThread/);
  });
}
