import { posix } from "node:path";
import { quote } from "../template/quote.ts";
import { cut, parseCsv } from "./csv.ts";
import { parseBytes } from "./sizes.ts";

export interface Ulimit {
  readonly Name: string;
  readonly Soft: number;
  readonly Hard: number;
}

const limits = new Set(
  "as core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack".split(" "),
);
limits.delete("as");

/** One `--ulimit`: `name=soft[:hard]`; -1 is no limit. */
export function parseUlimit(text: string): Ulimit {
  const [Name, values] = cut(text);
  const [soft, hard, ...more] = (values ?? "").split(":") as [string, ...string[]];
  if (values === undefined) throw new Error(`invalid ulimit argument: ${text}`);
  if (!limits.has(Name)) throw new Error(`invalid ulimit type: ${Name}`);
  if (more.length > 0)
    throw new Error(`too many limit value arguments - ${values}, can only have up to two, \`soft[:hard]\``);
  const Soft = integer(soft);
  const Hard = hard === undefined ? Soft : integer(hard);
  if (Hard !== -1 && (Soft === -1 || Soft > Hard))
    throw new Error(
      `ulimit soft limit must be less than or equal to hard limit: ${Soft === -1 ? "soft: -1 (unlimited), hard: " + Hard : `${Soft} > ${Hard}`}`,
    );
  return { Name, Soft, Hard };
}

function integer(text: string): number {
  if (!/^[+-]?\d+$/.test(text)) throw new Error(`strconv.ParseInt: parsing ${quote(text)}: invalid syntax`);
  return Number(text);
}

export interface DeviceMapping {
  readonly PathOnHost: string;
  readonly PathInContainer: string;
  readonly CgroupPermissions: string;
}

/** One `--device`: `host path[:container path][:rwm]`. */
export function parseDevice(text: string): DeviceMapping {
  const parts = text.split(":");
  const isMode = (mode: string): boolean => /^(?!.*(.).*\1)[rwm]+$/.test(mode);
  const [PathOnHost, second = "", third] = parts as [string, string?, string?];
  const bare = parts.length === 2 && isMode(second);
  const PathInContainer = parts.length === 1 || bare ? PathOnHost : second;
  const mode = bare ? second : (third ?? "rwm");
  if (PathOnHost === "") throw new Error(`bad format for path: ${text}`);
  if (parts.length > 3) throw new Error(`invalid device specification: ${text}`);
  if (!posix.isAbsolute(PathOnHost)) throw new Error(`${text} is not an absolute path`);
  if (!isMode(mode)) throw new Error(`bad mode specified: ${mode}`);
  return { PathOnHost, PathInContainer, CgroupPermissions: mode };
}

/** True for the name of a CDI device, `vendor.com/class=name`. */
export function isCdiDevice(text: string): boolean {
  return /^[A-Za-z][\w.-]*[A-Za-z0-9]\/[A-Za-z][\w.-]*=[\w][\w.:-]*$/.test(text);
}

/** One `--device-cgroup-rule`: `c 1:3 mr`. */
export function parseDeviceRule(text: string): string {
  if (/^[acb] ([0-9]+|\*):([0-9]+|\*) [rwm]{1,3}$/.test(text)) return text;
  throw new Error(`invalid device cgroup format '${text}'`);
}

/** One `--blkio-weight-device`: `path:weight`. */
export function parseWeightDevice(text: string): { Path: string; Weight: number } {
  const [Path, weight] = cut(text, ":");
  if (weight === undefined || Path === "") throw new Error(`bad format: ${text}`);
  if (!Path.startsWith("/dev/")) throw new Error(`bad format for device path: ${text}`);
  if (!/^\d+$/.test(weight)) throw new Error(`invalid weight for device: ${text}`);
  const Weight = Number(weight);
  if (Weight !== 0 && (Weight < 10 || Weight > 1000)) throw new Error(`invalid weight for device: ${text}`);
  return { Path, Weight };
}

export interface ThrottleDevice {
  readonly Path: string;
  readonly Rate: number;
}

/** One `--device-read-bps` or `--device-write-bps`: `path:rate[unit]`. */
export function parseBpsDevice(text: string): ThrottleDevice {
  const { path, rate } = throttle(text);
  const form =
    "<device-path>:<number>[<unit>]. Number must be a positive integer. Unit is optional and can be kb, mb, or gb";
  try {
    return { Path: path, Rate: parseBytes(rate) };
  } catch {
    throw new Error(`invalid rate for device: ${text}. The correct format is ${form}`);
  }
}

/** One `--device-read-iops` or `--device-write-iops`: `path:rate`. */
export function parseIopsDevice(text: string): ThrottleDevice {
  const { path, rate } = throttle(text);
  if (!/^\d+$/.test(rate))
    throw new Error(
      `invalid rate for device: ${text}. The correct format is <device-path>:<number>. Number must be a positive integer`,
    );
  return { Path: path, Rate: Number(rate) };
}

function throttle(text: string): { path: string; rate: string } {
  const [path, rate] = cut(text, ":");
  if (rate === undefined || path === "") throw new Error(`bad format: ${text}`);
  if (!path.startsWith("/dev/")) throw new Error(`bad format for device path: ${text}`);
  return { path, rate };
}

export interface DeviceRequest {
  readonly Driver: string;
  readonly Count: number;
  readonly DeviceIDs?: string[];
  readonly Capabilities: string[][];
  readonly Options: Record<string, string>;
}

/** One `--gpus`: `all`, a count, or `device=…,driver=…,count=…,capabilities=…,options=…`. */
export function parseGpus(text: string): DeviceRequest {
  let Count = 0;
  let Driver = "";
  let DeviceIDs: string[] | undefined;
  let capabilities: string[] = [];
  let Options: Record<string, string> = {};
  const seen = new Set<string>();
  for (const field of parseCsv(text)) {
    const [name, given] = cut(field);
    const key = given === undefined ? "count" : name;
    const value = given ?? field;
    if (seen.has(key)) throw new Error(`gpu request key '${key}' can be specified only once`);
    seen.add(key);
    if (key === "driver") Driver = value;
    else if (key === "count") Count = gpuCount(value);
    else if (key === "device") DeviceIDs = value.split(",");
    else if (key === "capabilities") capabilities = [...value.split(","), "gpu"];
    else if (key === "options")
      Options = Object.fromEntries(value.split(",").map((pair) => [cut(pair)[0], cut(pair)[1] ?? ""]));
    else throw new Error(`unexpected key '${key}' in '${field}'`);
  }
  if (!seen.has("count") && DeviceIDs === undefined) Count = 1;
  return {
    Driver,
    Count,
    ...(DeviceIDs && { DeviceIDs }),
    Capabilities: [capabilities.length > 0 ? capabilities : ["gpu"]],
    Options,
  };
}

function gpuCount(text: string): number {
  if (text === "all") return -1;
  if (!/^[+-]?\d+$/.test(text))
    throw new Error(`invalid count (${text}): value must be either "all" or an integer: invalid syntax`);
  return Number(text);
}
