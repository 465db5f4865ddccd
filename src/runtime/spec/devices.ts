import { type Dirent, readdirSync, type Stats, statSync } from "node:fs";
import { join, relative } from "node:path";
import { invalid } from "../../base/errors.ts";
import type { HostConfig } from "../../client/endpoints/container-config.ts";
import type { LinuxResources, SpecDevice } from "../../oci/runtime-spec.ts";

/** Where the builder learns of the host's devices. */
export interface DeviceSource {
  /** The device that a path leads to (links are followed); `folder`, `other` or `missing` where it is none. */
  lookup(path: string): SpecDevice | "folder" | "other" | "missing";
  /** The devices of a folder and below, in order of their names. */
  under(folder: string): SpecDevice[];
}

export type DeviceRules = NonNullable<LinuxResources["devices"]>;

/** Folders of /dev that are mounts of each container's own, or no devices of the host's. */
const skipped = new Set(["pts", "shm", "fd", "mqueue", ".lxc", ".lxd-mounts", ".udev", "console"]);

/** The devices of this machine. */
export const hostDevices: DeviceSource = {
  lookup(path) {
    const stats = statSync(path, { throwIfNoEntry: false, bigint: false });
    if (stats === undefined) return "missing";
    return deviceOf(path, stats) ?? (stats.isDirectory() ? "folder" : "other");
  },
  under: (folder) => walk(folder),
};

function walk(folder: string): SpecDevice[] {
  return entriesOf(folder)
    .filter(({ name }) => !skipped.has(name))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return walk(path);
      if (!entry.isCharacterDevice() && !entry.isBlockDevice()) return [];
      const stats = statSync(path, { throwIfNoEntry: false });
      return (stats && deviceOf(path, stats)) ?? [];
    });
}

/** Nothing for a folder that went away meanwhile or may not be read. */
function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}

function deviceOf(path: string, stats: Stats): SpecDevice | undefined {
  const type = stats.isCharacterDevice() ? "c" : stats.isBlockDevice() ? "b" : undefined;
  if (type === undefined) return undefined;
  const [major, minor] = splitNumber(stats.rdev);
  return { path, type, major, minor, fileMode: stats.mode & 0o777, uid: stats.uid, gid: stats.gid };
}

/** Major and minor of a device number as glibc packs them (makedev(3)). */
function splitNumber(rdev: number): [number, number] {
  const number = BigInt(rdev);
  const major = ((number >> 8n) & 0xfffn) | ((number >> 32n) & 0xfffff000n);
  const minor = (number & 0xffn) | ((number >> 12n) & 0xffffff00n);
  return [Number(major), Number(minor)];
}

/** Docker's rules for every container: nothing but zero, null, urandom, random, tty and console. */
const defaultRules: DeviceRules = [
  { allow: false, access: "rwm" },
  ...[[1, 5] as const, [1, 3] as const, [1, 9] as const, [1, 8] as const, [5, 0] as const, [5, 1] as const].map(
    ([major, minor]) => ({ allow: true, type: "c", major, minor, access: "rwm" }),
  ),
  { allow: false, type: "c", major: 10, minor: 229, access: "rwm" },
];

/** The devices to make in the container beyond those of the runtime, and the rules of the devices cgroup. */
export interface DevicePlan {
  readonly devices: readonly SpecDevice[];
  readonly rules: DeviceRules;
}

/** Resolves `--device`, `--device-cgroup-rule` and `--privileged`. `invalid` for what is no device or no rule. */
export function planDevices(hostConfig: HostConfig, source: DeviceSource = hostDevices): DevicePlan {
  if (hostConfig.Privileged) {
    const all = source.under("/dev");
    const extra = (hostConfig.Devices ?? []).flatMap((mapping) => mapped(mapping, source));
    const taken = new Set(all.map(({ path }) => path));
    return {
      devices: [...all, ...extra.filter(({ device }) => !taken.has(device.path)).map(({ device }) => device)],
      rules: [...defaultRules, { allow: true, access: "rwm" }],
    };
  }
  const given = (hostConfig.Devices ?? []).flatMap((mapping) => mapped(mapping, source));
  return {
    devices: given.map(({ device }) => device),
    rules: [
      ...defaultRules,
      ...given.map(({ device: { type, major, minor }, access }) => ({ allow: true, type, major, minor, access })),
      ...(hostConfig.DeviceCgroupRules ?? []).map(parseDeviceRule),
    ],
  };
}

type Mapping = NonNullable<HostConfig["Devices"]>[number];

function mapped(mapping: Mapping, source: DeviceSource): Array<{ device: SpecDevice; access: string }> {
  const from = mapping.PathOnHost ?? "";
  const to = mapping.PathInContainer || from;
  const access = mapping.CgroupPermissions || "rwm";
  const found = from === "" ? "missing" : source.lookup(from);
  if (typeof found === "object") return [{ device: { ...found, path: to }, access }];
  if (found === "folder") {
    const inside = source.under(from);
    if (inside.length > 0)
      return inside.map((device) => ({ device: { ...device, path: join(to, relative(from, device.path)) }, access }));
  }
  const why = found === "missing" ? "no such file or directory" : "not a device node";
  throw invalid(`error gathering device information while adding custom device ${JSON.stringify(from)}: ${why}`, {
    path: from,
  });
}

/** `c 1:* rwm` (Docker's `--device-cgroup-rule`); -1 stands for every number, as the runtime-spec wants it. */
export function parseDeviceRule(rule: string): DeviceRules[number] {
  const [, type, major, minor, access] = /^([acb]) ([0-9]+|\*):([0-9]+|\*) ([rwm]{1,3})$/.exec(rule) ?? [];
  if (!type || !major || !minor || !access) throw invalid(`invalid device cgroup rule format: '${rule}'`);
  const number = (text: string): number => (text === "*" ? -1 : Number(text));
  return { allow: true, type, major: number(major), minor: number(minor), access };
}

/** The numbers of a block device that a limit names. */
export function blockDevice(path: string, source: DeviceSource = hostDevices): { major: number; minor: number } {
  const found = source.lookup(path);
  if (found === "missing") throw invalid(`stat ${path}: no such file or directory`, { path });
  if (typeof found !== "object") throw invalid(`${path}: not a block device`, { path });
  return { major: found.major, minor: found.minor };
}
