/**
 * The file-system calls that Node lacks: those relative to an open folder, those that never follow a symbolic link,
 * and those on extended attributes. They are synchronous and meant for worker threads.
 *
 * - A name is a *byte string*: a JavaScript string with one character (0 to 255) for each byte, because file names on
 *   Linux are bytes and need not be UTF-8. {@link byteString} makes one from ordinary text.
 * - A call returns what the kernel returns: a result of zero or more, or the negated errno. Callers look at the errno
 *   that they expect and hand everything to {@link must}, which throws the rest.
 */
import { constants } from "node:os";
import { arch } from "node:process";
import { getSystemErrorMap } from "node:util";
import koffi from "koffi";
import { KeelsonError, notImplemented, systemError } from "../base/errors.ts";

/** One character for each byte (latin1). */
export type ByteString = string;

/** Text as the byte string of its UTF-8 form. */
export function byteString(text: string): ByteString {
  return Buffer.from(text, "utf8").toString("latin1");
}

/** A byte string as text, for messages; bytes that are no UTF-8 become replacement characters. */
export function textOf(name: ByteString): string {
  return Buffer.from(name, "latin1").toString("utf8");
}

export const errno = constants.errno;

/** Flags of open(2), openat2(2) and the *at calls; equal on x86-64 and arm64 unless chosen by architecture. */
export const flag = {
  RDONLY: 0,
  WRONLY: 1,
  RDWR: 2,
  CREAT: 0o100,
  EXCL: 0o200,
  NONBLOCK: 0o4000,
  DIRECTORY: arch === "arm64" ? 0o40000 : 0o200000,
  NOFOLLOW: arch === "arm64" ? 0o100000 : 0o400000,
  CLOEXEC: 0o2000000,
  PATH: 0o10000000,
  AT_FDCWD: -100,
  AT_SYMLINK_NOFOLLOW: 0x100,
  AT_REMOVEDIR: 0x200,
  AT_EMPTY_PATH: 0x1000,
  SEEK_SET: 0,
  SEEK_DATA: 3,
  SEEK_HOLE: 4,
} as const;

/** How openat2(2) resolves a path. */
export const resolve = {
  NO_XDEV: 0x01,
  NO_MAGICLINKS: 0x02,
  NO_SYMLINKS: 0x04,
  BENEATH: 0x08,
  /** As if the folder were the root: absolute links and `..` stay within. */
  IN_ROOT: 0x10,
} as const;

/** File types, as in `st_mode`. */
export const fileType = {
  MASK: 0o170000,
  SOCKET: 0o140000,
  SYMLINK: 0o120000,
  FILE: 0o100000,
  BLOCK: 0o060000,
  DIRECTORY: 0o040000,
  CHAR: 0o020000,
  FIFO: 0o010000,
} as const;

/** Seconds and nanoseconds since the epoch. */
export interface TimeSpec {
  readonly seconds: number;
  readonly nanoseconds: number;
}

/** What statx(2) tells of a file. */
export interface FileStat {
  /** Type and permissions. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly links: number;
  readonly inode: bigint;
  /** Bytes. */
  readonly size: number;
  /** Of 512 bytes. */
  readonly blocks: number;
  readonly mtime: TimeSpec;
  readonly device: number;
  /** Of a device node. */
  readonly major: number;
  readonly minor: number;
}

const libc = koffi.load(null);
const bind = (name: string, result: string, ...types: string[]) => libc.func(name, result, types);
const pointer = "const void *";

const c = {
  openat: bind("openat", "int", "int", pointer, "int", "uint"),
  close: bind("close", "int", "int"),
  mkdirat: bind("mkdirat", "int", "int", pointer, "uint"),
  unlinkat: bind("unlinkat", "int", "int", pointer, "int"),
  linkat: bind("linkat", "int", "int", pointer, "int", pointer, "int"),
  symlinkat: bind("symlinkat", "int", pointer, "int", pointer),
  readlinkat: bind("readlinkat", "long", "int", pointer, "void *", "ulong"),
  renameat: bind("renameat", "int", "int", pointer, "int", pointer),
  fchmod: bind("fchmod", "int", "int", "uint"),
  fchmodat: bind("fchmodat", "int", "int", pointer, "uint", "int"),
  fchown: bind("fchown", "int", "int", "uint", "uint"),
  fchownat: bind("fchownat", "int", "int", pointer, "uint", "uint", "int"),
  futimens: bind("futimens", "int", "int", pointer),
  utimensat: bind("utimensat", "int", "int", pointer, pointer, "int"),
  statx: bind("statx", "int", "int", pointer, "int", "uint", "void *"),
  fsetxattr: bind("fsetxattr", "int", "int", pointer, pointer, "ulong", "int"),
  lsetxattr: bind("lsetxattr", "int", pointer, pointer, pointer, "ulong", "int"),
  lgetxattr: bind("lgetxattr", "long", pointer, pointer, "void *", "ulong"),
  llistxattr: bind("llistxattr", "long", pointer, "void *", "ulong"),
  ftruncate: bind("ftruncate", "int", "int", "int64"),
  fallocate: bind("fallocate", "int", "int", "int", "int64", "int64"),
  lseek: bind("lseek", "int64", "int", "int64", "int"),
  copyFileRange: bind("copy_file_range", "long", "int", pointer, "int", pointer, "ulong", "uint"),
  syncfs: bind("syncfs", "int", "int"),
  syscall3: bind("syscall", "long", "long", "int", pointer, pointer, "ulong"),
  syscallMknodat: bind("syscall", "long", "long", "int", pointer, "ulong", "ulong"),
};

const nrOpenat2 = 437;
const nrMknodat = { x64: 259, arm64: 33 }[arch as string];

/** A path with its end takes at most 4096 bytes (PATH_MAX). */
const pathMax = 4096;
const scratch = [Buffer.alloc(pathMax), Buffer.alloc(pathMax)] as const;
const how = Buffer.alloc(24);
const times = Buffer.alloc(32);
const statBuffer = Buffer.alloc(256);

/** The name with its NUL in one of two scratch buffers; undefined where it is too long or has a NUL in it. */
function cstring(name: ByteString, index: 0 | 1 = 0): Buffer | undefined {
  if (name.length >= pathMax || name.includes("\0")) return undefined;
  const buffer = scratch[index];
  buffer[buffer.write(name, 0, "latin1")] = 0;
  return buffer;
}

const outcome = (result: number): number => (result < 0 ? -koffi.errno() : result);
const tooLong = -errno.ENAMETOOLONG;

/** Opens `name` relative to the folder. Follows symbolic links out of it: for names of one component, with NOFOLLOW. */
export function openat(folder: number, name: ByteString, flags: number, mode = 0): number {
  const path = cstring(name);
  return path ? outcome(c.openat(folder, path, flags | flag.CLOEXEC, mode)) : tooLong;
}

/** openat2(2): opens a path with rules for its resolution (see {@link resolve}). */
export function openat2(folder: number, name: ByteString, flags: number, resolution: number, mode = 0): number {
  const path = cstring(name);
  if (!path) return tooLong;
  // All three fields fit 32 bits; the upper halves stay zero.
  how.writeUInt32LE((flags | flag.CLOEXEC) >>> 0, 0);
  how.writeUInt32LE(mode, 8);
  how.writeUInt32LE(resolution, 16);
  for (;;) {
    const result = outcome(c.syscall3(nrOpenat2, folder, path, how, 24));
    // EAGAIN: something was renamed meanwhile, and the kernel could not tell whether `..` was safe (openat2(2)).
    if (result !== -errno.EAGAIN) return result;
  }
}

/**
 * Opens a folder by an ordinary path; throws where it cannot. To be closed with {@link close}, not with Node's
 * `closeSync`: a worker thread closes at its end what it opened with Node and did not close with Node.
 */
export function openFolder(path: string): number {
  const name = byteString(path);
  return must(openat(flag.AT_FDCWD, name, flag.RDONLY | flag.DIRECTORY), "open", name);
}

export function close(fd: number): number {
  return outcome(c.close(fd));
}

export function mkdirat(folder: number, name: ByteString, mode: number): number {
  const path = cstring(name);
  return path ? outcome(c.mkdirat(folder, path, mode)) : tooLong;
}

/** `flags`: AT_REMOVEDIR for folders. */
export function unlinkat(folder: number, name: ByteString, flags = 0): number {
  const path = cstring(name);
  return path ? outcome(c.unlinkat(folder, path, flags)) : tooLong;
}

/** Makes a hard link; a symbolic link as the target is linked itself. */
export function linkat(fromFolder: number, from: ByteString, toFolder: number, to: ByteString): number {
  const [source, target] = [cstring(from, 0), cstring(to, 1)];
  return source && target ? outcome(c.linkat(fromFolder, source, toFolder, target, 0)) : tooLong;
}

export function symlinkat(content: ByteString, folder: number, name: ByteString): number {
  const [target, path] = [cstring(content, 0), cstring(name, 1)];
  return target && path ? outcome(c.symlinkat(target, folder, path)) : tooLong;
}

/** What a symbolic link holds, or the negated errno. */
export function readlinkat(folder: number, name: ByteString): ByteString | number {
  const path = cstring(name, 0);
  if (!path) return tooLong;
  const length = outcome(c.readlinkat(folder, path, scratch[1], pathMax));
  return length < 0 ? length : scratch[1].toString("latin1", 0, length);
}

/** Node for a device, FIFO or socket; `mode` with its type. */
export function mknodat(folder: number, name: ByteString, mode: number, major = 0, minor = 0): number {
  if (nrMknodat === undefined) throw notImplemented(`mknodat: not known for ${arch}`);
  const path = cstring(name);
  return path ? outcome(c.syscallMknodat(nrMknodat, folder, path, mode, makedev(major, minor))) : tooLong;
}

/** The kernel's 32-bit encoding of a device number (`new_encode_dev`). */
function makedev(major: number, minor: number): number {
  return ((minor & 0xff) | ((major & 0xfff) << 8) | ((minor & ~0xff) << 12)) >>> 0;
}

export function renameat(fromFolder: number, from: ByteString, toFolder: number, to: ByteString): number {
  const [source, target] = [cstring(from, 0), cstring(to, 1)];
  return source && target ? outcome(c.renameat(fromFolder, source, toFolder, target)) : tooLong;
}

export function fchmod(fd: number, mode: number): number {
  return outcome(c.fchmod(fd, mode));
}

/** Follows symbolic links (Linux knows no permissions of links): only for what is known to be none. */
export function fchmodat(folder: number, name: ByteString, mode: number): number {
  const path = cstring(name);
  return path ? outcome(c.fchmodat(folder, path, mode, 0)) : tooLong;
}

export function fchown(fd: number, uid: number, gid: number): number {
  return outcome(c.fchown(fd, uid, gid));
}

/** Never follows a symbolic link. */
export function fchownat(folder: number, name: ByteString, uid: number, gid: number): number {
  const path = cstring(name);
  return path ? outcome(c.fchownat(folder, path, uid, gid, flag.AT_SYMLINK_NOFOLLOW)) : tooLong;
}

function putTime(time: TimeSpec): Buffer {
  for (const at of [0, 16]) {
    times.writeInt32LE(time.seconds | 0, at);
    times.writeInt32LE(Math.floor(time.seconds / 2 ** 32), at + 4);
    times.writeInt32LE(time.nanoseconds, at + 8);
  }
  return times;
}

/** Sets access and modification time. */
export function futimens(fd: number, time: TimeSpec): number {
  return outcome(c.futimens(fd, putTime(time)));
}

/** Sets access and modification time; never follows a symbolic link. */
export function utimensat(folder: number, name: ByteString, time: TimeSpec): number {
  const path = cstring(name);
  return path ? outcome(c.utimensat(folder, path, putTime(time), flag.AT_SYMLINK_NOFOLLOW)) : tooLong;
}

/** Stats `name` in the folder without following it (the folder itself for an empty name), or the negated errno. */
export function statAt(folder: number, name: ByteString): FileStat | number {
  const path = cstring(name);
  if (!path) return tooLong;
  const basicStats = 0x7ff;
  const flags = flag.AT_SYMLINK_NOFOLLOW | (name === "" ? flag.AT_EMPTY_PATH : 0);
  const result = outcome(c.statx(folder, path, flags, basicStats, statBuffer));
  return result < 0 ? result : readStat(statBuffer);
}

/** `struct statx` (linux/stat.h). */
function readStat(b: Buffer): FileStat {
  return {
    links: b.readUInt32LE(16),
    uid: b.readUInt32LE(20),
    gid: b.readUInt32LE(24),
    mode: b.readUInt16LE(28),
    inode: b.readBigUInt64LE(32),
    size: Number(b.readBigUInt64LE(40)),
    blocks: Number(b.readBigUInt64LE(48)),
    mtime: { seconds: Number(b.readBigInt64LE(112)), nanoseconds: b.readUInt32LE(120) },
    major: b.readUInt32LE(128),
    minor: b.readUInt32LE(132),
    device: b.readUInt32LE(136) * 2 ** 20 + b.readUInt32LE(140),
  };
}

const xattrName = Buffer.alloc(260);
const xattrValue = Buffer.alloc(65536);

function xattrCstring(name: ByteString): Buffer | undefined {
  if (name.length > 255 || name.includes("\0")) return undefined;
  xattrName[xattrName.write(name, 0, "latin1")] = 0;
  return xattrName;
}

export function fsetxattr(fd: number, name: ByteString, value: Uint8Array): number {
  const key = xattrCstring(name);
  return key ? outcome(c.fsetxattr(fd, key, value, value.length, 0)) : -errno.ERANGE;
}

/** The way to a name in an open folder for the calls that take no folder; the last component is not followed. */
function viaProc(folder: number, name: ByteString): Buffer | undefined {
  return cstring(name === "" ? `/proc/self/fd/${folder}/.` : `/proc/self/fd/${folder}/${name}`);
}

export function lsetxattr(folder: number, name: ByteString, key: ByteString, value: Uint8Array): number {
  const [path, keyName] = [viaProc(folder, name), xattrCstring(key)];
  return path && keyName ? outcome(c.lsetxattr(path, keyName, value, value.length, 0)) : -errno.ERANGE;
}

/** The attribute's value, or the negated errno (`ENODATA` where there is none). */
export function lgetxattr(folder: number, name: ByteString, key: ByteString): Buffer | number {
  const [path, keyName] = [viaProc(folder, name), xattrCstring(key)];
  if (!path || !keyName) return -errno.ERANGE;
  const length = outcome(c.lgetxattr(path, keyName, xattrValue, xattrValue.length));
  return length < 0 ? length : Buffer.from(xattrValue.subarray(0, length));
}

/** The names of the extended attributes, or the negated errno. */
export function llistxattr(folder: number, name: ByteString): ByteString[] | number {
  const path = viaProc(folder, name);
  if (!path) return tooLong;
  const length = outcome(c.llistxattr(path, xattrValue, xattrValue.length));
  if (length < 0) return length;
  return length === 0 ? [] : xattrValue.toString("latin1", 0, length - 1).split("\0");
}

export function ftruncate(fd: number, size: number): number {
  return outcome(c.ftruncate(fd, size));
}

export function fallocate(fd: number, mode: number, offset: number, length: number): number {
  return outcome(c.fallocate(fd, mode, offset, length));
}

/** Moves the file's position; with SEEK_DATA and SEEK_HOLE finds the parts of a sparse file. */
export function lseek(fd: number, offset: number, whence: number): number {
  return outcome(Number(c.lseek(fd, offset, whence)));
}

/** Copies within the kernel from one file's position to the other's. Bytes copied, 0 at the end. */
export function copyFileRange(from: number, to: number, length: number): number {
  return outcome(c.copyFileRange(from, null, to, null, length, 0));
}

/** Writes the whole file system of a folder to its disk, on a thread of the FFI's own: it can take seconds. */
export async function syncFileSystem(path: string): Promise<void> {
  const fd = openFolder(path);
  try {
    const result = await new Promise<number>((resolve, reject) =>
      c.syncfs.async(fd, (error: Error | null, value: number) => (error ? reject(error) : resolve(value))),
    );
    // errno belongs to the thread that made the call, so what exactly failed is not known here.
    if (result !== 0) throw systemError(`syncfs ${path} failed`, { path });
  } finally {
    close(fd);
  }
}

/** The error of a failed call: `call path: what the kernel says`, with the errno's name. */
export function fileError(result: number, call: string, path: string): KeelsonError {
  const [name, message] = getSystemErrorMap().get(result) ?? [`E${-result}`, `errno ${-result}`];
  const kind = name === "ENOSPC" || name === "EDQUOT" ? "exhausted" : "system";
  const said = { EEXIST: "file exists", EACCES: "permission denied", ENOTDIR: "not a directory" }[name] ?? message;
  return new KeelsonError(kind, `${call} ${path}: ${said}`, { errno: name, path });
}

/** The result of a call; throws where it is a negated errno. `path` is a byte string. */
export function must(result: number, call: string, path: ByteString): number {
  if (result < 0) throw fileError(result, call, textOf(path));
  return result;
}
