import assert from "node:assert/strict";
import { test } from "node:test";
import { parseDeviceRule, planDevices } from "./devices.ts";
import { environment } from "./env.ts";
import { parseKernel } from "./host.ts";
import { mergeTmpfsOptions } from "./mounts.ts";
import { rootPropagation } from "./propagation.ts";
import { parseSecurityOptions } from "./security.ts";

test("security options", () => {
  assert.deepEqual(parseSecurityOptions(), {
    noNewPrivileges: false,
    seccomp: "default",
    apparmor: undefined,
    writableCgroups: false,
  });
  for (const option of ["no-new-privileges", "no-new-privileges=true", "no-new-privileges:1"])
    assert.ok(parseSecurityOptions([option]).noNewPrivileges, option);
  assert.ok(!parseSecurityOptions(["no-new-privileges:false"]).noNewPrivileges);
  for (const option of ["seccomp=unconfined", "seccomp:unconfined"])
    assert.equal(parseSecurityOptions([option]).seccomp, "unconfined");
  for (const option of ["seccomp=", "seccomp=builtin"]) assert.equal(parseSecurityOptions([option]).seccomp, "default");
  assert.deepEqual(parseSecurityOptions(['seccomp={"a":"b=c:d"}']).seccomp, { json: '{"a":"b=c:d"}' });
  assert.equal(parseSecurityOptions(["apparmor=mine", "label=type:t", "label:disable", "disable"]).apparmor, "mine");
  assert.ok(parseSecurityOptions(["writable-cgroups"]).writableCgroups);
  assert.throws(() => parseSecurityOptions(["foo"]), { kind: "invalid", message: 'invalid --security-opt 1: "foo"' });
  for (const option of ["foo=bar", "systempaths=unconfined", "no-new-privileges=x"])
    assert.throws(() => parseSecurityOptions([option]), { message: `invalid --security-opt 2: "${option}"` });
});

test("device rules", () => {
  const rule = { allow: true, type: "c", major: 42, minor: -1, access: "rmw" };
  assert.deepEqual(parseDeviceRule("c 42:* rmw"), rule);
  assert.deepEqual(parseDeviceRule("a *:* r"), { ...rule, type: "a", major: -1, access: "r" });
  for (const bad of ["foo", "c 1:* q", "c 1 r", "x 1:1 r", "c 1:1", "c -1:1 r", "c 1:1 rwmr"])
    assert.throws(() => parseDeviceRule(bad), {
      kind: "invalid",
      message: `invalid device cgroup rule format: '${bad}'`,
    });
});

test("this machine's devices: one, a folder of them, and what is none", () => {
  const { devices, rules } = planDevices({
    Devices: [{ PathOnHost: "/dev/null", PathInContainer: "/dev/other", CgroupPermissions: "r" }],
  });
  assert.equal(devices.length, 1);
  const [{ path, type, major, minor }] = [devices[0]!];
  assert.deepEqual({ path, type, major, minor }, { path: "/dev/other", type: "c", major: 1, minor: 3 });
  assert.deepEqual(rules.at(-1), { allow: true, type: "c", major: 1, minor: 3, access: "r" });
  const all = planDevices({ Privileged: true }).devices.map((device) => device.path);
  assert.ok(all.includes("/dev/null") && all.every((name) => !name.startsWith("/dev/pts")));
  assert.deepEqual(all, [...new Set(all)]);
  const message = (name: string, why: string): string =>
    `error gathering device information while adding custom device ${JSON.stringify(name)}: ${why}`;
  const refused: ReadonlyArray<[string, string]> = [
    ["/dev/nope", "no such file or directory"],
    ["", "no such file or directory"],
    ["/etc/passwd", "not a device node"],
    ["/proc/self", "not a device node"],
  ];
  for (const [name, why] of refused)
    assert.throws(() => planDevices({ Devices: [{ PathOnHost: name, PathInContainer: "/dev/x" }] }), {
      kind: "invalid",
      message: message(name, why),
    });
});

test("the environment: defaults, the container's, an exec's, HOME last", () => {
  const common = { hostname: "h", tty: false, home: "/root" };
  const path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  assert.deepEqual(environment({ ...common, layers: [undefined] }), [path, "HOSTNAME=h", "HOME=/root"]);
  assert.deepEqual(environment({ ...common, tty: true, layers: [["A=1=2", "A=3", "HOME=/x", "HOSTNAME"]] }), [
    path,
    "TERM=xterm",
    "A=3",
    "HOME=/x",
  ]);
  assert.deepEqual(environment({ ...common, layers: [["A=1", "PATH=/p"], ["A"]] }), [
    "PATH=/p",
    "HOSTNAME=h",
    "HOME=/root",
  ]);
});

test("tmpfs options: Docker's defaults, the user's over them", () => {
  const merged: ReadonlyArray<[string[], string]> = [
    [[], "noexec,nosuid,nodev,rprivate"],
    [["rw", "size=1m", "mode=700", "exec"], "nosuid,nodev,rprivate,rw,size=1m,mode=700,exec"],
    [["ro", "rw"], "noexec,nosuid,nodev,rprivate,rw"],
    [["size=1m", "size=2m"], "noexec,nosuid,nodev,rprivate,size=2m"],
    [["shared"], "noexec,nosuid,nodev,shared"],
    [["", "defaults", "uid=5"], "noexec,nosuid,nodev,rprivate,uid=5"],
  ];
  for (const [options, expected] of merged) assert.equal(mergeTmpfsOptions(options).join(), expected);
  for (const option of ["foo", "bind", "foo=bar"])
    assert.throws(() => mergeTmpfsOptions([option]), {
      kind: "invalid",
      message: `invalid tmpfs option ${JSON.stringify(option)}`,
    });
});

test("shared and slave mounts need a source that can propagate", () => {
  const info = [
    "1 0 8:1 / / rw - ext4 /dev/a rw",
    "2 1 8:1 / /s\\040x rw shared:7 - ext4 /dev/a rw",
    "3 1 8:1 / /m rw master:7 - ext4 /dev/a rw",
  ].join("\n");
  const ask = (source: string, propagation: string): string | undefined =>
    rootPropagation([{ type: "bind", source, destination: "/d", rw: true, propagation }], () => info);
  assert.equal(ask("/s x/y", "rshared"), "shared");
  assert.equal(ask("/s x", "slave"), "rslave");
  assert.equal(ask("/m/z", "rslave"), "rslave");
  assert.equal(ask("/q", "rprivate"), undefined);
  assert.throws(() => ask("/m/z", "shared"), {
    kind: "invalid",
    message: "path /m/z is mounted on /m but it is not a shared mount",
  });
  assert.throws(() => ask("/s xy", "rslave"), {
    message: "path /s xy is mounted on / but it is not a shared or slave mount",
  });
});

test("kernel releases", () => {
  assert.deepEqual(parseKernel("6.18.44-foo"), [6, 18]);
  assert.deepEqual(parseKernel("nonsense"), [0, 0]);
});
