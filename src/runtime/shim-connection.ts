import { type FileHandle, open } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { type ErrorKind, KeelsonError, systemError, unavailable } from "../base/errors.ts";
import type { Operation } from "../base/operation.ts";
import type { AttachRequest } from "./runtime.ts";
import {
  type BodyReader,
  BodyWriter,
  decodeFrame,
  errorKinds,
  type Frame,
  FrameSplitter,
  flags,
  headerLength,
  type RequestType,
  replies,
  requests,
} from "./shim-protocol.ts";

/** An error that the shim answered with; the runtime's own words where `fromRuntime`. */
export class ShimError extends KeelsonError {
  readonly fromRuntime: boolean;

  constructor(kind: number, message: string) {
    super(kinds[kind] ?? "system", message);
    this.fromRuntime = kind === errorKinds.runtime;
  }
}

const kinds: Readonly<Record<number, ErrorKind>> = {
  [errorKinds.notFound]: "notFound",
  [errorKinds.invalid]: "invalid",
};

interface Waiting {
  resolve(body: BodyReader): void;
  reject(error: Error): void;
}

/** A control connection: requests get their replies by sequence, events go to `onEvent`. */
export class ControlConnection {
  readonly socket: Socket;
  /** Resolves when the connection has closed, by whichever side. */
  readonly closed: Promise<void>;
  onEvent: (frame: Frame) => void = () => {};
  readonly #waiting = new Map<number, Waiting>();
  readonly #splitter = new FrameSplitter();
  #sequence = 0;
  #open = true;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (chunk: Buffer) => this.#receive(chunk));
    socket.on("error", () => {});
    this.closed = new Promise((resolve) => {
      socket.once("close", () => {
        this.#close();
        resolve();
      });
    });
  }

  /** Sends a request and resolves with the body of the reply. Aborting the operation gives up waiting only. */
  request(op: Operation, type: RequestType, body: BodyWriter = new BodyWriter()): Promise<BodyReader> {
    op.check();
    if (!this.#open) return Promise.reject(gone());
    const sequence = ++this.#sequence;
    const { promise, resolve, reject } = Promise.withResolvers<BodyReader>();
    const abort = (): void => {
      this.#waiting.delete(sequence);
      reject(abortError(op));
    };
    op.signal.addEventListener("abort", abort, { once: true });
    this.#waiting.set(sequence, { resolve, reject });
    this.socket.write(body.frame(type, sequence));
    return promise.finally(() => op.signal.removeEventListener("abort", abort));
  }

  /** Drops the connection. */
  close(): void {
    this.socket.destroy();
  }

  #receive(chunk: Buffer): void {
    for (const frame of this.#splitter.push(chunk)) {
      const waiting = this.#waiting.get(frame.sequence);
      if (frame.sequence === 0) this.onEvent(frame);
      else if (waiting) {
        this.#waiting.delete(frame.sequence);
        if (frame.type === replies.ok) waiting.resolve(frame.body);
        else waiting.reject(new ShimError(frame.body.u8(), frame.body.string()));
      }
    }
  }

  #close(): void {
    this.#open = false;
    for (const waiting of this.#waiting.values()) waiting.reject(gone());
    this.#waiting.clear();
  }
}

function gone(): KeelsonError {
  return unavailable("the container's shim has gone");
}

function abortError(op: Operation): Error {
  try {
    op.check();
  } catch (error) {
    return error as Error;
  }
  return systemError("aborted");
}

const longestSocketPath = 107;

/** Connects to the shim of `dir`. Rejects with Node's own error (`ENOENT`, `ECONNREFUSED`) where none listens. */
export async function connectShim(dir: string): Promise<Socket> {
  const path = join(dir, "shim.sock");
  if (Buffer.byteLength(path) <= longestSocketPath) return connectPath(path);
  // The kernel's socket addresses are short; a path through an open folder always fits.
  const folder: FileHandle = await open(dir);
  try {
    return await connectPath(`/proc/self/fd/${folder.fd}/shim.sock`);
  } finally {
    await folder.close();
  }
}

function connectPath(path: string): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const socket = connect({ path, allowHalfOpen: true });
  socket.once("error", reject);
  socket.once("connect", () => {
    socket.off("error", reject);
    resolve(socket);
  });
  return promise;
}

/** Opens a connection and turns it into the raw stdio stream of the container or of an exec. */
export async function openAttach(op: Operation, dir: string, request: AttachRequest): Promise<Socket> {
  op.check();
  const socket = await connectShim(dir).catch((error: unknown) => {
    throw unavailable("the container's shim has gone", { cause: error, path: dir });
  });
  // A client may write while the shim closes; that is the end of the stream, not a failure of the engine.
  socket.on("error", () => {});
  const abort = (): void => void socket.destroy();
  op.signal.addEventListener("abort", abort, { once: true });
  try {
    const wanted =
      (request.stdin ? flags.stdin : 0) | (request.stdout ? flags.stdout : 0) | (request.stderr ? flags.stderr : 0);
    socket.write(
      new BodyWriter()
        .u32(wanted)
        .string(request.execId ?? "")
        .frame(requests.attach, 1),
    );
    await attached(socket);
    return socket;
  } catch (error) {
    socket.destroy();
    throw op.signal.aborted ? abortError(op) : error;
  } finally {
    op.signal.removeEventListener("abort", abort);
  }
}

/**
 * Takes the reply from the front of the stream, and not a byte more. Until the request arrives the connection is like any
 * other, so that the event of an exit may come before the reply.
 */
function attached(socket: Socket): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const next = frameTaker(socket);
  let isAnswered = false;
  const take = (): void => {
    for (let frame = isAnswered ? undefined : next(); frame; frame = next()) {
      if (frame.sequence === 0) continue;
      isAnswered = true;
      if (frame.type === replies.ok) resolve();
      else reject(new ShimError(frame.body.u8(), frame.body.string()));
      return;
    }
  };
  const lost = (): void => reject(gone());
  socket.on("readable", take);
  socket.once("close", lost);
  socket.once("end", lost);
  return promise.finally(() => {
    socket.off("readable", take);
    socket.off("close", lost);
    socket.off("end", lost);
  });
}

/** Reads one frame at each call; undefined where it is not whole yet. */
function frameTaker(socket: Socket): () => Frame | undefined {
  let header: Buffer | undefined;
  return () => {
    header ??= (socket.read(headerLength) as Buffer | null) ?? undefined;
    if (!header) return undefined;
    const rest = header.readUInt32LE(0) + 4 - headerLength;
    const body = rest === 0 ? Buffer.alloc(0) : (socket.read(rest) as Buffer | null);
    if (!body) return undefined;
    const frame = decodeFrame(Buffer.concat([header, body]));
    header = undefined;
    return frame;
  };
}
