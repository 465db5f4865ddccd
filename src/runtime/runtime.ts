import type { Duplex } from "node:stream";
import type { Operation } from "../base/operation.ts";

/**
 * Running containers: one shim process each, which is the parent of the container, owns its stdio, writes its log and
 * its exit status, and outlives the daemon. The runtime knows nothing of images, networks or records.
 */
export interface Shims {
  /**
   * Starts a shim for a container, without starting the container yet: this can run beside the wiring of its network
   * and the mount of its root. `dir` (on tmpfs) holds the shim's socket, PID and exit files.
   */
  launch(op: Operation, dir: string): Promise<Shim>;
  /**
   * Finds the shim of `dir` again after a restart of the daemon. A shim that is gone but left its exit status resolves
   * with `exited`; a folder that never had a started container with `none`.
   */
  adopt(op: Operation, dir: string): Promise<Adopted>;
  /**
   * A hint that a start or an exec comes within some 10 ms (a create or exec-create just came in): gets the kernel's
   * cgroup lock ready, which saves up to 10 ms. `launch` does it too. Returns at once and cannot fail.
   */
  warm(): void;
  /** Ends what is kept ready for the next launch. Shims of running containers go on. */
  close(): Promise<void>;
}

export type Adopted =
  | { readonly kind: "running"; readonly shim: Shim }
  | { readonly kind: "exited"; readonly exit: ExitStatus }
  | { readonly kind: "none" };

/** The control connection to one shim. */
export interface Shim {
  /** The shim's own PID. */
  readonly pid: number;
  /** The container's init, once started. */
  readonly initPid: number | undefined;
  /**
   * Runs the OCI runtime on the bundle and resolves once the container's process runs. A command that cannot be
   * executed is `invalid` with the runtime's words and `exitCode` 127 (not found) or 126 (not executable); any other
   * refusal of the runtime `system` with `exitCode` 128. After a failure the shim has gone and left nothing.
   */
  start(op: Operation, request: StartRequest): Promise<{ readonly pid: number }>;
  /**
   * Opens the stdio of the container (or of an exec). Reads are raw bytes for a terminal and Docker's frames (8-byte
   * header: stream, 0, 0, 0, big-endian length) otherwise; writes go to stdin, `end()` closes it (half-close). May be
   * called before `start`: such a client misses no byte. Ends when the process has ended and its output was delivered.
   * Back-pressure: a reader that is merely slow loses nothing, for past 256 KiB of unread output the shim stops reading
   * the container's pipes until it has caught up. A reader that takes not one byte for ten seconds in that state is cut
   * off (its stream ends early), so that nobody can stop a container for good.
   */
  attach(op: Operation, request: AttachRequest): Promise<Duplex>;
  /** Starts another process in the container. Errors as in `start`. */
  exec(op: Operation, request: ExecRequest): Promise<{ readonly pid: number }>;
  /** Resizes the terminal of the container, or of an exec, in characters. */
  resize(op: Operation, size: { readonly height: number; readonly width: number }, execId?: string): Promise<void>;
  /** Sends a signal to the container's init. `notFound` once it has ended. */
  signal(op: Operation, signal: number): Promise<void>;
  readonly exited: Promise<ExitStatus>;
  /** Resolves when the exec has ended and its output was delivered. */
  execExited(execId: string): Promise<ExitStatus>;
  /** Removes the runtime's state (cgroup, state folder) of the ended container and ends the shim. */
  dispose(op: Operation): Promise<void>;
  /** Drops the control connection; the shim goes on. */
  disconnect(): void;
}

export interface StartRequest {
  readonly id: string;
  /** The OCI bundle: `config.json` in it. */
  readonly bundle: string;
  /** Path of `crun`, `runc` or another OCI runtime. */
  readonly runtime: string;
  /** The runtime's `--root`. */
  readonly runtimeRoot: string;
  readonly terminal: boolean;
  /** Keep stdin open for attach clients; else it reads as `/dev/null`. */
  readonly openStdin: boolean;
  /** Close stdin when the first attached client that wrote to it has gone. */
  readonly stdinOnce: boolean;
  /** Who the process runs as: the pipes of its stdio are made theirs, so that `/dev/stdout` can be opened. Root when absent. */
  readonly uid?: number;
  readonly gid?: number;
  /** The spec's `linux.cgroupsPath` when it is an absolute path; found by the shim when absent. */
  readonly cgroup?: string;
  readonly log: LogRequest | undefined;
  /** Set on the terminal once it is there. The spec's `process.consoleSize` should say it too, so that it is never late. */
  readonly size?: { readonly height: number; readonly width: number };
}

/** Docker's json-file format. */
export interface LogRequest {
  readonly path: string;
  /** Rotate when a file has grown to this many bytes; 0 never rotates. */
  readonly maxSize: number;
  /** How many files are kept, the current one counted. */
  readonly maxFiles: number;
}

export interface AttachRequest {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  /** The exec whose stdio it is; the container's own when absent. */
  readonly execId?: string;
}

export interface ExecRequest {
  readonly execId: string;
  /** A file with the OCI process object. */
  readonly processFile: string;
  readonly terminal: boolean;
  readonly openStdin: boolean;
  /** As in {@link StartRequest}. */
  readonly uid?: number;
  readonly gid?: number;
  readonly size?: { readonly height: number; readonly width: number };
}

export interface ExitStatus {
  /** 0 to 255; 128 + n when ended by signal n. */
  readonly code: number;
  readonly oomKilled: boolean;
  /** Nanoseconds since the epoch. */
  readonly at: bigint;
}
