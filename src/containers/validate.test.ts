import assert from "node:assert/strict";
import { test } from "node:test";
import { type HostLimits, parseCpuList, probeLimits } from "./limits-of-host.ts";
import { type CreateCase, createCases } from "./testing/create-cases.ts";
import { type Validated, validateCreate, validateName } from "./validate.ts";

const limits: HostLimits = {
  cgroup: "v1",
  controllers: new Set(["memory", "cpu", "cpuset", "pids", "blkio"]),
  cpus: 2,
  cpuList: "0-1",
  memoryNodes: "0",
  swapLimit: true,
  blkioWeight: false,
  blkioWeightDevice: false,
  thermalThrottle: ["/sys/hot"],
};

const validate = (one: Pick<CreateCase, "config" | "hostConfig">, host = limits): Validated =>
  validateCreate({
    config: one.config ?? {},
    hostConfig: one.hostConfig ?? {},
    runtimes: ["crun", "runc"],
    limits: host,
  });

for (const one of createCases) {
  const { refused, warnings, docker } = one;
  const title = JSON.stringify({ ...one.config, ...one.hostConfig }).slice(0, 100);
  test(`${refused === undefined ? "takes" : "refuses"} ${title}`, () => {
    if (refused === undefined) return assert.deepEqual(validate(one).warnings, warnings ?? []);
    const kind = docker === "lacks" ? "notImplemented" : "invalid";
    assert.throws(() => validate(one), { kind, message: refused });
  });
}

test("fills in Docker's defaults", () => {
  const { MaskedPaths, ReadonlyPaths, ...filled } = validate({ hostConfig: { Memory: 64 << 20 } }).hostConfig;
  assert.ok(MaskedPaths?.includes("/proc/kcore") && MaskedPaths.includes("/sys/hot"));
  assert.ok(ReadonlyPaths?.includes("/proc/sys"));
  assert.deepEqual(validate({ hostConfig: { Privileged: true } }).hostConfig.MaskedPaths, undefined);
  assert.deepEqual(validate({ hostConfig: { MaskedPaths: [], Privileged: true } }).hostConfig.MaskedPaths, []);
  assert.deepEqual(filled, {
    Memory: 64 << 20,
    MemorySwap: 128 << 20,
    MemorySwappiness: undefined,
    NetworkMode: "bridge",
    RestartPolicy: { Name: "no", MaximumRetryCount: 0 },
    LogConfig: { Type: "json-file", Config: {} },
    IpcMode: "private",
    CgroupnsMode: "host",
    ShmSize: 64 << 20,
  });
  assert.equal(validate({ hostConfig: { NetworkMode: "default" } }).hostConfig.NetworkMode, "bridge");
  assert.equal(validate({}, { ...limits, cgroup: "v2" }).hostConfig.CgroupnsMode, "private");
});

test("takes out what the host cannot do, with a warning", () => {
  const bare: HostLimits = { ...limits, cgroup: "v2", controllers: new Set(["cpu"]), swapLimit: false };
  const asked = { Memory: 64 << 20, PidsLimit: 5, CpusetCpus: "0", OomKillDisable: true, MemorySwappiness: 5 };
  const { hostConfig, warnings } = validate({ hostConfig: asked }, bare);
  assert.equal(warnings.length, 5);
  assert.equal(hostConfig.Memory, 0);
  assert.equal(hostConfig.PidsLimit, undefined);
  assert.equal(hostConfig.CpusetCpus, "");
  assert.equal(hostConfig.OomKillDisable, undefined);
  const noSwap = validate({ hostConfig: { Memory: 64 << 20 } }, { ...limits, swapLimit: false });
  assert.equal(noSwap.hostConfig.MemorySwap, -1);
  assert.match(noSwap.warnings[0]!, /Memory limited without swap\.$/);
});

test("names", () => {
  for (const [given, name] of [
    ["ab", "ab"],
    ["/foo", "foo"],
    ["a.b-c_1", "a.b-c_1"],
    ["x".repeat(300), "x".repeat(300)],
  ])
    assert.equal(validateName(given!), name);
  for (const bad of ["a", "", "foo/bar", "-x", "_x", "é2", "a b", "ab\n", "//ab"])
    assert.throws(() => validateName(bad), {
      kind: "invalid",
      message: `Invalid container name (${bad}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`,
    });
});

test("lists of processors", () => {
  assert.deepEqual([...parseCpuList("0-2,5")], [0, 1, 2, 5]);
  assert.deepEqual([...parseCpuList("")], []);
  for (const bad of ["x", "1-", "2-1", "1,,2", "-1", "0-99999"])
    assert.throws(() => parseCpuList(bad), { kind: "invalid" });
});

test("this host's limits", () => {
  const own = probeLimits();
  assert.ok(own.controllers.has("memory") && own.controllers.has("cpu") && own.cpus >= 1);
  assert.ok(parseCpuList(own.cpuList).size >= 1 && parseCpuList(own.memoryNodes).has(0));
});
