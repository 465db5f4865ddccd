import { messageOf } from "../base/errors.ts";
import type { Client } from "../client/client.ts";
import { createClient } from "../client/client.ts";
import { Failure } from "./failure.ts";
import type { Flags } from "./flags.ts";
import { clientOptions } from "./globals.ts";

/** What a command works with: the engine, and the standard streams. */
export interface Context {
  readonly client: Client;
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  /** The flags before the command. */
  readonly globals: Flags;
  /** Writes to standard output. */
  print(text: string): void;
  /** Writes to standard error. */
  warn(text: string): void;
}

/** The standard streams; this process's own, but for tests. */
export type Streams = Pick<Context, "stdin" | "stdout" | "stderr">;

/**
 * A context on these streams. The client is made when it is first used: `help` needs no engine. So is standard input,
 * which takes Node 5 ms to open.
 */
export function createContext(globals: Flags, streams: Streams): Context & { close(): void } {
  let client: Client | undefined;
  return {
    get client() {
      client ??= connect(globals);
      return client;
    },
    get stdin() {
      return streams.stdin;
    },
    get stdout() {
      return streams.stdout;
    },
    get stderr() {
      return streams.stderr;
    },
    globals,
    print: (text) => void streams.stdout.write(text),
    warn: (text) => void streams.stderr.write(text),
    close: () => client?.close(),
  };
}

/** A host that is none is our own complaint, not the engine's. */
function connect(globals: Flags): Client {
  try {
    return createClient(clientOptions(globals));
  } catch (error) {
    throw new Failure(messageOf(error));
  }
}
