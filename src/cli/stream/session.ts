import { KeySequence } from "../../base/key-sequence.ts";
import type { Hijacked } from "../../client/client.ts";
import { Failure } from "../failure.ts";
import { parseDetachKeys } from "./detach-keys.ts";
import { FrameReader } from "./frames.ts";
import { enterRawMode } from "./terminal.ts";
import { write } from "./write.ts";

/** The user typed the detach keys. */
export class Detached extends Failure {
  constructor() {
    super("read escape sequence");
  }
}

export interface SessionOptions {
  readonly stdin?: NodeJS.ReadStream;
  /** Undefined drops what the process writes there. */
  readonly stdout?: NodeJS.WriteStream;
  readonly stderr?: NodeJS.WriteStream;
  /** The process has a terminal: its output is raw, and keys may detach. */
  readonly tty: boolean;
  readonly detachKeys?: string;
}

/**
 * Copies between our standard streams and a process's until its output ends. Throws {@link Detached} when the detach
 * keys are typed. The terminal is as before when it settles.
 */
export async function runSession({ stream }: Hijacked, options: SessionOptions): Promise<void> {
  const keys = parseDetachKeys(options.detachKeys ?? "");
  // Reading tells of what goes wrong; an error after the end is nobody's affair.
  stream.on("error", () => {});
  const restore = options.stdin && options.tty ? enterRawMode(options.stdin) : () => {};
  const input = options.stdin
    ? copyInput(options.stdin, stream, options.tty ? new KeySequence(keys) : undefined)
    : undefined;
  try {
    const output = copyOutput(stream, options);
    await (input ? Promise.race([output, input.detached]) : output);
  } finally {
    input?.stop();
    restore();
    stream.destroy();
  }
}

/** Starts to copy input. `detached` rejects with {@link Detached}, and never resolves. */
function copyInput(
  stdin: NodeJS.ReadStream,
  stream: Hijacked["stream"],
  keys: KeySequence | undefined,
): { readonly detached: Promise<never>; stop(): void } {
  const { promise: detached, reject } = Promise.withResolvers<never>();
  detached.catch(() => {});
  const onData = (chunk: Buffer): void => {
    const found = keys?.push(chunk) ?? { pass: chunk, complete: false };
    if (found.pass.length > 0 && stream.writable && !stream.write(found.pass)) {
      stdin.pause();
      stream.once("drain", () => stdin.resume());
    }
    if (found.complete) reject(new Detached());
  };
  // Closing our half only: the process may still have much to say.
  const onEnd = (): void => void stream.end();
  stdin.on("data", onData);
  stdin.once("end", onEnd);
  stdin.once("error", onEnd);
  if (stdin.readableEnded) onEnd();
  return {
    detached,
    stop: () => {
      stdin.off("data", onData);
      stdin.off("end", onEnd);
      stdin.off("error", onEnd);
      stdin.pause();
      stdin.unref?.();
    },
  };
}

async function copyOutput(stream: Hijacked["stream"], { tty, stdout, stderr }: SessionOptions): Promise<void> {
  const full = new Set<NodeJS.WriteStream>();
  const put = (target: NodeJS.WriteStream | undefined, bytes: Buffer): void => {
    if (target && !target.write(bytes)) full.add(target);
  };
  const frames = tty ? undefined : new FrameReader((name, bytes) => put(name === "stderr" ? stderr : stdout, bytes));
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      if (frames) frames.push(chunk);
      else put(stdout, chunk);
      for (const target of full) if (target.writableNeedDrain) await write(target, "");
      full.clear();
    }
  } catch (error) {
    // An engine that closes the connection hard has still sent everything there was.
    if ((error as NodeJS.ErrnoException).code !== "ECONNRESET") throw error;
  }
}
