import type { Duplex } from "node:stream";
import { isKind, notFound } from "../base/errors.ts";
import { Operation } from "../base/operation.ts";
import type { AttachRequest, ExecRequest, ExitStatus, Shim, StartRequest } from "./runtime.ts";
import { type ControlConnection, openAttach } from "./shim-connection.ts";
import { runtimeError } from "./shim-errors.ts";
import { type BodyReader, BodyWriter, type Frame, flags, replies, requests } from "./shim-protocol.ts";

const rememberedExecs = 64;

type Size = { readonly height: number; readonly width: number };

/** What a shim tells of itself. */
export interface ShimStatus {
  readonly pid: number;
  readonly state: "created" | "running" | "exited";
  readonly initPid: number | undefined;
  readonly exit: ExitStatus;
  /** Lines that the log lost to a failing disk. */
  readonly droppedLines: bigint;
  readonly execs: ReadonlyArray<{ readonly id: string; readonly pid: number; readonly exit: ExitStatus | undefined }>;
}

/** Reads `code`, `oomKilled`, `at`. */
function readExit(body: BodyReader): ExitStatus {
  return { code: body.u32(), oomKilled: body.u8() !== 0, at: body.u64() };
}

/** Asks a shim for its state; waits for a start that is under way. */
export async function readStatus(op: Operation, connection: ControlConnection): Promise<ShimStatus> {
  const body = await connection.request(op, requests.status);
  const pid = body.u32();
  const state = (["created", "running", "exited"] as const)[body.u8()]!;
  const initPid = body.u32() || undefined;
  const exit = readExit(body);
  const droppedLines = body.u64();
  const execs = [];
  while (!body.done) {
    const id = body.string();
    const execPid = body.u32();
    const ended = body.u8() !== 0;
    const status = readExit(body);
    execs.push({ id, pid: execPid, exit: ended ? status : undefined });
  }
  return { pid, state, initPid, exit, droppedLines, execs };
}

export interface ShimClientOptions {
  readonly dir: string;
  readonly connection: ControlConnection;
  readonly pid: number;
  /** Called when the shim has died with its container running; makes its exit status. */
  readonly mend: (dir: string) => Promise<ExitStatus | undefined>;
  /** Gets the kernel's cgroup lock ready (see `Shims.warm`). */
  readonly warm: () => void;
}

/** The daemon's end of one shim. */
export class ShimClient implements Shim {
  readonly pid: number;
  initPid: number | undefined;
  readonly exited: Promise<ExitStatus>;
  readonly #dir: string;
  readonly #connection: ControlConnection;
  readonly #mend: ShimClientOptions["mend"];
  readonly #warm: ShimClientOptions["warm"];
  readonly #exit = Promise.withResolvers<ExitStatus>();
  readonly #execs = new Map<string, PromiseWithResolvers<ExitStatus>>();
  /** Ended execs, oldest first; a few are remembered for who asks late. */
  readonly #endedExecs: string[] = [];
  #runtime = "";
  #left = false;
  #ended = false;

  constructor(options: ShimClientOptions) {
    this.pid = options.pid;
    this.exited = this.#exit.promise;
    this.#dir = options.dir;
    this.#connection = options.connection;
    this.#mend = options.mend;
    this.#warm = options.warm;
    this.#connection.onEvent = (frame) => this.#event(frame);
    void this.#connection.closed.then(() => this.#lost());
  }

  /** Takes over what a shim says of a container that was started before. */
  adopt(status: ShimStatus): void {
    this.initPid = status.initPid;
    if (status.state === "exited") this.#ends(status.exit);
    for (const exec of status.execs) if (exec.exit) this.#execExit(exec.id).resolve(exec.exit);
  }

  async start(op: Operation, request: StartRequest): Promise<{ readonly pid: number }> {
    this.#runtime = request.runtime;
    this.#warm();
    const log = request.log;
    const body = new BodyWriter()
      .u32(
        (request.terminal ? flags.terminal : 0) |
          (request.openStdin ? flags.openStdin : 0) |
          (request.stdinOnce ? flags.stdinOnce : 0) |
          (log ? flags.log : 0),
      )
      .u32(request.uid ?? 0)
      .u32(request.gid ?? 0);
    writeSize(body, request.size)
      .u64(log?.maxSize ?? 0)
      .u32(log?.maxFiles ?? 1)
      .string(request.id)
      .string(request.bundle)
      .string(request.runtime)
      .string(request.runtimeRoot)
      .string(request.cgroup ?? "")
      .string(log?.path ?? "");
    op.step("shim: start");
    try {
      const reply = await this.#connection.request(op, requests.start, body);
      this.initPid = reply.u32();
      return { pid: this.initPid };
    } catch (error) {
      if (!this.#left) await this.#giveUp();
      throw await runtimeError(error, { verb: "start", runtime: request.runtime, path: request.bundle });
    }
  }

  attach(op: Operation, request: AttachRequest): Promise<Duplex> {
    return openAttach(op, this.#dir, request);
  }

  async exec(op: Operation, request: ExecRequest): Promise<{ readonly pid: number }> {
    this.#warm();
    const body = new BodyWriter()
      .u32((request.terminal ? flags.terminal : 0) | (request.openStdin ? flags.openStdin : 0))
      .u32(request.uid ?? 0)
      .u32(request.gid ?? 0);
    writeSize(body, request.size).string(request.execId).string(request.processFile);
    try {
      const reply = await this.#connection.request(op, requests.exec, body);
      return { pid: reply.u32() };
    } catch (error) {
      throw await runtimeError(error, { verb: "exec", runtime: this.#runtime, path: request.processFile });
    }
  }

  async resize(op: Operation, size: Size, execId = ""): Promise<void> {
    await this.#connection.request(op, requests.resize, writeSize(new BodyWriter(), size).string(execId));
  }

  async signal(op: Operation, signal: number): Promise<void> {
    if (this.#ended) throw notFound("No such process", { errno: "ESRCH" });
    await this.#connection.request(op, requests.signal, new BodyWriter().u32(signal));
  }

  execExited(execId: string): Promise<ExitStatus> {
    return this.#execExit(execId).promise;
  }

  async dispose(op: Operation): Promise<void> {
    try {
      await this.#connection.request(op, requests.dispose);
    } catch (error) {
      if (this.#left || !isKind(error, "unavailable")) throw error;
      await this.#mend(this.#dir);
    }
    this.disconnect();
  }

  disconnect(): void {
    this.#left = true;
    this.#connection.close();
  }

  #event(frame: Frame): void {
    if (frame.type === replies.exit) this.#ends(readExit(frame.body));
    if (frame.type !== replies.execExit) return;
    const id = frame.body.string();
    this.#execExit(id).resolve(readExit(frame.body));
    this.#endedExecs.push(id);
    if (this.#endedExecs.length > rememberedExecs) this.#execs.delete(this.#endedExecs.shift()!);
  }

  #ends(exit: ExitStatus): void {
    this.#ended = true;
    this.#exit.resolve(exit);
  }

  #execExit(id: string): PromiseWithResolvers<ExitStatus> {
    const known = this.#execs.get(id) ?? Promise.withResolvers<ExitStatus>();
    this.#execs.set(id, known);
    return known;
  }

  /** A start that failed or was given up leaves neither container nor shim. */
  async #giveUp(): Promise<void> {
    const cleaning = Operation.background("give up a start").within(15_000);
    await this.dispose(cleaning).catch(() => this.disconnect());
  }

  /** The connection closed and nobody here closed it: the shim was killed, and its container cannot go on. */
  async #lost(): Promise<void> {
    if (this.#left || this.initPid === undefined) return;
    const exit = (await this.#mend(this.#dir).catch(() => undefined)) ?? killed();
    if (!this.#ended) this.#ends(exit);
    for (const exec of this.#execs.values()) exec.resolve(killed());
  }
}

function killed(): ExitStatus {
  return { code: 137, oomKilled: false, at: BigInt(Date.now()) * 1_000_000n };
}

function writeSize(body: BodyWriter, size: Size | undefined): BodyWriter {
  const bounded = (value: number): number => Math.max(0, Math.min(0xffff, Math.trunc(value)));
  return body.u16(bounded(size?.height ?? 0)).u16(bounded(size?.width ?? 0));
}
