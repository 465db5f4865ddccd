import { resolve } from "node:path";
import type { Mount } from "../../client/endpoints/container-config.ts";
import { cut, parseCsv } from "./csv.ts";
import { parseBytes } from "./sizes.ts";

type Draft = { -readonly [K in keyof Mount]: Mount[K] };
type Setter = (mount: Draft, value: string, key: string) => void;

/** One `--mount`: `type=bind,src=/a,dst=/b,readonly,…`. Throws an Error with Docker's words. */
export function parseMount(text: string): Mount {
  const mount: Draft = { Type: "volume" };
  const seen: string[] = [];
  for (const field of parseCsv(text)) {
    const [rawKey, given] = cut(field);
    const key = rawKey.toLowerCase();
    seen.push(key);
    if (given === undefined && !flags.has(key)) throw new Error(`invalid field '${field}' must be a key=value pair`);
    const set = setters[key];
    if (set === undefined) throw new Error(`unexpected key '${rawKey}' in '${field}'`);
    set(mount, given ?? "true", key);
  }
  check(mount, seen);
  return mount;
}

/** Keys that may stand alone. */
const flags = new Set(["readonly", "ro", "volume-nocopy", "bind-nonrecursive"]);

const source: Setter = (mount, value) => {
  mount.Source = value === "." || value.startsWith("./") ? resolve(value) : value;
};
const target: Setter = (mount, value) => {
  mount.Target = value;
};
const readOnly: Setter = (mount, value, key) => {
  mount.ReadOnly = truth(value, key);
};
const driver = (mount: Draft) => mount.VolumeOptions?.DriverConfig ?? {};

const setters: Readonly<Record<string, Setter>> = {
  type: (mount, value) => {
    mount.Type = value.toLowerCase();
  },
  source,
  src: source,
  target,
  dst: target,
  destination: target,
  readonly: readOnly,
  ro: readOnly,
  consistency: (mount, value) => {
    mount.Consistency = value.toLowerCase();
  },
  "bind-propagation": (mount, value) => {
    mount.BindOptions = { ...mount.BindOptions, Propagation: value.toLowerCase() };
  },
  "bind-nonrecursive": (mount, value, key) => {
    mount.BindOptions = { ...mount.BindOptions, NonRecursive: truth(value, key) };
  },
  "bind-recursive": setRecursive,
  "volume-subpath": (mount, value) => {
    mount.VolumeOptions = { ...mount.VolumeOptions, Subpath: value };
  },
  "volume-nocopy": (mount, value, key) => {
    mount.VolumeOptions = { ...mount.VolumeOptions, NoCopy: truth(value, key) };
  },
  "volume-label": (mount, value) => {
    mount.VolumeOptions = { ...mount.VolumeOptions, Labels: { ...mount.VolumeOptions?.Labels, ...pair(value) } };
  },
  "volume-driver": (mount, value) => {
    mount.VolumeOptions = { ...mount.VolumeOptions, DriverConfig: { ...driver(mount), Name: value } };
  },
  "volume-opt": (mount, value) => {
    const Options = { ...driver(mount).Options, ...pair(value) };
    mount.VolumeOptions = { ...mount.VolumeOptions, DriverConfig: { ...driver(mount), Options } };
  },
  "image-subpath": (mount, value) => {
    mount.ImageOptions = { ...mount.ImageOptions, Subpath: value };
  },
  "tmpfs-size": (mount, value, key) => {
    try {
      mount.TmpfsOptions = { ...mount.TmpfsOptions, SizeBytes: parseBytes(value) };
    } catch {
      throw new Error(`invalid value for ${key}: ${value}`);
    }
  },
  "tmpfs-mode": (mount, value, key) => {
    if (!/^[0-7]+$/.test(value)) throw new Error(`invalid value for ${key}: ${value}`);
    mount.TmpfsOptions = { ...mount.TmpfsOptions, Mode: Number.parseInt(value, 8) };
  },
};

function setRecursive(mount: Draft, value: string, key: string): void {
  const options: Record<string, object> = {
    enabled: {},
    disabled: { NonRecursive: true },
    writable: { ReadOnlyNonRecursive: true },
    readonly: { ReadOnlyForceRecursive: true },
  };
  const chosen = options[value];
  if (chosen === undefined)
    throw new Error(`invalid value for ${key}: ${value} (must be "enabled", "disabled", "writable", or "readonly")`);
  mount.BindOptions = { ...mount.BindOptions, ...chosen };
}

function pair(text: string): Record<string, string> {
  const [key, value = ""] = cut(text);
  return { [key]: value };
}

function truth(value: string, key: string): boolean {
  if (["1", "t", "T", "TRUE", "true", "True"].includes(value)) return true;
  if (["0", "f", "F", "FALSE", "false", "False"].includes(value)) return false;
  throw new Error(`invalid value for ${key}: ${value}`);
}

function check(mount: Draft, seen: readonly string[]): void {
  if (mount.Type === "") throw new Error("type is required");
  if (!mount.Target) throw new Error("target is required");
  for (const kind of ["bind", "volume", "image", "tmpfs"])
    if (mount.Type !== kind && seen.some((key) => key.startsWith(`${kind}-`)))
      throw new Error(`cannot mix '${kind}-*' options with mount type '${mount.Type}'`);
  const { BindOptions: bind } = mount;
  if (bind?.ReadOnlyNonRecursive && !mount.ReadOnly) throw needs("writable", "readonly");
  if (bind?.ReadOnlyForceRecursive && !mount.ReadOnly) throw needs("readonly", "readonly");
  if (bind?.ReadOnlyForceRecursive && bind.Propagation !== "rprivate")
    throw needs("readonly", "bind-propagation=rprivate");
}

function needs(mode: string, other: string): Error {
  return new Error(`option 'bind-recursive=${mode}' requires '${other}' to be specified in conjunction`);
}

/** What `-v` asks for: binds as the API takes them, and anonymous volumes. */
export interface VolumeRequest {
  readonly binds: string[];
  readonly anonymous: Record<string, Record<string, never>>;
}

/** Every `-v`: `[source:]target[:options]`. A source that starts with a dot is made absolute. */
export function parseVolumes(specs: readonly string[]): VolumeRequest {
  const binds: string[] = [];
  const anonymous: Record<string, Record<string, never>> = {};
  for (const spec of specs) {
    if (spec === "") throw new Error("invalid empty volume spec");
    const parts = spec.split(":");
    if (parts.length === 1) {
      anonymous[spec] = {};
      continue;
    }
    if (parts.includes("")) throw new Error(`invalid spec: ${spec}: empty section between colons`);
    if (parts.length > 3) throw new Error(`invalid spec: ${spec}: too many colons`);
    const [from, ...rest] = parts as [string, ...string[]];
    binds.push([from.startsWith(".") ? resolve(from) : from, ...rest].join(":"));
  }
  return { binds, anonymous };
}

/** Every `--tmpfs`: `target[:options]`. */
export function parseTmpfs(specs: readonly string[]): Record<string, string> {
  return Object.fromEntries(specs.map((spec) => [cut(spec, ":")[0], cut(spec, ":")[1] ?? ""]));
}
