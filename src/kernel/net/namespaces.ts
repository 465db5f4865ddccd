import { closeSync, openSync, unlinkSync } from "node:fs";
import { withKind } from "../../base/errors.ts";
import { check, errnoName, failure, lastErrno } from "../sys/errno.ts";
import { close, mount, open, setns, umount2, unshare } from "../sys/libc.ts";
import { changeLink } from "./links.ts";
import { NETLINK_ROUTE, NetlinkSocket } from "./socket.ts";

const CLONE_NEWNET = 0x40000000;
const O_CLOEXEC = 0x80000;
const MS_BIND = 0x1000;
const MNT_DETACH = 2;
const UMOUNT_NOFOLLOW = 8;
/** Of this thread: `/proc/self` would be that of the process's first one. */
const current = "/proc/thread-self/ns/net";

/**
 * Network namespaces as this thread enters and makes them. Making one takes the kernel half a millisecond and more, so
 * a few are kept ready: held by a descriptor only, so that they vanish with the process however it ends.
 */
export class Namespaces {
  readonly #home: number;
  readonly #ready: number[] = [];
  readonly #wanted: number;

  /** `ready` is how many namespaces {@link refill} keeps. */
  constructor(ready: number) {
    this.#home = openNamespace(current);
    this.#wanted = ready;
  }

  /** Runs `body` with this thread in the namespace that `fd` stands for. */
  inside<T>(fd: number, step: string, body: () => T): T {
    check(setns(fd, CLONE_NEWNET), `${step}: enter the network namespace`);
    try {
      return body();
    } finally {
      this.#goHome();
    }
  }

  /** Runs `body` in a new namespace that ends with it. */
  throwaway<T>(body: () => T): T {
    check(unshare(CLONE_NEWNET), "make a network namespace");
    try {
      return body();
    } finally {
      this.#goHome();
    }
  }

  /** A new namespace with `lo` up, bound at `path`. */
  create(path: string): void {
    const fd = this.#ready.pop() ?? this.#make();
    try {
      bind(fd, path);
    } finally {
      close(fd);
    }
  }

  /** Makes one namespace for later; false where there are enough. */
  refill(): boolean {
    if (this.#ready.length >= this.#wanted) return false;
    this.#ready.push(this.#make());
    return true;
  }

  remove(path: string): void {
    if (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) < 0) {
      const errno = errnoName(lastErrno());
      if (errno !== "EINVAL" && errno !== "ENOENT") throw failure(`unbind network namespace ${path}`, errno, "", path);
    }
    removeFile(path);
  }

  close(): void {
    for (const fd of this.#ready.splice(0)) close(fd);
    close(this.#home);
  }

  #make(): number {
    return this.throwaway(() => {
      const fd = openNamespace(current);
      const socket = new NetlinkSocket(NETLINK_ROUTE);
      try {
        changeLink(socket, "set lo up", 1, { up: true });
        return fd;
      } catch (error) {
        close(fd);
        throw error;
      } finally {
        socket.close();
      }
    });
  }

  /** A thread that cannot go home would do everything that follows in the wrong namespace: it must end. */
  #goHome(): void {
    if (setns(this.#home, CLONE_NEWNET) < 0) process.exit(1);
  }
}

export function openNamespace(path: string): number {
  return check(open(path, O_CLOEXEC, 0), `open network namespace ${path}`, path);
}

function bind(fd: number, path: string): void {
  try {
    closeSync(openSync(path, "wx", 0o444));
  } catch (error) {
    throw withKind(error);
  }
  if (mount(`/proc/self/fd/${fd}`, path, null, MS_BIND, null) === 0) return;
  const errno = errnoName(lastErrno());
  removeFile(path);
  throw failure(`bind network namespace at ${path}`, errno, undefined, path);
}

function removeFile(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw withKind(error);
  }
}
