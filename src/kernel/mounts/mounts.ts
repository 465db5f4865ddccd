import type { Mount } from "../kernel.ts";
import { check, errnoName, failure, lastErrno } from "../sys/errno.ts";
import { mount, umount2 } from "../sys/libc.ts";
import { mountBind } from "./bind.ts";
import { splitOptions } from "./options.ts";
import { mountOverlay } from "./overlay.ts";

const MNT_DETACH = 2;
const UMOUNT_NOFOLLOW = 8;

/** Carries out mounts in order; takes those made down again where one fails. */
export function mountAll(mounts: readonly Mount[]): void {
  const made: string[] = [];
  try {
    for (const one of mounts) {
      mountOne(one);
      made.push(one.target);
    }
  } catch (error) {
    for (const target of made.reverse()) umount2(target, MNT_DETACH | UMOUNT_NOFOLLOW);
    throw error;
  }
}

function mountOne(one: Mount): void {
  if (one.type === "overlay") mountOverlay(one);
  else if (one.type === "bind") mountBind(one);
  else if (one.type === "other") mountOther(one);
  else mountTmpfs(one);
}

function mountOther({ filesystem, source, target, options }: Extract<Mount, { readonly type: "other" }>): void {
  const { flags, data } = splitOptions(options ?? []);
  check(mount(source, target, filesystem, flags, data.join(",")), `mount ${filesystem} ${source} on ${target}`, target);
}

function mountTmpfs({ target, options }: Extract<Mount, { readonly type: "tmpfs" }>): void {
  const { flags, data } = splitOptions(options ?? []);
  check(mount("tmpfs", target, "tmpfs", flags, data.join(",")), `mount tmpfs on ${target}`, target);
}

/** Takes the topmost mount at `target` down; lazily where it is busy or `detach` says so. */
export function unmount(target: string, detach: boolean): void {
  const flags = UMOUNT_NOFOLLOW | (detach ? MNT_DETACH : 0);
  if (umount2(target, flags) === 0) return;
  const errno = errnoName(lastErrno());
  // Not a mount point, or not there at all.
  if (errno === "EINVAL" || errno === "ENOENT") return;
  if (errno !== "EBUSY" || detach) throw failure(`unmount ${target}`, errno, undefined, target);
  unmount(target, true);
}
