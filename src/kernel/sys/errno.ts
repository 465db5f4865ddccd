import koffi from "koffi";
import { KeelsonError } from "../../base/errors.ts";
import { strerror } from "./libc.ts";

/** Several names share a number; these are the ones that the kernel's own manual pages use. */
const preferred = new Set(["EAGAIN", "EDEADLK", "EOPNOTSUPP"]);

const names = new Map<number, string>();
for (const [name, number] of Object.entries(koffi.os.errno)) {
  if (!names.has(number) || preferred.has(name)) names.set(number, name);
}

/** The name of an error number: `ENOENT` for 2. */
export function errnoName(number: number): string {
  return names.get(number) ?? `E${number}`;
}

/** The number of the last failed libc call on this thread. */
export function lastErrno(): number {
  return koffi.errno();
}

/** The kernel's words for an error number, as strerror(3) has them, mapped back to the name. */
export function errnoOfText(text: string): string | undefined {
  for (const [number, name] of names) {
    if (text.endsWith(strerror(number))) return name;
  }
  return undefined;
}

/** What ran out rather than what was refused: disk, quota, and a bridge's ports (`EXFULL`). */
const runOut = new Set(["ENOSPC", "EDQUOT", "EXFULL"]);

/**
 * The error of a failed step, `add veth vethab12: Device or resource busy (EBUSY): detail`. Its kind is `system`, or
 * `exhausted` where something ran out.
 */
export function failure(step: string, errno: string, detail?: string, path?: string): KeelsonError {
  const number = koffi.os.errno[errno];
  const words = number === undefined ? errno : `${strerror(number)} (${errno})`;
  const message = `${step}: ${words}${detail ? `: ${detail}` : ""}`;
  return new KeelsonError(runOut.has(errno) ? "exhausted" : "system", message, { errno, path });
}

/** Passes a libc result on; throws {@link failure} with the thread's errno where it is negative. */
export function check(result: number, step: string, path?: string): number {
  if (result < 0) throw failure(step, errnoName(lastErrno()), undefined, path);
  return result;
}
