import type { Mount, Propagation } from "../kernel.ts";
import { check, errnoName, lastErrno } from "../sys/errno.ts";
import { close, mount, mountSetattr, moveMount, openTree, umount2 } from "../sys/libc.ts";
import { mountsBelow } from "./mountinfo.ts";

type BindMount = Extract<Mount, { readonly type: "bind" }>;

const MS_RDONLY = 1;
const MS_REMOUNT = 32;
const MS_BIND = 4096;
const MS_REC = 16384;
const MNT_DETACH = 2;
const OPEN_TREE_CLONE = 1;
const OPEN_TREE_CLOEXEC = 0x80000;
const AT_RECURSIVE = 0x8000;
const AT_EMPTY_PATH = 0x1000;
const MOUNT_ATTR_RDONLY = 1n;

const propagationFlags: Readonly<Record<Propagation, number>> = {
  private: 1 << 18,
  rprivate: (1 << 18) | MS_REC,
  slave: 1 << 19,
  rslave: (1 << 19) | MS_REC,
  shared: 1 << 20,
  rshared: (1 << 20) | MS_REC,
};

/**
 * Binds a folder or file. A read-only bind is read-only from its first moment, and with `recursive` all the mounts
 * below are, too: the copy is changed before it is attached (Linux 5.12; before that by {@link bindInSteps}).
 */
export function mountBind(bind: BindMount): void {
  if (!bindInOneGo(bind)) bindInSteps(bind);
  else propagate(bind);
}

/** False where this kernel does not have the calls. */
function bindInOneGo(bind: BindMount): boolean {
  const step = `bind ${bind.source} on ${bind.target}`;
  const recursive = bind.recursive ? AT_RECURSIVE : 0;
  const fd = openTree(bind.source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | recursive);
  if (lacksCall(fd)) return false;
  check(fd, step, bind.source);
  try {
    if (bind.readOnly) {
      const set = mountSetattr(fd, "", AT_EMPTY_PATH | recursive, mountAttr({ set: MOUNT_ATTR_RDONLY }));
      if (lacksCall(set)) return false;
      check(set, `${step} read-only`, bind.target);
    }
    check(moveMount(fd, bind.target), step, bind.target);
    return true;
  } finally {
    close(fd);
  }
}

const lacksCall = (result: number): boolean => result < 0 && errnoName(lastErrno()) === "ENOSYS";

/** As mount(8) does it on kernels without the new calls. */
export function bindInSteps(bind: BindMount): void {
  const step = `bind ${bind.source} on ${bind.target}`;
  check(mount(bind.source, bind.target, null, MS_BIND | (bind.recursive ? MS_REC : 0), null), step, bind.target);
  if (bind.readOnly) {
    const targets = bind.recursive ? mountsBelow(bind.target).map((one) => one.target) : [bind.target];
    for (const target of targets) {
      const result = mount(null, target, null, MS_REMOUNT | MS_BIND | MS_RDONLY | keptFlags(target), null);
      undoUnless(result, bind.target, `${step} read-only`);
    }
  }
  propagate(bind);
}

/** A remount sets every flag anew; those of the source must stay, and some may not be dropped by a container. */
function keptFlags(target: string): number {
  const options =
    mountsBelow(target)
      .findLast((one) => one.target === target)
      ?.options.split(",") ?? [];
  const flags: Readonly<Record<string, number>> = { nosuid: 2, nodev: 4, noexec: 8, noatime: 1024, nodiratime: 2048 };
  return options.reduce((all, option) => all | (flags[option] ?? 0), 0);
}

/** After attaching: a mount under a shared one becomes shared by that. */
function propagate(bind: BindMount): void {
  if (bind.propagation === undefined) return;
  const result = mount(null, bind.target, null, propagationFlags[bind.propagation], null);
  undoUnless(result, bind.target, `make ${bind.target} ${bind.propagation}`);
}

function undoUnless(result: number, target: string, step: string): void {
  try {
    check(result, step, target);
  } catch (error) {
    umount2(target, MNT_DETACH);
    throw error;
  }
}

/** `struct mount_attr`: set, clear, propagation, user namespace. */
function mountAttr(attributes: { readonly set: bigint }): Buffer {
  const bytes = Buffer.alloc(32);
  bytes.writeBigUInt64LE(attributes.set, 0);
  return bytes;
}
