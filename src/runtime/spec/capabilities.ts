import { invalid } from "../../base/errors.ts";

/** What a container's process may do unless told otherwise: Docker's default set, in Docker's order. */
export const defaultCapabilities: readonly string[] = [
  "CAP_CHOWN",
  "CAP_DAC_OVERRIDE",
  "CAP_FSETID",
  "CAP_FOWNER",
  "CAP_MKNOD",
  "CAP_NET_RAW",
  "CAP_SETGID",
  "CAP_SETUID",
  "CAP_SETFCAP",
  "CAP_SETPCAP",
  "CAP_NET_BIND_SERVICE",
  "CAP_SYS_CHROOT",
  "CAP_KILL",
  "CAP_AUDIT_WRITE",
];

/** Every capability by its number (capabilities(7), linux/capability.h). */
export const allCapabilities: readonly string[] = [
  "CAP_CHOWN",
  "CAP_DAC_OVERRIDE",
  "CAP_DAC_READ_SEARCH",
  "CAP_FOWNER",
  "CAP_FSETID",
  "CAP_KILL",
  "CAP_SETGID",
  "CAP_SETUID",
  "CAP_SETPCAP",
  "CAP_LINUX_IMMUTABLE",
  "CAP_NET_BIND_SERVICE",
  "CAP_NET_BROADCAST",
  "CAP_NET_ADMIN",
  "CAP_NET_RAW",
  "CAP_IPC_LOCK",
  "CAP_IPC_OWNER",
  "CAP_SYS_MODULE",
  "CAP_SYS_RAWIO",
  "CAP_SYS_CHROOT",
  "CAP_SYS_PTRACE",
  "CAP_SYS_PACCT",
  "CAP_SYS_ADMIN",
  "CAP_SYS_BOOT",
  "CAP_SYS_NICE",
  "CAP_SYS_RESOURCE",
  "CAP_SYS_TIME",
  "CAP_SYS_TTY_CONFIG",
  "CAP_MKNOD",
  "CAP_LEASE",
  "CAP_AUDIT_WRITE",
  "CAP_AUDIT_CONTROL",
  "CAP_SETFCAP",
  "CAP_MAC_OVERRIDE",
  "CAP_MAC_ADMIN",
  "CAP_SYSLOG",
  "CAP_WAKE_ALARM",
  "CAP_BLOCK_SUSPEND",
  "CAP_AUDIT_READ",
  "CAP_PERFMON",
  "CAP_BPF",
  "CAP_CHECKPOINT_RESTORE",
];

export interface CapabilityRequest {
  readonly add?: readonly string[];
  readonly drop?: readonly string[];
  readonly privileged?: boolean;
}

/**
 * The capabilities of a container: Docker's default ones, without `drop`, with `add`. `ALL` in either stands for every
 * one that the host can give (`available`, by number); what is added wins over what is dropped. Throws `invalid` for a
 * name that is none.
 */
export function effectiveCapabilities(request: CapabilityRequest, available = allCapabilities): readonly string[] {
  const drop = normalizeCapabilities("CapDrop", request.drop ?? []);
  const add = normalizeCapabilities("CapAdd", request.add ?? []);
  if (request.privileged) return available;
  if (add.length === 0 && drop.length === 0)
    return available === allCapabilities ? defaultCapabilities : here(available);
  if (add.includes("ALL")) return available.filter((name) => !drop.includes(name));
  const kept = drop.includes("ALL") ? [] : defaultCapabilities.filter((name) => !drop.includes(name));
  return [...new Set([...kept, ...add])].filter((name) => !isKnown(name) || available.includes(name));
}

/** Upper case with the `CAP_` prefix; `ALL` stays. Throws `invalid` "invalid CapAdd: unknown capability: …". */
export function normalizeCapabilities(field: "CapAdd" | "CapDrop", names: readonly string[]): string[] {
  return names.map((given) => {
    const upper = given.toUpperCase();
    if (upper === "ALL") return upper;
    const name = upper.startsWith("CAP_") ? upper : `CAP_${upper}`;
    if (!isKnown(name)) throw invalid(`invalid ${field}: unknown capability: ${JSON.stringify(name)}`);
    return name;
  });
}

/**
 * The capabilities that this process may hand on, from the `CapBnd` line of `/proc/self/status`: a container cannot be
 * given one that the engine itself is bounded from.
 */
export function boundingCapabilities(status: string): readonly string[] {
  const hex = /^CapBnd:\s*([0-9a-f]+)$/m.exec(status)?.[1];
  if (hex === undefined) return allCapabilities;
  const bits = BigInt(`0x${hex}`);
  return allCapabilities.filter((_, number) => (bits >> BigInt(number)) & 1n);
}

const known = new Set(allCapabilities);
const isKnown = (name: string): boolean => known.has(name);
const here = (available: readonly string[]): readonly string[] =>
  defaultCapabilities.filter((name) => available.includes(name));
