import * as files from "../kernel/files.ts";
import { type ByteString, errno, type FileStat, fileType, flag, must } from "../kernel/files.ts";

/** Bytes that one copy_file_range(2) is asked for. */
const copySize = 64 << 20;
const opaqueKey = "trusted.overlay.";

/**
 * Copies one file that is no folder, never following a symbolic link: data with its holes, or link, device, FIFO or
 * socket; then owner, extended attributes, mode and time. The target must not exist.
 */
export function copyFile(from: number, name: ByteString, stat: FileStat, to: number, toName: ByteString): void {
  const type = stat.mode & fileType.MASK;
  if (type === fileType.FILE) {
    copyRegular(from, name, stat, to, toName);
  } else if (type === fileType.SYMLINK) {
    const content = files.readlinkat(from, name);
    if (typeof content === "number") must(content, "readlink", name);
    else must(files.symlinkat(content, to, toName), "symlink", toName);
  } else {
    must(files.mknodat(to, toName, type | 0o600, stat.major, stat.minor), "mknod", toName);
  }
  copyAttributes(from, name, stat, to, toName);
}

function copyRegular(from: number, name: ByteString, stat: FileStat, to: number, toName: ByteString): void {
  const source = must(files.openat(from, name, flag.RDONLY | flag.NOFOLLOW | flag.NONBLOCK), "open", name);
  try {
    const flags = flag.WRONLY | flag.CREAT | flag.EXCL | flag.NOFOLLOW;
    const target = must(files.openat(to, toName, flags, 0o600), "open", toName);
    try {
      copyData(source, target, stat.size, toName);
    } finally {
      files.close(target);
    }
  } finally {
    files.close(source);
  }
}

/** Copies the parts that have data; what is a hole stays one. */
function copyData(source: number, target: number, size: number, name: ByteString): void {
  must(files.ftruncate(target, size), "truncate", name);
  for (let at = 0; at < size; ) {
    const data = files.lseek(source, at, flag.SEEK_DATA);
    // Only a hole is left.
    if (data === -errno.ENXIO) return;
    const end = must(files.lseek(source, must(data, "lseek", name), flag.SEEK_HOLE), "lseek", name);
    must(files.lseek(source, data, flag.SEEK_SET), "lseek", name);
    must(files.lseek(target, data, flag.SEEK_SET), "lseek", name);
    for (let left = end - data; left > 0; ) {
      const copied = must(files.copyFileRange(source, target, Math.min(left, copySize)), "write", name);
      // It became shorter meanwhile.
      if (copied === 0) return;
      left -= copied;
    }
    at = end;
  }
}

/** Gives one file the owner, extended attributes, mode and time of another. An empty name is the folder itself. */
export function copyAttributes(from: number, name: ByteString, stat: FileStat, to: number, toName: ByteString): void {
  const self = toName === "" ? "." : toName;
  must(files.fchownat(to, self, stat.uid, stat.gid), "chown", toName);
  copyXattrs(from, name, to, toName);
  if ((stat.mode & fileType.MASK) !== fileType.SYMLINK)
    must(files.fchmodat(to, self, stat.mode & 0o7777), "chmod", toName);
  must(files.utimensat(to, self, stat.mtime), "utimes", toName);
}

function copyXattrs(from: number, name: ByteString, to: number, toName: ByteString): void {
  const keys = files.llistxattr(from, name);
  if (typeof keys === "number") return;
  for (const key of keys) {
    // What overlayfs keeps for itself is about the layer that it is in.
    if (key.startsWith(opaqueKey)) continue;
    const value = files.lgetxattr(from, name, key);
    if (typeof value === "number") continue;
    const result = files.lsetxattr(to, toName, key, value);
    if (result !== -errno.EOPNOTSUPP) must(result, `setxattr ${key}`, toName);
  }
}
