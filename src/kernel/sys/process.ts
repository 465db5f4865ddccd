import { constants, openSync } from "node:fs";
import { withKind } from "../../base/errors.ts";
import { check, errnoName, failure, lastErrno } from "./errno.ts";
import { close, flock, mallocTrim, pidfdOpen, pidfdSendSignal } from "./libc.ts";
import { startTimeOf } from "./process-stat.ts";

const LOCK_EX_NB = 2 | 4;

/** Some milliseconds after a burst, nothing when there is nothing to give back. C libraries without it need none. */
export function releaseMemory(): void {
  mallocTrim?.(0);
}

/** Takes the lock and keeps the file open: it is let go when the worker, and with it the process, ends. */
export function lockFile(path: string): boolean {
  const fd = openForLock(path);
  if (flock(fd, LOCK_EX_NB) === 0) return true;
  const errno = errnoName(lastErrno());
  close(fd);
  if (errno === "EAGAIN") return false;
  throw failure(`lock ${path}`, errno, undefined, path);
}

function openForLock(path: string): number {
  try {
    return openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
  } catch (error) {
    throw withKind(error);
  }
}

/** What the kernel says where there is no such process, or the number is a thread's by now. */
const notThere = new Set(["ESRCH", "EINVAL", "ENOENT"]);

/** The descriptor is opened before the start time is read, so both are of one process or the read finds none. */
export function killProcess(pid: number, signal: number, startTime: bigint | undefined): boolean {
  if (!Number.isSafeInteger(pid) || pid < 1) throw failure(`signal process ${pid}`, "EINVAL");
  const fd = pidfdOpen(pid);
  if (fd < 0) {
    const errno = errnoName(lastErrno());
    if (notThere.has(errno)) return false;
    throw failure(`signal process ${pid}`, errno);
  }
  try {
    if (startTime !== undefined && startTimeOf(pid) !== startTime) return false;
    const result = pidfdSendSignal(fd, signal);
    if (result < 0 && errnoName(lastErrno()) === "ESRCH") return false;
    check(result, `send signal ${signal} to process ${pid}`);
    return true;
  } finally {
    close(fd);
  }
}
