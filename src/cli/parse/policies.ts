import { messageOf } from "../../base/errors.ts";
import { cut } from "./csv.ts";
import { readText } from "./env.ts";

/** `--restart`: `no`, `always`, `unless-stopped`, `on-failure[:retries]`. The engine checks the name. */
export function parseRestart(text: string): { Name: string; MaximumRetryCount: number } {
  const [Name, count] = cut(text, ":");
  if (count === undefined) return { Name, MaximumRetryCount: 0 };
  if (Name === "") throw new Error("invalid restart policy format: no policy provided before colon");
  if (!/^[+-]?\d+$/.test(count))
    throw new Error("invalid restart policy format: maximum retry count must be an integer");
  return { Name, MaximumRetryCount: Number(count) };
}

/** One `--attach`: a stream's name, in lower case. */
export function parseStream(text: string): string {
  const stream = text.toLowerCase();
  if (["stdin", "stdout", "stderr"].includes(stream)) return stream;
  throw new Error("valid streams are STDIN, STDOUT and STDERR");
}

export interface Filter {
  readonly name: string;
  readonly value: string;
}

/** One `--filter`: `name=value`. */
export function parseFilter(text: string): Filter {
  const [name, value] = cut(text);
  if (value === undefined) throw new Error("bad format of filter (expected name=value)");
  return { name: name.trim().toLowerCase(), value: value.trim() };
}

/** Filters as the API takes them: the values of each name. */
export function filterMap(filters: readonly Filter[]): Record<string, string[]> {
  const map: Record<string, string[]> = {};
  for (const { name, value } of filters) map[name] = [...(map[name] ?? []), value];
  return map;
}

/** What `--security-opt` comes to. */
export interface SecurityRequest {
  readonly options: string[];
  /** Empty lists for `systempaths=unconfined`; undefined leaves the engine's own. */
  readonly maskedPaths?: string[];
  readonly readonlyPaths?: string[];
}

/** Every `--security-opt`; the file of `seccomp=FILE` is read and sent. */
export function parseSecurity(texts: readonly string[]): SecurityRequest {
  const options: string[] = [];
  let unconfined = false;
  for (const text of texts) {
    if (text === "systempaths=unconfined") {
      unconfined = true;
      continue;
    }
    const mark = text.includes("=") ? "=" : ":";
    const [name, value] = cut(text, mark);
    if (value === undefined && name !== "no-new-privileges") throw new Error(`Invalid --security-opt: "${text}"`);
    const isFile = name === "seccomp" && value !== "unconfined" && value !== "builtin";
    options.push(isFile ? `seccomp=${readProfile(value!)}` : text);
  }
  return unconfined ? { options, maskedPaths: [], readonlyPaths: [] } : { options };
}

function readProfile(path: string): string {
  let text: string;
  try {
    text = readText(path);
  } catch (error) {
    throw new Error(`opening seccomp profile (${path}) failed: ${messageOf(error)}`);
  }
  try {
    return JSON.stringify(JSON.parse(text));
  } catch (error) {
    throw new Error(`compacting json for seccomp profile (${path}) failed: ${messageOf(error)}`);
  }
}

/** `--cap-add` and `--cap-drop` under their full names, sorted. */
export function parseCapabilities(
  add: readonly string[],
  drop: readonly string[],
): { CapAdd?: string[]; CapDrop?: string[] } {
  const CapAdd = capabilityNames(add);
  const CapDrop = capabilityNames(drop);
  return { ...(CapAdd.length > 0 && { CapAdd }), ...(CapDrop.length > 0 && { CapDrop }) };
}

function capabilityNames(texts: readonly string[]): string[] {
  const names = texts.map((text) => text.trim().toUpperCase()).filter((name) => name !== "");
  return [...new Set(names.map((name) => (name === "ALL" || name.startsWith("CAP_") ? name : `CAP_${name}`)))].sort();
}

/** `--log-driver` and `--log-opt`. */
export function parseLogOptions(
  driver: string,
  options: readonly string[],
): { Type: string; Config: Record<string, string> } {
  if (driver === "none" && options.length > 0) throw new Error(`invalid logging opts for driver ${driver}`);
  return { Type: driver, Config: Object.fromEntries(options.map((pair) => [cut(pair)[0], cut(pair)[1] ?? ""])) };
}

/** `--storage-opt`. */
export function parseStorageOptions(options: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    options.map((pair) => {
      const [name, value] = cut(pair);
      if (value === undefined) throw new Error("invalid storage option");
      return [name, value];
    }),
  );
}

const sysctls = new Set(
  "msgmax msgmnb msgmni sem shmall shmmax shmmni shm_rmid_forced".split(" ").map((n) => `kernel.${n}`),
);

/** One `--sysctl`: `name=value`, of those that a namespace has of its own. */
export function parseSysctl(text: string): string {
  const [name, value] = cut(text);
  const isOwn = sysctls.has(name) || name.startsWith("net.") || name.startsWith("fs.mqueue.");
  if (value === undefined || !isOwn) throw new Error(`sysctl '${text}' is not allowed`);
  return text;
}

/** `--pid`, `--uts`, `--userns`, `--cgroupns`: checks a mode. */
export function checkMode(flag: string, word: string, mode: string, allowed: readonly string[]): string {
  const container =
    mode.startsWith("container:") && allowed.includes("container:") && mode.length > "container:".length;
  if (mode === "" || allowed.includes(mode) || container) return mode;
  throw new Error(`--${flag}: invalid ${word} mode`);
}
