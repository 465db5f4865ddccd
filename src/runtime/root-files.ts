import {
  byteString,
  close,
  errno,
  fileError,
  flag,
  mkdirat,
  openat,
  openat2,
  openFolder,
  resolve,
  symlinkat,
} from "../kernel/files.ts";

/** Files that Docker puts into every container's root beneath what it mounts there, so that a read-only root can run. */
const emptyFiles = [
  [".", ".dockerenv", 0o755],
  ["etc", "hostname", 0o755],
  ["etc", "hosts", 0o755],
  ["etc", "resolv.conf", 0o755],
] as const;
const folders = ["proc", "sys", "dev"] as const;

/**
 * Makes what is missing of those files and folders in a mounted, writable root. Everything is resolved inside the root,
 * whatever links the image has; what is there already stays as it is.
 */
export function prepareRoot(root: string): void {
  const base = openFolder(root);
  try {
    for (const folder of folders) makeFolder(base, folder);
    for (const [folder, name, mode] of emptyFiles) withFolder(base, folder, (at) => makeFile(at, name, mode));
    withFolder(base, "etc", (at) => symlinkat(byteString("/proc/mounts"), at, byteString("mtab")));
  } finally {
    close(base);
  }
}

function makeFolder(base: number, name: string): void {
  check(mkdirat(base, byteString(name), 0o755), "mkdirat", name);
}

/** Runs `body` in a folder of the root, which is made where it is missing and passed over where it is none. */
function withFolder(base: number, name: string, body: (folder: number) => void): void {
  const open = (): number =>
    openat2(base, byteString(name), flag.PATH | flag.DIRECTORY | flag.CLOEXEC, resolve.IN_ROOT | resolve.NO_MAGICLINKS);
  let folder = open();
  if (folder === -errno.ENOENT) {
    makeFolder(base, name);
    folder = open();
  }
  if (folder === -errno.ENOTDIR || folder === -errno.ELOOP || folder === -errno.ENOENT) return;
  if (folder < 0) throw fileError(folder, "openat2", name);
  try {
    body(folder);
  } finally {
    close(folder);
  }
}

function makeFile(folder: number, name: string, mode: number): void {
  const file = openat(
    folder,
    byteString(name),
    flag.WRONLY | flag.CREAT | flag.EXCL | flag.NOFOLLOW | flag.CLOEXEC,
    mode,
  );
  if (file >= 0) close(file);
  else check(file, "openat", name);
}

function check(result: number, call: string, name: string): void {
  if (result < 0 && result !== -errno.EEXIST) throw fileError(result, call, name);
}
