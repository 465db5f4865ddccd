import koffi from "koffi";

/**
 * The libc functions that the kernel worker calls. Numbers of system calls without a wrapper in older C libraries are
 * the same on every architecture (they were added after the tables were unified in Linux 5.1).
 */
const libc = koffi.load(null);

type Bytes = Uint8Array;
const func = <T>(name: string, result: string, args: string[]): T => libc.func(name, result, args) as T;

function optional<T>(name: string, result: string, args: string[]): T | undefined {
  try {
    return func<T>(name, result, args);
  } catch {
    return undefined;
  }
}

export const strerror = func<(errno: number) => string>("strerror", "str", ["int"]);
export const open = func<(path: string, flags: number, mode: number) => number>("open", "int", ["str", "int", "uint"]);
export const close = func<(fd: number) => number>("close", "int", ["int"]);
export const read = func<(fd: number, into: Bytes, size: number) => number>("read", "long", [
  "int",
  "void *",
  "size_t",
]);
export const memfdCreate = func<(name: string, flags: number) => number>("memfd_create", "int", ["str", "uint"]);
export const flock = func<(fd: number, operation: number) => number>("flock", "int", ["int", "int"]);

/** glibc's own. */
export const mallocTrim = optional<(pad: number) => number>("malloc_trim", "int", ["size_t"]);

export const unshare = func<(flags: number) => number>("unshare", "int", ["int"]);
export const setns = func<(fd: number, type: number) => number>("setns", "int", ["int", "int"]);

export const mount = func<
  (source: string | null, target: string, type: string | null, flags: number, data: string | null) => number
>("mount", "int", ["str", "str", "str", "ulong", "str"]);
export const umount2 = func<(target: string, flags: number) => number>("umount2", "int", ["str", "int"]);

export const socket = func<(domain: number, type: number, protocol: number) => number>("socket", "int", [
  "int",
  "int",
  "int",
]);
export const setsockopt = func<(fd: number, level: number, name: number, value: Bytes, size: number) => number>(
  "setsockopt",
  "int",
  ["int", "int", "int", "void *", "uint"],
);
const sendFunction = libc.func("send", "long", ["int", "void *", "size_t", "int"]);
export const send = sendFunction as (fd: number, bytes: Bytes, size: number, flags: number) => number;
/** send(2) on a thread of the pool. */
export const sendElsewhere = (fd: number, bytes: Bytes): Promise<number> =>
  new Promise((resolve, reject) => {
    sendFunction.async(fd, bytes, bytes.length, 0, (error: Error | null, sent: number) =>
      error ? reject(error) : resolve(sent),
    );
  });
export const recv = func<(fd: number, into: Bytes, size: number, flags: number) => number>("recv", "long", [
  "int",
  "void *",
  "size_t",
  "int",
]);

const pidfdSendSignalCall = func<(nr: number, fd: number, signal: number, info: null, flags: number) => number>(
  "syscall",
  "long",
  ["long", "int", "int", "void *", "uint"],
);
/** pidfd_send_signal(2). */
export const pidfdSendSignal = (fd: number, signal: number): number => pidfdSendSignalCall(424, fd, signal, null, 0);

const pidfdOpenCall = func<(nr: number, pid: number, flags: number) => number>("syscall", "long", [
  "long",
  "int",
  "uint",
]);
/** pidfd_open(2). */
export const pidfdOpen = (pid: number): number => pidfdOpenCall(434, pid, 0);

const openTreeCall = func<(nr: number, at: number, path: string, flags: number) => number>("syscall", "long", [
  "long",
  "int",
  "str",
  "uint",
]);
/** open_tree(2) relative to the working directory. */
export const openTree = (path: string, flags: number): number => openTreeCall(428, -100, path, flags);

const moveMountCall = func<
  (nr: number, from: number, fromPath: string, to: number, toPath: string, flags: number) => number
>("syscall", "long", ["long", "int", "str", "int", "str", "uint"]);
/** move_mount(2) of the mount that `fd` stands for. */
export const moveMount = (fd: number, target: string): number => moveMountCall(429, fd, "", -100, target, 4);

const fsopenCall = func<(nr: number, type: string, flags: number) => number>("syscall", "long", [
  "long",
  "str",
  "uint",
]);
/** fsopen(2), close-on-exec. */
export const fsopen = (type: string): number => fsopenCall(430, type, 1);

const fsconfigCall = func<
  (nr: number, fd: number, command: number, key: string | null, value: string | null, aux: number) => number
>("syscall", "long", ["long", "int", "uint", "str", "str", "int"]);
/** fsconfig(2). */
export const fsconfig = (fd: number, command: number, key: string | null, value: string | null): number =>
  fsconfigCall(431, fd, command, key, value, 0);

const fsmountCall = func<(nr: number, fd: number, flags: number, attributes: number) => number>("syscall", "long", [
  "long",
  "int",
  "uint",
  "uint",
]);
/** fsmount(2), close-on-exec. */
export const fsmount = (fd: number, attributes: number): number => fsmountCall(432, fd, 1, attributes);

const mountSetattrCall = func<
  (nr: number, fd: number, path: string, flags: number, attributes: Bytes, size: number) => number
>("syscall", "long", ["long", "int", "str", "uint", "void *", "size_t"]);
/** mount_setattr(2); `attributes` is a `struct mount_attr`. */
export const mountSetattr = (fd: number, path: string, flags: number, attributes: Bytes): number =>
  mountSetattrCall(442, fd, path, flags, attributes, attributes.length);
